/** One server of a run: the real `zhongkong serve` in a process of its own, killed, stopped and continued by signals. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../scripts/test/database-servers.mjs';
import { until } from './until.mjs';

const START_MS = 120_000;

export class Node {
  /** Ended although nobody killed it: the exit code. */
  endedBy = null;
  #child = null;
  #command;
  #env;
  #log;
  #wanted = false;

  /** `command` is the file of the CLI, `env` all that it is told; `folder` gets its log. */
  static async start(name, { command, folder, env }) {
    const node = new Node();
    node.#command = command;
    node.name = name;
    node.port = await freePort();
    node.url = `http://127.0.0.1:${node.port}`;
    node.#env = { PATH: process.env.PATH, ZHONGKONG_LISTEN: `127.0.0.1:${node.port}`, ...env };
    node.#log = openSync(join(folder, `${name}.log`), 'a');
    await node.up();
    return node;
  }

  /** Resolves when it says that it is ready. A start that fails, because the store is away just now, is tried again. */
  async up() {
    this.#wanted = true;
    await until(async () => {
      if (this.#child === null) this.#spawn();
      const response = await fetch(`${this.url}/readyz`, { signal: AbortSignal.timeout(1000) });
      await response.text();
      if (!response.ok) throw new Error(`${this.name} is not ready`);
    }, START_MS);
    this.#wanted = false;
  }

  async kill() {
    const child = this.#child;
    if (child === null) return;
    this.#wanted = true;
    child.kill('SIGKILL');
    await once(child, 'exit');
    this.#wanted = false;
  }

  stop() {
    this.#child?.kill('SIGSTOP');
  }

  goOn() {
    this.#child?.kill('SIGCONT');
  }

  #spawn() {
    const child = spawn(process.execPath, [this.#command, 'serve'], { env: this.#env, stdio: ['ignore', this.#log, this.#log] });
    this.#child = child;
    child.once('exit', (code, signal) => {
      this.#child = null;
      if (!this.#wanted) this.endedBy = `exit code ${code}, signal ${signal}`;
    });
  }
}
