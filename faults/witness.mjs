/**
 * Looks into the store itself, past the nodes: generation and fence of every credential, four times a second. Neither
 * ever goes back, whatever is killed. While the store is down it sees nothing, and looks again.
 */

import { Redis } from 'ioredis';
import mysql from 'mysql2/promise';
import pg from 'pg';

const LOOK_MS = 250;
const SQL = 'select account, generation, fence from credentials';

/** Each gives `{ account, generation, fence }` of every row as it is on disk. One connection per look: the last one may be broken. */
const LOOKS = {
  async postgres(url) {
    const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2000 });
    client.on('error', () => undefined);
    try {
      await client.connect();
      return (await client.query(SQL)).rows;
    } finally {
      await client.end().catch(() => undefined);
    }
  },
  async mysql(url) {
    const client = await mysql.createConnection({ uri: url, connectTimeout: 2000 });
    client.on('error', () => undefined);
    try {
      const [rows] = await client.query(SQL);
      // What InnoDB shows may not be on disk yet, nor acknowledged: a commit of our own after it is, and all before it.
      await client.query('create table if not exists witness_looks (at bigint primary key)');
      await client.query('replace into witness_looks values (?)', [Date.now()]);
      return rows;
    } finally {
      client.destroy();
    }
  },
  async redis(url) {
    const client = new Redis(url, { lazyConnect: true, retryStrategy: null, connectTimeout: 2000, enableOfflineQueue: false });
    client.on('error', () => undefined);
    try {
      await client.connect();
      const [[, leases], [, written]] = await client.multi().hgetall('{zhongkong}:leases').hgetall('{zhongkong}:credentials').exec();
      return Object.entries(leases).map(([id, lease]) => {
        return { account: id.split(' ')[0], generation: (written[id] ?? '0').split(' ')[0], fence: lease.split(' ')[0] };
      });
    } finally {
      client.disconnect();
    }
  },
};

export class Witness {
  looks = 0;
  /** `{ at, account, what, from, to }`: what went back. */
  wentBack = [];
  /** Account → `{ generation, fence }` as last seen. */
  seen = new Map();
  #look;
  #running = true;
  #loop = Promise.resolve();

  constructor(store, url) {
    this.#look = () => LOOKS[store](url);
  }

  start() {
    this.#loop = this.#run();
  }

  async end() {
    this.#running = false;
    await this.#loop;
  }

  /** Rejects while the store is away. */
  async look() {
    for (const row of await this.#look()) {
      const before = this.seen.get(row.account);
      const now = { generation: Number(row.generation), fence: Number(row.fence) };
      for (const what of ['generation', 'fence']) {
        if (before && now[what] < before[what]) {
          this.wentBack.push({ at: Date.now(), account: row.account, what, from: before[what], to: now[what] });
        }
      }
      this.seen.set(row.account, now);
    }
    this.looks += 1;
  }

  async #run() {
    while (this.#running) {
      await this.look().catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  }
}
