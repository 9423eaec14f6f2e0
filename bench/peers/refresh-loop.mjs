/**
 * What a refresh costs at least: undici to the same upstream, as many in the air as we have, and one insert per value;
 * each in its own commit, or one commit for all that arrived in one turn of the event loop.
 */

import Libsql from 'libsql';
import { Pool } from 'undici';
import { AUTO_SECRET, appId } from '../lib/zhongkong.mjs';

const [database, upstream, commits, count] = process.argv.slice(2);
const IN_FLIGHT = 64;

const db = new Libsql(database);
db.exec(
  'pragma journal_mode = wal; pragma synchronous = full; create table credential (account text primary key, value text, expires integer)',
);
const insert = db.prepare(
  'insert into credential values (?, ?, ?) on conflict do update set value = excluded.value, expires = excluded.expires',
);
const pool = new Pool(upstream, { connections: IN_FLIGHT });

let waiting = [];
function storeBatched(row) {
  return new Promise((resolve) => {
    if (waiting.length === 0) {
      setImmediate(() => {
        const batch = waiting;
        waiting = [];
        db.exec('begin immediate');
        for (const one of batch) insert.run(...one.row);
        db.exec('commit');
        for (const one of batch) one.resolve();
      });
    }
    waiting.push({ row, resolve });
  });
}
const store = commits === 'batched' ? storeBatched : async (row) => void insert.run(...row);

let next = 0;
async function one() {
  while (next < Number(count)) {
    const id = appId(next);
    next += 1;
    const body = JSON.stringify({ grant_type: 'client_credential', appid: id, secret: AUTO_SECRET });
    const headers = { 'content-type': 'application/json' };
    const answer = await pool.request({ path: '/cgi-bin/stable_token', method: 'POST', headers, body });
    const { access_token, expires_in } = await answer.body.json();
    if (!access_token) throw new Error('no token');
    await store([id, access_token, Date.now() + expires_in * 1000]);
  }
}

const cpu = process.cpuUsage();
const startedAt = performance.now();
await Promise.all(Array.from({ length: IN_FLIGHT }, one));
const seconds = (performance.now() - startedAt) / 1000;
const { user, system } = process.cpuUsage(cpu);
process.stdout.write(`result ${JSON.stringify({ issued: Number(count), failed: 0, seconds, cpuUs: (user + system) / Number(count) })}\n`);
