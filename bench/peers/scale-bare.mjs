/**
 * The least that refreshing so many accounts in PostgreSQL can cost: undici to the same upstream with as many calls in
 * the air as we have, and the values stored by one statement for all that gathered while two others were under way.
 */

import pg from 'pg';
import { Pool } from 'undici';
import { AUTO_SECRET, appId } from '../lib/zhongkong.mjs';

const [url, upstream, countText, refreshesText] = process.argv.slice(2);
const [count, refreshes] = [Number(countText), Number(refreshesText)];
const IN_FLIGHT = 64;
const LANES = 2;

const db = new pg.Pool({ connectionString: url, max: LANES });
const pool = new Pool(upstream, { connections: IN_FLIGHT });
const UPSERT = {
  name: 'store',
  text: `insert into bare select * from unnest($1::text[], $2::text[], $3::bigint[])
    on conflict (account) do update set value = excluded.value, expires_at = excluded.expires_at`,
};

let waiting = [];
let lanes = 0;
function store(row) {
  return new Promise((resolve, reject) => {
    waiting.push({ row, resolve, reject });
    if (waiting.length === 1) setImmediate(() => void flush());
  });
}

async function flush() {
  if (lanes >= LANES || waiting.length === 0) return;
  lanes += 1;
  const batch = waiting;
  waiting = [];
  try {
    await db.query({ ...UPSERT, values: [0, 1, 2].map((column) => batch.map(({ row }) => row[column])) });
    for (const { resolve } of batch) resolve();
  } catch (error) {
    for (const { reject } of batch) reject(error);
  }
  lanes -= 1;
  void flush();
}

let next = 0;
async function one() {
  while (next < refreshes) {
    const id = appId(Math.floor((next * count) / refreshes));
    next += 1;
    const body = JSON.stringify({ grant_type: 'client_credential', appid: id, secret: AUTO_SECRET, force_refresh: false });
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
process.stdout.write(`result ${JSON.stringify({ refreshes, seconds, cpuUs: (user + system) / refreshes })}\n`);
await db.end();
await pool.close();
