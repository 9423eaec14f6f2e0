/**
 * `zhongkong migrate --to`, `backup` and `restore` on a store of many accounts, each with a credential of the usual size,
 * as rows per second and memory of the command; beside them `cp` of the same file. And how long a server's writes
 * take while its store is being backed up. Of a move also for how long nothing was issued: the audit trail, most of a
 * store, is copied before that.
 *
 * MOVING_ACCOUNTS sets how many; default 50,000. MOVING_AUDIT: lines of the audit trail; default 200,000.
 */

import { copyFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import pg from 'pg';
import { withCleanup } from './lib/process.mjs';
import { startRedis } from './lib/redis.mjs';
import { say, table } from './lib/report.mjs';
import { part, startServer, startSimulator, temporaryFolder } from './lib/zhongkong.mjs';

const ACCOUNTS = Number(process.env.MOVING_ACCOUNTS ?? 50_000);
const AUDIT = Number(process.env.MOVING_AUDIT ?? 200_000);
const ROWS = 2 * ACCOUNTS + AUDIT;
const PAGE = 500;
const POSTGRES = process.env.ZHONGKONG_TEST_POSTGRES ?? 'postgres://postgres@127.0.0.1:5432/postgres';
const NAME = `zhongkong_bench_${process.pid}`;
const MAIN = fileURLToPath(new URL('../packages/server/dist/cli/main.js', import.meta.url));

/** Says at the end of a process how large it ever was, by the kernel's own count. */
const PEAK = "data:text/javascript,process.on('exit',()=>console.error('peak',process.resourceUsage().maxRSS/1024))";

/** Runs one command to its end: what it printed as JSON, how long it took and the most memory it had, MB. */
async function command(args, env) {
  const startedAt = performance.now();
  const child = spawn(process.execPath, ['--import', PEAK, MAIN, ...args, '--json'], { env: { ...process.env, ...env } });
  let [out, err] = ['', ''];
  child.stdout.on('data', (chunk) => (out += chunk));
  child.stderr.on('data', (chunk) => (err += chunk));
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`${args[0]} ended with ${code}: ${err}`);
  return {
    told: JSON.parse(out),
    seconds: (performance.now() - startedAt) / 1000,
    peakMb: Number(/peak ([\d.]+)/.exec(err)?.[1] ?? Number.NaN),
  };
}

async function fill(url, keys) {
  const { openStore } = await part('stores/open.js');
  const { openMasterKeys } = await part('hosts/master-key.js');
  const store = await openStore(url);
  await openMasterKeys({ masterKey: keys.ZHONGKONG_MASTER_KEY, masterKeyFile: null }, store.directory);
  for (let from = 0; from < ACCOUNTS; from += PAGE) {
    const ids = Array.from({ length: Math.min(PAGE, ACCOUNTS - from) }, (_, index) => `wx${String(from + index).padStart(16, '0')}`);
    const account = {
      platform: 'official-account',
      parent: '',
      mode: 'stable',
      sealedSecrets: ['v1.aaaaaaaa.'.padEnd(90, 'x')],
      secretRevision: 1,
    };
    const rest = { secretFingerprints: ['0a1b2c3d'], enabled: true, note: '', declaration: '', createdAt: 1, updatedAt: 1, revision: 1 };
    const body = JSON.stringify({ format: 1, filler: 'x'.repeat(900) });
    const row = { generation: 1, fence: 1, nextAttemptAt: null, body, lease: null };
    await store.archive.put({ accounts: ids.map((id) => ({ id, appId: id, ...account, ...rest })) });
    await store.archive.put({ credentials: ids.map((id) => ({ id: { account: id, kind: 'access_token', chain: 'stable' }, ...row })) });
  }
  for (let from = 0; from < AUDIT; from += PAGE) {
    const line = { at: Date.now(), action: 'credential.refreshed', actor: 'system', data: { kind: 'access_token', generation: 1 } };
    const audit = Array.from({ length: Math.min(PAGE, AUDIT - from) }, (_, index) => ({
      ...line,
      seq: from + index + 1,
      subject: `wx${String((from + index) % ACCOUNTS).padStart(16, '0')}`,
    }));
    await store.archive.put({ audit });
  }
  await store.close();
}

