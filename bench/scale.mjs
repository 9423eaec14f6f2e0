/**
 * What refreshing costs with 100,000 and with 1,000,000 accounts in PostgreSQL, beside a bare loop in the same run.
 *
 * A part of the accounts is overdue, as after an outage. One node works on them, then a second one joins; then nothing
 * is due any more, and a node is started anew to see it at rest. CPU time is taken from the processes, because other
 * work on the machine does not show in it. Takes some minutes, most of them for filling: runs only when it is named.
 *
 * BENCH_SCALE_ACCOUNTS  numbers of accounts, default 100000,1000000
 * BENCH_SCALE_REFRESHES overdue accounts of each run at most, default 250000: over a minute of work
 *
 * The upstream is not the simulator, which keeps every token it ever gave and needs as much time for an answer as we
 * need for a refresh.
 */

import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { backendsCpuUs, ownDatabase } from './lib/postgres.mjs';
import { cpuUs, node, residentMb, withCleanup } from './lib/process.mjs';
import { say, table } from './lib/report.mjs';
import { appId, startServer, temporaryFolder } from './lib/zhongkong.mjs';

const SIZES = (process.env.BENCH_SCALE_ACCOUNTS ?? '100000,1000000').split(',').map(Number);
const MOST_OVERDUE = Number(process.env.BENCH_SCALE_REFRESHES ?? 250_000);
/** Of the overdue ones: by the bare loop, and by one node before the second joins. */
const BARE_SHARE = 0.25;
const ALONE_SHARE = 0.6;
const REST_MS = 10_000;
const LOOK_MS = 250;
/** Without an issue for so long, nothing is due any more. */
const IDLE_MS = 2000;

const peer = (name, args, ready = /result (\{.*\})/) =>
  node(fileURLToPath(new URL(`./peers/${name}.mjs`, import.meta.url)), args, { ready, patienceMs: 600_000 });
const COUNTING = new URL('./lib/count-statements.mjs', import.meta.url).href;

export async function run() {
  const runs = [];
  for (const accounts of SIZES) runs.push(await withCleanup((atEnd) => measured(atEnd, accounts)));
  report(runs);
  return { runs };
}

async function measured(atEnd, accounts) {
  const { url, pool } = await ownDatabase(atEnd);
  const upstream = await peer('upstream', [], /ready (\d+)/);
  atEnd(() => upstream.stop());
  const upstreamUrl = `http://127.0.0.1:${upstream.match[1]}`;
  const overdue = Math.min(accounts, MOST_OVERDUE);
  const masterKey = randomBytes(32).toString('base64');
  const folder = await temporaryFolder(atEnd);
  const env = {
    ZHONGKONG_STORE: url,
    ZHONGKONG_MASTER_KEY: masterKey,
    ZHONGKONG_ADMIN_KEY: `bench-${randomBytes(16).toString('hex')}`,
    ZHONGKONG_LOG_LEVEL: 'warn',
    // What is given comes along: `--max-old-space-size=MB` shows what a bound on the heap costs.
    NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ''} --import ${COUNTING}`,
  };
  const serve = async () => {
    const startedAt = performance.now();
    const server = await startServer(atEnd, folder, upstreamUrl, env);
    await server.api('GET', `/v1/accounts/${appId(accounts - 1)}/token`);
    return { ...server, firstReadMs: performance.now() - startedAt };
  };

  const filling = performance.now();
  const filled = await peer('scale-fill', [url, upstreamUrl, masterKey, String(accounts), String(overdue)], /filled (\{.*\})/);
  say(`${accounts.toLocaleString('en')} accounts, ${overdue.toLocaleString('en')} of them overdue: filled in ${since(filling)} s`);
  const bytes = await bytesPerAccount(pool, accounts);
  const bareLoop = () => bareOf(pool, [url, upstreamUrl, String(accounts), String(Math.ceil(overdue * BARE_SHARE))]);
  const bareBefore = await bareLoop();
  const claim = result(await peer('scale-claim', [url]));

  const first = await serve();
  const before = await versions(pool);
  const alone = await work(pool, upstreamUrl, [first], overdue * ALONE_SHARE);
  const after = await versions(pool);
  const second = await serve();
  const both = await work(pool, upstreamUrl, [first, second], Number.POSITIVE_INFINITY);
  await first.stop();
  await second.stop();

  const resting = await serve();
  await delay(REST_MS);
  const restMb = residentMb(resting.pid);
  await resting.stop();
  // Before and after, because the machine drifts.
  const bare = together(bareBefore, await bareLoop());
  return {
    ...{ accounts, overdue, ...JSON.parse(filled.match[1]), bytes, bare, claim, alone, both },
    dead: {
      perRefresh: (after.dead - before.dead) / alone.refreshes,
      hotShare: (after.hot - before.hot) / (after.updated - before.updated),
    },
    busyStartMs: first.firstReadMs,
    restStartMs: resting.firstReadMs,
    restMb,
  };
}

const since = (startedAt) => ((performance.now() - startedAt) / 1000).toFixed(0);
const result = (child) => JSON.parse(child.match[1]);

const together = (one, other) => ({
  refreshes: one.refreshes + other.refreshes,
  seconds: one.seconds + other.seconds,
  cpuUs: (one.cpuUs + other.cpuUs) / 2,
});

async function bareOf(pool, args) {
  await pool.query('create table bare (account text primary key, value text not null, expires_at bigint not null)');
  await pool.query("insert into bare select id, repeat('x', 136), 0 from accounts order by id");
  const bare = result(await peer('scale-bare', args));
  await pool.query('drop table bare');
  return bare;
}

/** What these nodes did and what it took, until the upstream has answered `calls` times more, or nothing is due. */
async function work(pool, upstreamUrl, nodes, calls) {
  const answered = async () => Number(await (await fetch(`${upstreamUrl}/count`)).text());
  const look = async () => ({
    refreshed: await Promise.all(nodes.map(refreshed)),
    cpuUs: sum(nodes.map(({ pid }) => cpuUs(pid))),
    databaseCpuUs: await backendsCpuUs(pool),
    statements: sum(await Promise.all(nodes.map(statements))),
  });
  const from = await look();
  const startedAt = performance.now();
  const wanted = (await answered()) + calls;
  let [count, progressAt, peakMb] = [0, startedAt, 0];
  while (count < wanted && performance.now() - progressAt < IDLE_MS) {
    await delay(LOOK_MS);
    const now = await answered();
    if (now > count) [count, progressAt] = [now, performance.now()];
    peakMb = Math.max(peakMb, ...nodes.map(({ pid }) => residentMb(pid) ?? 0));
  }
  const to = await look();
  const done = to.refreshed.map((one, index) => one - from.refreshed[index]);
  const each = (what) => (to[what] === null ? null : (to[what] - from[what]) / sum(done));
  const seconds = (progressAt - startedAt) / 1000;
  return {
    ...{ refreshes: sum(done), seconds, perSecond: sum(done) / seconds, peakMb, shares: done.map((one) => one / sum(done)) },
    ...{ cpuUs: each('cpuUs'), databaseCpuUs: each('databaseCpuUs'), statements: each('statements') },
  };
}

const sum = (list) => list.reduce((all, one) => all + one, 0);

async function refreshed({ url, adminKey }) {
  const answer = await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${adminKey}` } });
  if (!answer.ok) throw new Error(`/metrics answered ${answer.status}`);
  const text = await answer.text();
  const series = text.match(/^zhongkong_refreshes_total\{[^}]*outcome="issued"[^}]*\} (\d+)/gm) ?? [];
  return sum(series.map((line) => Number(line.slice(line.lastIndexOf(' ')))));
}

