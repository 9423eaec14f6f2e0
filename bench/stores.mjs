/**
 * Refresh-like writes per second into each store: claim what is due, store a new value, give the lease back; beside the
 * least that a driver can do in the same run: one upsert per value, each by itself or many in one statement.
 *
 * PostgreSQL and MariaDB or MySQL are used when they are there (ZHONGKONG_TEST_POSTGRES, ZHONGKONG_TEST_MYSQL, or the
 * usual ports of this machine); each gets a database of the bench's own, which is dropped at the end.
 */

import mysql from 'mysql2/promise';
import { ownDatabase } from './lib/postgres.mjs';
import { withCleanup } from './lib/process.mjs';
import { say, table } from './lib/report.mjs';
import { part, temporaryFolder } from './lib/zhongkong.mjs';

const CREDENTIALS = 5000;
const IN_FLIGHT = 64;
/** About what a sealed record takes. */
const BODY = JSON.stringify({ value: 'x'.repeat(700) });
const NAME = `zhongkong_bench_${process.pid}`;

const within = (url) => Object.assign(new URL(url), { pathname: `/${NAME}` }).href;

async function postgres(atEnd) {
  const { url, pool } = await ownDatabase(atEnd);
  await pool.query('create table bare (account text primary key, body text not null)');
  const end = 'on conflict (account) do update set body = excluded.body';
  return {
    name: 'PostgreSQL',
    url,
    single: (id) => pool.query({ name: 'one', text: `insert into bare values ($1, $2) ${end}`, values: [id, BODY] }),
    batch: (ids) =>
      pool.query({
        name: 'many',
        text: `insert into bare select * from unnest($1::text[], $2::text[]) ${end}`,
        values: [ids, ids.map(() => BODY)],
      }),
  };
}

async function mariadb(atEnd) {
  const base = process.env.ZHONGKONG_TEST_MYSQL ?? 'mysql://root@127.0.0.1:3306/mysql';
  const admin = await mysql.createConnection(base);
  atEnd(() => admin.end());
  await admin.query(`create database ${NAME}`);
  atEnd(() => admin.query(`drop database ${NAME}`));
  const url = within(base);
  const pool = mysql.createPool({ uri: url, connectionLimit: 10 });
  atEnd(() => pool.end());
  await pool.query('create table bare (account varchar(128) primary key, body mediumtext not null)');
  const end = 'on duplicate key update body = values(body)';
  return {
    name: 'MariaDB/MySQL',
    url,
    single: (id) => pool.query(`insert into bare values (?, ?) ${end}`, [id, BODY]),
    batch: (ids) => pool.query(`insert into bare values ? ${end}`, [ids.map((id) => [id, BODY])]),
  };
}

const ids = Array.from({ length: CREDENTIALS }, (_, index) => `wx${String(index).padStart(16, '0')}`);

/** Runs `one` for every id, so many at a time. */
async function flood(one) {
  let next = 0;
  const worker = async () => {
    while (next < ids.length) {
      const id = ids[next];
      next += 1;
      await one(id);
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, worker));
}

/** What arrives in one turn of the event loop goes together. */
function batched(send) {
  let waiting = [];
  return (id) =>
    new Promise((resolve, reject) => {
      if (waiting.length === 0) {
        setImmediate(() => {
          const group = waiting;
          waiting = [];
          send(group.map((one) => one.id)).then(
            () => group.forEach((one) => one.resolve()),
            (error) => group.forEach((one) => one.reject(error)),
          );
        });
      }
      waiting.push({ id, resolve, reject });
    });
}

async function measured(name, work) {
  const cpu = process.cpuUsage();
  const startedAt = performance.now();
  await work();
  const { user, system } = process.cpuUsage(cpu);
  return { name, perSecond: (CREDENTIALS * 1000) / (performance.now() - startedAt), cpuUs: (user + system) / CREDENTIALS };
}

async function ours(url, name) {
  const { openStore } = await part('stores/open.js');
  const store = await openStore(url);
  const { credentials, due } = store;
  const of = (account) => ({ account, kind: 'access_token', chain: 'stable' });
  const next = { generation: 1, nextAttemptAt: null, body: BODY };
  try {
    const made = await measured(`${name}, scheduled`, () => flood((id) => credentials.schedule(of(id), 0)));
    // As the refresher does: 64 at work, and a claim for what has come free.
    const refreshed = await measured(`${name}, claimed and written`, async () => {
      const running = new Set();
      for (let done = 0; done < CREDENTIALS; ) {
        const claimed = await due.claim('bench', 30_000, IN_FLIGHT - running.size);
        for (const { lease } of claimed) {
          const work = (async () => {
            await credentials.write(lease, next, { release: false });
            await credentials.write(lease, next, { release: true });
          })().finally(() => running.delete(work));
          running.add(work);
        }
        done += claimed.length;
        while (running.size > 0.75 * IN_FLIGHT || (done >= CREDENTIALS && running.size > 0)) await Promise.race(running);
      }
    });
    const alone = await measured(`${name}, leased and written one by one`, async () => {
      for (const id of ids.slice(0, CREDENTIALS / 10)) {
        const { lease } = await credentials.acquire(of(id), 'bench', 30_000);
        await credentials.write(lease, next, { release: true });
      }
    });
    return [made, refreshed, { ...alone, perSecond: alone.perSecond / 10, cpuUs: alone.cpuUs * 10 }];
  } finally {
    await store.close();
  }
}

export async function run() {
  const results = [];
  for (const server of [postgres, mariadb]) {
    await withCleanup(async (atEnd) => {
      const opened = await server(atEnd).catch((error) => {
        say(`skipped: ${server.name} (${error.code ?? error.name})`);
        return null;
      });
      if (opened === null) return;
      const { name, url, single, batch } = opened;
      const bare = await measured(`${name}, bare loop, one upsert each`, () => flood(single));
      results.push(bare, await measured(`${name}, bare loop, batched upserts`, () => flood(batched(batch))));
      results.push(...(await ours(url, name)).map((one) => ({ ...one, bare: bare.perSecond })));
    });
  }
  await withCleanup(async (atEnd) => {
    const folder = await temporaryFolder(atEnd);
    results.push(...(await ours(`sqlite:${folder}/bench.db`, 'SQLite')));
  });
  say(`${CREDENTIALS} credentials of 700 bytes, ${IN_FLIGHT} in the air; "claimed and written": one claim and two writes each`);
  table([
    ['', 'per second', 'of bare, one each', 'CPU µs each'],
    ...results.map((one) => [
      one.name,
      Math.round(one.perSecond),
      one.bare ? (one.perSecond / one.bare).toFixed(2) : '',
      one.cpuUs.toFixed(0),
    ]),
  ]);
  return { credentials: CREDENTIALS, runs: results };
}
