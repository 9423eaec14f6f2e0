/**
 * What the processes of `sqlite-processes.test.ts` do: `node sqlite-child.js TASK FILE`.
 *
 * Each says "ready" once it has loaded its code and starts when it is told "go", so that several start at once.
 */

import { writeSync } from 'node:fs';
import { ZhongkongError } from '../../src/core/errors.ts';
import { openSqlite } from '../../src/stores/sql/sqlite.ts';

const say = (line: string): void => void writeSync(1, `${line}\n`);

const TASKS: Readonly<Record<string, (file: string) => Promise<void>>> = {
  async open(file) {
    const store = await openSqlite(file);
    await store.ping();
    await store.close();
    say('opened');
  },

  /** Ten credentials, each written over and over; says "credential generation" for every write that was acknowledged. */
  async 'write-forever'(file) {
    const store = await openSqlite(file);
    const writer = async (account: string): Promise<never> => {
      const id = { account, kind: 'access_token', chain: 'stable' };
      for (;;) {
        const got = await store.credentials.acquire(id, account, 60_000);
        if (!('lease' in got)) throw new Error('held');
        const generation = got.stored.generation + 1;
        const next = { generation, nextAttemptAt: generation, body: JSON.stringify({ generation, filler: 'x'.repeat(1000) }) };
        if ((await store.credentials.write(got.lease, next, { release: true })) === 'committed') say(`${account} ${generation}`);
      }
    };
    await Promise.all(Array.from({ length: 10 }, (_, index) => writer(`wx${index}`)));
  },

  async 'revoke-key'(file) {
    const store = await openSqlite(file);
    const key = await store.directory.key('k_1');
    if (key) await store.directory.putKey({ ...key, revokedAt: 1 });
    await store.close();
  },

  /** As a user without rights where the tests run as root. */
  async 'open-without-rights'(file) {
    if (process.getuid?.() === 0) {
      process.setgid?.(65_534);
      process.setuid?.(65_534);
    }
    try {
      await openSqlite(file);
      say('opened');
    } catch (error) {
      say(error instanceof ZhongkongError ? `${error.code}: ${error.message}` : String(error));
    }
  },
};

const [name = '', file = ''] = process.argv.slice(2);
say('ready');
process.stdin.once('data', () => {
  void TASKS[name]?.(file);
});
