/**
 * The store of a run: a PostgreSQL, MariaDB or Redis of its own, on a free port, that keeps what it acknowledged.
 *
 * It is killed with -9 and started again on the same data. PostgreSQL's children outlive their parent for a moment and
 * keep the next one from starting, so they are killed with it.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, SERVERS } from '../scripts/test/database-servers.mjs';
import { until } from './until.mjs';

const LAUNCH = {
  postgres: (folder, port) => SERVERS.postgres.launch(folder, port, { durable: true }),
  mysql: (folder, port) => SERVERS.mysql.launch(folder, port, { durable: true }),
  redis: (folder, port) => {
    const settings = { port, bind: '127.0.0.1', dir: folder, appendonly: 'yes', appendfsync: 'always', save: '' };
    const args = Object.entries({ ...settings, 'maxmemory-policy': 'noeviction' }).flatMap(([name, value]) => [`--${name}`, String(value)]);
    return { path: 'redis-server', args, user: {}, url: `redis://127.0.0.1:${port}/0` };
  },
};

export class Service {
  /** Where it listens itself; nodes come through their links. */
  port = 0;
  url = '';
  #launch = null;
  #folder = '';
  #child = null;
  #log = 0;

  static async start(store, folder) {
    const service = new Service();
    // Not in the run's folder: the database's own user has to get in.
    service.#folder = mkdtempSync(join(tmpdir(), 'zhongkong-faults-store-'));
    service.port = await freePort();
    service.#launch = LAUNCH[store](service.#folder, service.port);
    service.url = service.#launch.url;
    service.#log = openSync(join(folder, 'store.log'), 'a');
    await service.up();
    return service;
  }

  /** Resolves when it takes connections. One that refuses to start, because the former is not quite gone, is tried again. */
  async up() {
    const { path, args, user } = this.#launch;
    await until(async () => {
      if (this.#child === null || this.#child.exitCode !== null || this.#child.signalCode !== null) {
        this.#child = spawn(path, args, { ...user, cwd: this.#folder, stdio: ['ignore', this.#log, this.#log] });
        this.#child.once('error', () => undefined);
      }
      const socket = connect(this.port, '127.0.0.1');
      socket.on('error', () => undefined);
      await once(socket, 'connect');
      socket.destroy();
    }, 60_000);
  }

  /** With -9. The parent is stopped first, so that it does not end its children in good order. */
  async kill() {
    const child = this.#child;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGSTOP');
    for (const pid of childrenOf(child.pid)) process.kill(pid, 'SIGKILL');
    child.kill('SIGKILL');
    await once(child, 'exit');
  }

  async remove() {
    await this.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** Linux says; elsewhere there are none to be known. */
function childrenOf(pid) {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);
  } catch {
    return [];
  }
}