async function postgres(atEnd) {
  const admin = new pg.Client({ connectionString: POSTGRES });
  await admin.connect();
  atEnd(() => admin.end());
  await admin.query(`create database ${NAME}`);
  atEnd(() => admin.query(`drop database ${NAME} with (force)`));
  return Object.assign(new URL(POSTGRES), { pathname: `/${NAME}` }).href;
}

/** The longest that one write of the server took while `work` ran, ms. */
async function longestWrite(server, work) {
  let done = false;
  const ended = work().finally(() => {
    done = true;
  });
  const waits = [];
  while (!done) {
    const startedAt = performance.now();
    await server.api('POST', '/v1/keys', { name: `k${waits.length}`, scopes: ['credential:read'], accounts: ['*'] });
    waits.push(performance.now() - startedAt);
  }
  return { longest: Math.max(...waits), calls: waits.length, result: await ended };
}

export const run = () =>
  withCleanup(async (atEnd) => {
    const folder = await temporaryFolder(atEnd);
    const keys = {
      ZHONGKONG_MASTER_KEY: randomBytes(32).toString('base64'),
      ZHONGKONG_ADMIN_KEY: `bench-${randomBytes(16).toString('hex')}`,
    };
    const file = join(folder, 'full.db');
    await fill(`sqlite:${file}`, keys);
    const megabytes = statSync(file).size / 1e6;
    const copy = (name) => {
      copyFileSync(file, join(folder, name));
      return { ...keys, ZHONGKONG_STORE: `sqlite:${join(folder, name)}` };
    };
    const startedAt = performance.now();
    copyFileSync(file, join(folder, 'plain.db'));
    const plainSeconds = (performance.now() - startedAt) / 1000;

    const targets = [['SQLite', `sqlite:${join(folder, 'target.db')}`]];
    const away = (name) => (error) => say(`${name} is left out: ${error instanceof Error ? error.message : error}`);
    await postgres(atEnd).then((url) => targets.push(['PostgreSQL', url]), away('PostgreSQL'));
    const redis = await startRedis(atEnd, folder);
    if (typeof redis === 'string') away('Redis')(redis);
    else targets.push(['Redis', `redis://127.0.0.1:${redis.port}/0?allowVolatile=true`]);
    const results = [];
    for (const [name, url] of targets) {
      const moved = await command(['migrate', '--to'], { ...copy(`from-${name}.db`), ZHONGKONG_MIGRATE_TO: url });
      if (moved.told.credentials !== ACCOUNTS) throw new Error(`${moved.told.credentials} credentials arrived`);
      results.push({ what: `move to ${name}`, suspendedSeconds: moved.told.suspended_ms / 1000, ...moved });
    }

    const simulator = await startSimulator(atEnd);
    const env = copy('served.db');
    const server = await startServer(atEnd, folder, simulator.url, {
      ZHONGKONG_STORE: env.ZHONGKONG_STORE,
      ZHONGKONG_MASTER_KEY: env.ZHONGKONG_MASTER_KEY,
    });
    const backup = join(folder, 'backup.db');
    const { longest, calls, result } = await longestWrite(server, () => command(['backup', backup], env));
    results.push({ what: 'backup under writes', ...result });
    results.push({
      what: 'restore',
      ...(await command(['restore', backup], { ...keys, ZHONGKONG_STORE: `sqlite:${join(folder, 'restored.db')}` })),
    });

    table([
      [
        `${ACCOUNTS.toLocaleString('en')} accounts, ${AUDIT.toLocaleString('en')} audit lines, ${megabytes.toFixed(0)} MB`,
        ...['seconds', 'nothing issued', 'rows/s', 'peak MB', 'x cp'],
      ],
      ...results.map(({ what, seconds, suspendedSeconds, peakMb }) => [
        ...[what, seconds.toFixed(1), suspendedSeconds === undefined ? '' : suspendedSeconds.toFixed(1)],
        ...[(ROWS / seconds).toFixed(0), peakMb.toFixed(0), (seconds / plainSeconds).toFixed(0)],
      ]),
    ]);
    say(`of the time in which nothing is issued, 5 s at least are for the servers on the old store to hear of it`);
    say(`during the backup the server took ${calls} writes one after the other; the longest waited ${longest.toFixed(0)} ms`);
    return {
      accounts: ACCOUNTS,
      audit: AUDIT,
      megabytes,
      plainSeconds,
      longestWriteMs: longest,
      runs: results.map(({ told: _, ...rest }) => rest),
    };
  });
