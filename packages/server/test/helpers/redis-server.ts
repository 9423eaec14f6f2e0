/** A redis-server of a test's own: a free port of loopback, a folder of its own, killed and started again at will. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** Nothing acknowledged is lost: what a production server should have. */
export const DURABLE = { appendonly: 'yes', appendfsync: 'always', save: '', 'maxmemory-policy': 'noeviction' } as const;

export type RedisSettings = Readonly<Record<string, string>>;

export class RedisServer {
  readonly port: number;
  readonly folder: string;
  #child: ChildProcess | null = null;
  readonly #copies: string[] = [];

  private constructor(port: number, folder: string) {
    this.port = port;
    this.folder = folder;
  }

  /** `settings` as in redis.conf; default `DURABLE`. */
  static async start(settings: RedisSettings = DURABLE): Promise<RedisServer> {
    const server = new RedisServer(await freePort(), mkdtempSync(join(tmpdir(), 'zhongkong-redis-')));
    await server.up(settings);
    return server;
  }

  /** Starts it (again), on its own port and folder. Resolves when it takes commands. */
  async up(settings: RedisSettings = DURABLE): Promise<void> {
    const args = Object.entries({ port: String(this.port), bind: '127.0.0.1', dir: this.folder, ...settings });
    const child = spawn(
      'redis-server',
      args.flatMap(([name, value]) => [`--${name}`, value]),
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    this.#child = child;
    const said: string[] = [];
    for await (const line of createInterface({ input: child.stdout })) {
      said.push(line);
      if (line.includes('Ready to accept connections')) {
        child.stdout.resume();
        return;
      }
    }
    throw new Error(`redis-server did not start:\n${said.join('\n')}`);
  }

  /** Its data as it is on disk now, in a folder of its own. Only what `appendfsync always` has put there. */
  snapshot(): string {
    const copy = mkdtempSync(join(tmpdir(), 'zhongkong-redis-copy-'));
    cpSync(this.folder, copy, { recursive: true });
    this.#copies.push(copy);
    return copy;
  }

  /** Puts an older snapshot in the place of its data; only while it is down. */
  restore(snapshot: string): void {
    rmSync(this.folder, { recursive: true });
    cpSync(snapshot, this.folder, { recursive: true });
  }

  /** As a power cut would, but for the disk's cache. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const child = this.#child;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    child.kill(signal);
    await once(child, 'exit');
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  /** What follows `redis:` in a URL of it. */
  rest(parameters: Readonly<Record<string, string>> = {}, user = ''): string {
    const query = new URLSearchParams(parameters).toString();
    return `//${user}127.0.0.1:${this.port}/0${query === '' ? '' : `?${query}`}`;
  }

  async remove(): Promise<void> {
    await this.kill();
    for (const folder of [this.folder, ...this.#copies]) rmSync(folder, { recursive: true, force: true });
  }
}

export async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  await once(probe, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
