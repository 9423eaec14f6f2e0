/** The real world of a command: this process. */

import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { CliFailure } from './failure.ts';
import { FAILED, type Io } from './io.ts';

const MAX_INPUT = 64 * 1024;

const tooLong = (): CliFailure =>
  new CliFailure(FAILED, { en: 'standard input is longer than 64 KiB', zh: '标准输入超过 64 KiB' }, 'invalid_request');
const givenUp = (): CliFailure => new CliFailure(FAILED, { en: 'given up, nothing was changed', zh: '已取消，未做任何更改' });

async function readInput(): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of process.stdin) {
    chunks.push(chunk as Buffer);
    size += (chunk as Buffer).length;
    if (size > MAX_INPUT) throw tooLong();
  }
  return Buffer.concat(chunks).toString('utf8');
}

function promptHidden(question: string): Promise<string> {
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  // A terminal interface switches the echo off; what it would draw goes nowhere. Only then is anything asked.
  const reader = createInterface({ input: process.stdin, output: nowhere, terminal: true });
  process.stderr.write(question);
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
      reject(givenUp());
      end();
    });
    reader.once('close', () => reject(givenUp()));
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
    now: () => performance.now(),
    fetch: (request) => fetch(request),
    exit: (code) => process.exit(code),
  };
}