async function statements(server) {
  const [, count] = await server.answer(() => process.kill(server.pid, 'SIGUSR2'), /statements (\d+)/);
  return Number(count);
}

/** What the two tables and their indexes take on disk, for each account. */
async function bytesPerAccount(pool, accounts) {
  const { rows } = await pool.query(
    "select pg_total_relation_size('accounts') as accounts, pg_total_relation_size('credentials') as credentials",
  );
  return { accounts: Number(rows[0].accounts) / accounts, credentials: Number(rows[0].credentials) / accounts };
}

/** Row versions of the credentials so far: dead now, updated, updated without touching an index. */
async function versions(pool) {
  await pool.query('select pg_stat_force_next_flush()').catch(() => undefined);
  const { rows } = await pool.query(
    "select n_dead_tup as dead, n_tup_upd as updated, n_tup_hot_upd as hot from pg_stat_user_tables where relname = 'credentials'",
  );
  return Object.fromEntries(Object.entries(rows[0]).map(([name, value]) => [name, Number(value)]));
}

function report(runs) {
  const fixed = (digits) => (value) => (value === null || value === undefined ? '-' : value.toFixed(digits));
  const [whole, one, two] = [fixed(0), fixed(1), fixed(2)];
  const percent = (list) => list.map((share) => `${(share * 100).toFixed(0)} %`).join(' / ');
  const cores = (value) => (value === null ? null : 1_000_000 / value);
  const row = (name, of) => [name, ...runs.map(of)];
  table([
    row('accounts', ({ accounts }) => accounts.toLocaleString('en')),
    row('bare loop: refreshes/s', ({ bare }) => whole(bare.refreshes / bare.seconds)),
    row('bare loop: CPU µs', ({ bare }) => whole(bare.cpuUs)),
    row('one node: refreshes/s', ({ alone }) => whole(alone.perSecond)),
    row('  for so many seconds', ({ alone }) => whole(alone.seconds)),
    row('  share of bare', ({ alone, bare }) => two((alone.perSecond * bare.seconds) / bare.refreshes)),
    row('  CPU µs of the node', ({ alone }) => whole(alone.cpuUs)),
    row('  refreshes/s of a core', ({ alone }) => whole(cores(alone.cpuUs))),
    row('  CPU share of bare', ({ alone, bare }) => two(bare.cpuUs / alone.cpuUs)),
    row('  CPU µs of the database', ({ alone }) => whole(alone.databaseCpuUs)),
    row('  statements', ({ alone }) => two(alone.statements)),
    row('  resident MB at most', ({ alone }) => whole(alone.peakMb)),
    row('two nodes: refreshes/s', ({ both }) => whole(both.perSecond)),
    row('  share of each', ({ both }) => percent(both.shares)),
    row('  resident MB at most', ({ both }) => whole(both.peakMb)),
    row('a claim of 16: ms, median', ({ claim }) => two(claim.medianMs)),
    row('a claim of 16: ms, p99', ({ claim }) => two(claim.p99Ms)),
    row('first read after a start, overdue: ms', ({ busyStartMs }) => whole(busyStartMs)),
    row('first read after a start, nothing due: ms', ({ restStartMs }) => whole(restStartMs)),
    row('resident MB at rest', ({ restMb }) => whole(restMb)),
    row('bytes of an account', ({ bytes }) => whole(bytes.accounts)),
    row('bytes of a credential', ({ bytes }) => whole(bytes.credentials)),
    row('row versions dead after a refresh', ({ dead }) => one(dead.perRefresh)),
    row('updates that touch no index', ({ dead }) => percent([dead.hotShare])),
  ]);
  for (const { accounts, claim } of runs) say(`a claim among ${accounts.toLocaleString('en')} goes by: ${claim.scans.join('; ')}`);
  say('CPU time, statements and dead row versions are for each refresh; the database is measured where it runs on this machine');
}
