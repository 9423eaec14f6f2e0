/**
 * The real command in processes of its own, as a person or a script runs it.
 *
 * It is the built one (`npm run build`; `npm test` builds first). Every process gets a clean environment and a folder
 * of its own, and is ended with the test.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { listenSimulator } from '@zhongkong/simulator/node';
import { onTestFinished } from 'vitest';

const MAIN = fileURLToPath(new URL('../../../dist/cli/main.js', import.meta.url));

export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export interface RunOptions {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
  /** Another copy of the command than the built one of this repository. */
  readonly main?: string;
}

export interface Started {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** Resolves with the match once it was written; rejects when the process ends before. */
  until(stream: 'out' | 'err', pattern: RegExp): Promise<RegExpExecArray>;
}

export function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'zk-e2e-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

export function start(argv: readonly string[], { cwd, env = {}, input, main = MAIN }: RunOptions): Started {
  const child = spawn(process.execPath, [main, ...argv], { cwd, env: { PATH: process.env.PATH, TMPDIR: cwd, ...env } });
  const text = { out: '', err: '' };
  const waiting = new Set<() => void>();
  const collect = (stream: 'out' | 'err') => (chunk: Buffer) => {
    text[stream] += chunk.toString();
    for (const look of waiting) look();
  };
  child.stdout.on('data', collect('out'));
  child.stderr.on('data', collect('err'));
  child.stdin.end(input ?? '');
  const ended = new Promise<Ended>((resolve) => child.on('close', (code) => resolve({ code, ...text })));
  onTestFinished(async () => {
    if (child.exitCode === null) child.kill('SIGKILL');
    await ended;
  });
  const until = (stream: 'out' | 'err', pattern: RegExp): Promise<RegExpExecArray> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        const match = pattern.exec(text[stream]);
        if (match) resolve(match);
      };
      waiting.add(look);
      look();
      void ended.then(({ code, err }) => reject(new Error(`ended with ${code} before ${pattern}: ${err}`)));
    });
  return { child, ended, until };
}

export const run = (argv: readonly string[], options: RunOptions): Promise<Ended> => start(argv, options).ended;

type SimulatorOptions = Parameters<typeof listenSimulator>[0];

export async function simulator(options: SimulatorOptions = {}) {
  const listening = await listenSimulator(options);
  onTestFinished(() => listening.close());
  return listening;
}

/** A started server, and how to reach it. */
export async function serve(options: RunOptions, flags: readonly string[] = []) {
  const server = start(['serve', '--listen', '127.0.0.1:0', ...flags], options);
  const [, url = ''] = await server.until('err', /serves (http\S+)/);
  return { ...server, url };
}
