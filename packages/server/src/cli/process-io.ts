/** The real world of a command: this process. */

import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import type { Io } from './io.ts';

const MAX_INPUT = 64 * 1024;

async function readInput(): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of process.stdin) {
    chunks.push(chunk as Buffer);
    size += (chunk as Buffer).length;
    if (size > MAX_INPUT) throw new Error('standard input is longer than 64 KiB');
  }
  return Buffer.concat(chunks).toString('utf8');
}

function promptHidden(question: string): Promise<string> {
  process.stderr.write(question);
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  // A terminal interface switches the echo off; what it would draw goes nowhere.
  const reader = createInterface({ input: process.stdin, output: nowhere, terminal: true });
  return new Promise((resolve, reject) => {
    const end = (): void => {
      reader.close();
      process.stderr.write('\n');
    };
    reader.once('line', (line) => {
      resolve(line);
      end();
    });
    reader.once('SIGINT', () => {
      reject(new Error('given up'));
      end();
    });
    reader.once('close', () => reject(new Error('given up')));
  });
}

export function processIo(): Io {
  // A reader that went away (`| head`) is no fault of ours.
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
    });
  }
  return {
    env: process.env,
    cwd: process.cwd(),
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    outIsTerminal: process.stdout.isTTY === true,
    canPrompt: process.stdin.isTTY === true && process.stderr.isTTY === true,
    promptHidden,
    readInput,
    onSignals(handler, onHangup) {
      const listeners: [NodeJS.Signals, () => void][] = [
        ['SIGINT', handler],
        ['SIGTERM', handler],
      ];
      if (onHangup) listeners.push(['SIGHUP', onHangup]);
      for (const [signal, listener] of listeners) process.on(signal, listener);
      return () => {
        for (const [signal, listener] of listeners) process.off(signal, listener);
      };
    },
    fetch: (request) => fetch(request),
    exit: (code) => process.exit(code),
  };
}
