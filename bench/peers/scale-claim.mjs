/** What a claim of a quarter of a node's capacity takes in this database now: its time, and the plan of its statement. */

import pg from 'pg';
import { part } from '../lib/zhongkong.mjs';

const [url] = process.argv.slice(2);
const CLAIMS = 200;
const ROWS = 16;

const { openPostgres } = await part('stores/sql/postgres.js');
let claim = null;
const store = await openPostgres(url, {
  log({ query }) {
    if (query.sql.includes('skip locked')) claim = query;
  },
});
const times = [];
for (let n = 0; n < CLAIMS; n += 1) {
  const startedAt = performance.now();
  const claimed = await store.due.claim('bench', 30_000, ROWS);
  times.push(performance.now() - startedAt);
  await Promise.all(claimed.map(({ lease }) => store.credentials.release(lease)));
}
const client = new pg.Client({ connectionString: url });
await client.connect();
const { rows } = await client.query(`explain ${claim.sql}`, [...claim.parameters]);
const plan = rows.map((row) => row['QUERY PLAN'].trim());
await client.end();
await store.close();
times.sort((a, b) => a - b);
const scans = plan.filter((line) => /Scan/.test(line)).map((line) => line.replace(/^-> +/, '').replace(/ +\(.*/, ''));
process.stdout.write(`result ${JSON.stringify({ medianMs: times[CLAIMS / 2], p99Ms: times[CLAIMS * 0.99], scans })}\n`);
