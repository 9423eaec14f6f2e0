/** Backup and restore of the embedded store with real processes: under writes, refused where that is wrong, dormant after. */

import {
  chownSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import Libsql from 'libsql';
import { describe, expect, test } from 'vitest';
import { until } from '../../helpers/until.ts';
import { folder, type RunOptions, run, serve, simulator } from './rig.ts';

const SECRET = 'a1b2c3d4e5f60718293a4b5c6d7e8f90';
const CLASSIC = 'wx00000000000000c1';
const STABLE = 'wx00000000000000a1';

/** A server with a classic and a stable account, and what to ask it. */
async function installation() {
  const wechat = await simulator({ accounts: { [CLASSIC]: { secret: SECRET }, [STABLE]: { secret: SECRET } } });
  const cwd = folder();
  const options = { cwd, env: { ZHONGKONG_UPSTREAM_WECHAT: wechat.url } } satisfies RunOptions;
  const { control } = wechat.simulator;
  const issues = () =>
    Object.values(control.account(CLASSIC).counters.issues).reduce((sum, { normal, forced }) => sum + normal + forced, 0);
  return { control, options, issues, backup: join(cwd, 'backup.db'), database: join(cwd, 'data', 'zhongkong.db') };
}

async function started(options: RunOptions) {
  const server = await serve(options);
  const admin = readFileSync(join(options.cwd, 'data', 'admin-key'), 'utf8').trim();
  const call = async (path: string, body?: unknown) => {
    const reply = await fetch(`${server.url}${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: { authorization: `Bearer ${admin}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: reply.status, json: (await reply.json()) as Record<string, unknown> };
  };
  const stop = async (): Promise<void> => {
    server.child.kill('SIGTERM');
    await server.ended;
  };
  return { ...server, call, stop };
}

type Server = Awaited<ReturnType<typeof started>>;

async function addAccounts({ call }: Server): Promise<void> {
  for (const [id, mode] of [
    [CLASSIC, 'classic'],
    [STABLE, 'stable'],
  ]) {
    expect((await call('/v1/accounts', { id, platform: 'official-account', mode, secret: SECRET })).status).toBe(201);
    expect((await call(`/v1/accounts/${id}/token`)).status).toBe(200);
  }
}

const leftovers = (cwd: string): string[] =>
  [...readdirSync(cwd), ...readdirSync(join(cwd, 'data'))].filter((name) => name.includes('.tmp'));

describe('backup', () => {
  test('while the server writes: whole, sound, for its owner alone, and without the master key', async () => {
    const { options, backup } = await installation();
    const server = await started(options);
    await addAccounts(server);
    let writing = true;
    let written = 0;
    const writes = (async () => {
      for (; writing; written += 1) {
        const { status } = await server.call('/v1/keys', { name: `k${written}`, scopes: ['credential:read'], accounts: ['*'] });
        expect(status).toBe(201);
      }
    })();
    await until(
      async () => written,
      (count) => count > 20,
    );
    const before = written;
    const made = await run(['backup', backup, '--json'], options);
    expect(made.code).toBe(0);
    const told = JSON.parse(made.out) as Record<string, number | string>;
    await until(
      async () => written,
      (count) => count > before + 5,
    );
    writing = false;
    await writes;
    expect(told).toMatchObject({ accounts: 2, credentials: 2, bytes: statSync(backup).size });
    expect(told.master_key_file).toBe(join(options.cwd, 'data', 'master-key'));
    expect(Number(told.keys)).toBeGreaterThanOrEqual(before);
    expect(statSync(backup).mode & 0o777).toBe(0o600);
    const key = readFileSync(join(options.cwd, 'data', 'master-key'), 'utf8').trim();
    expect(readFileSync(backup).includes(Buffer.from(key, 'base64'))).toBe(false);
    expect(readFileSync(backup).includes(SECRET)).toBe(false);
    const copy = new Libsql(backup);
    expect(copy.prepare('select count(*) as count from api_keys').get([])).toMatchObject({ count: told.keys });
    copy.close();
    expect(leftovers(options.cwd)).toEqual([]);

    const again = await run(['backup', backup], options);
    expect(again.code).toBe(1);
    expect(again.err).toMatch(/there is a file at .*--force/s);
    expect((await run(['backup', backup, '--force'], options)).code).toBe(0);
    await server.stop();
  });

  test('onto the database itself, by any name, or where no folder is: refused, and the server goes on', async () => {
    const { options, database } = await installation();
    const server = await started(options);
    await addAccounts(server);
    const { ino } = statSync(database);
    const at = (name: string): string => join(options.cwd, name);
    symlinkSync(database, at('symbolic'));
    linkSync(database, at('hard'));
    symlinkSync(join(options.cwd, 'data'), at('folder'));
    const names = ['data/zhongkong.db', 'data/zhongkong.db-wal', 'data/zhongkong.db-shm', 'data/zhongkong.db-journal'];
    for (const name of [...names, 'symbolic', 'hard', 'folder/zhongkong.db', 'folder/zhongkong.db-journal']) {
      const refused = await run(['backup', name, '--force'], options);
      expect({ name, ...refused }).toMatchObject({
        name,
        code: 1,
        err: expect.stringMatching(/is the database itself, or belongs to it.*Name another/s),
      });
    }
    expect((await run(['restore', 'symbolic', '--force'], options)).err).toMatch(/is the database itself/);
    expect((await run(['backup', 'none/b.db'], options)).err).toMatch(/there is no folder .*none.*Make it first/s);
    expect((await run(['restore', 'none.db', '--force'], options)).err).toMatch(/there is no file .*none\.db.*"zhongkong backup"/s);
    expect(statSync(database).ino).toBe(ino);
    expect(await server.call(`/v1/accounts/${CLASSIC}/token`)).toMatchObject({ status: 200 });
    expect((await run(['backup', 'data/other.db'], options)).code).toBe(0);
    await server.stop();
  });

  test('of a store that is no file, or is not there: refused with what to use instead', async () => {
    const { options, backup } = await installation();
    const env = { ZHONGKONG_MASTER_KEY: Buffer.alloc(32).toString('base64'), ZHONGKONG_ADMIN_KEY: 'a'.repeat(24) };
    const refused = await run(['backup', backup, '--store', 'postgres://127.0.0.1:1/x'], { ...options, env });
    expect(refused.code).toBe(3);
    expect(refused.err).toMatch(/pg_dump.*restore --mark/s);
    expect((await run(['backup', backup], options)).err).toMatch(/there is no database/);
    expect(existsSync(backup)).toBe(false);
  });
});

describe('restore', () => {
  test('refused, with the database untouched: in use, another master key, no backup, damaged, of a later version', async () => {
    const { options, backup, database } = await installation();
    const server = await started(options);
    await addAccounts(server);
    expect((await run(['backup', backup], options)).code).toBe(0);
    expect((await run(['restore', backup], options)).err).toMatch(/there is a file at .*--force/s);
    const inUse = await run(['restore', backup, '--force'], options);
    expect(inUse).toMatchObject({ code: 1, err: expect.stringMatching(/in use by another process.*Stop the server/s) });
    expect((await server.call(`/v1/accounts/${CLASSIC}/token`)).json.state).toBe('fresh');
    await server.stop();

    const before = readFileSync(database);
    const { cwd } = options;
    const refusals: (readonly [() => unknown, RegExp, RunOptions?])[] = [
      [() => undefined, /master key is not the one/, { ...options, env: { ZHONGKONG_MASTER_KEY: Buffer.alloc(32).toString('base64') } }],
      [() => writeFileSync(join(cwd, 'bad'), 'no database, but long enough to be looked at. '.repeat(100)), /is not a SQLite database/],
      [
        () => {
          const bytes = readFileSync(backup);
          bytes.fill(0xaa, 4096 + 100, 4096 * 6);
          writeFileSync(join(cwd, 'bad'), bytes);
        },
        /is damaged/,
      ],
      [() => new Libsql(join(cwd, 'bad')).exec('create table other (x)'), /not one of Zhongkong/],
      [
        () => {
          writeFileSync(join(cwd, 'bad'), readFileSync(backup));
          new Libsql(join(cwd, 'bad')).exec("insert into migrations (number, name, applied_at) values (99, 'later', 1)");
        },
        /has schema 99/,
      ],
    ];
    for (const [prepare, message, given = options] of refusals) {
      rmSync(join(cwd, 'bad'), { force: true });
      prepare();
      const file = existsSync(join(cwd, 'bad')) ? 'bad' : backup;
      const refused = await run(['restore', file, '--force'], given);
      expect(refused.err).toMatch(message);
      expect([1, 3]).toContain(refused.code);
      expect(readFileSync(database).equals(before)).toBe(true);
    }
    expect(leftovers(cwd)).toEqual([]);
  });

  // Only root can give a file away.
  test.runIf(process.geteuid?.() === 0)('by root: the database is of whoever had it, or else has its folder', async () => {
    const { options, backup, database } = await installation();
    const server = await started(options);
    await server.stop();
    expect((await run(['backup', backup], options)).code).toBe(0);
    chownSync(database, 12_345, 12_346);
    expect((await run(['restore', backup, '--force'], options)).code).toBe(0);
    expect(statSync(database)).toMatchObject({ uid: 12_345, gid: 12_346 });

    mkdirSync(join(options.cwd, 'other'));
    chownSync(join(options.cwd, 'other'), 12_347, 12_348);
    const other = join(options.cwd, 'other', 'zhongkong.db');
    const key = { ZHONGKONG_MASTER_KEY: readFileSync(join(options.cwd, 'data', 'master-key'), 'utf8').trim() };
    expect(await run(['restore', backup, '--store', `sqlite:${other}`], { ...options, env: key })).toMatchObject({ code: 0 });
    expect(statSync(other)).toMatchObject({ uid: 12_347, gid: 12_348 });
    expect(statSync(other).mode & 0o777).toBe(0o600);
  });

  test('a test copy beside production: serves what it has, and never makes production invalid', async () => {
    const { control, options, issues, backup } = await installation();
    const production = await started(options);
    await addAccounts(production);
    const value = String((await production.call(`/v1/accounts/${CLASSIC}/token`)).json.value);
    expect((await run(['backup', backup], options)).code).toBe(0);

    const elsewhere = { ...options, cwd: folder() };
    expect((await run(['restore', backup], elsewhere)).err).toMatch(/master-key is missing/);
    const key = readFileSync(join(options.cwd, 'data', 'master-key'), 'utf8');
    writeFileSync(join(elsewhere.cwd, 'data', 'master-key'), key, { mode: 0o600 });
    writeFileSync(join(elsewhere.cwd, 'data', 'admin-key'), readFileSync(join(options.cwd, 'data', 'admin-key')));
    const restored = await run(['restore', backup], elsewhere);
    expect(restored).toMatchObject({ code: 0, err: expect.stringContaining('zhongkong restore --activate') });

    const copy = await started(elsewhere);
    const before = issues();
    const stableBefore = structuredClone(control.account(STABLE).counters.issues);
    const read = await copy.call(`/v1/accounts/${CLASSIC}/token`);
    expect(read).toMatchObject({ status: 200, json: { value, state: 'suspect' } });
    expect(Number(read.json.expires_in)).toBeLessThanOrEqual(10);
    expect((await fetch(`${copy.url}/readyz`).then((reply) => reply.json())) as object).toMatchObject({
      status: 'degraded',
      reason: 'restored_copy',
    });
    const stopped = { state: 'suspect', next_attempt_at: null, cause: expect.objectContaining({ code: 'restored_copy' }) };
    expect((await copy.call('/v1/status')).json).toMatchObject({
      server: { causes: [{ code: 'restored_copy' }] },
      credentials: expect.arrayContaining([expect.objectContaining(stopped)]),
    });
    const ordered = await copy.call(`/v1/accounts/${CLASSIC}/credentials/access_token/refresh`, { reason: 'try' });
    expect(ordered).toMatchObject({ status: 503, json: { code: 'issuing_suspended' } });
    const looked = await run(['account', 'check'], elsewhere);
    expect(looked).toMatchObject({ code: 1, out: expect.stringMatching(/restored copy.*restore --activate/s) });
    expect(control.token(value)?.state).toBe('alive');
    expect(issues()).toBe(before);
    expect(control.account(STABLE).counters.issues).toEqual(stableBefore);
    copy.child.kill('SIGTERM');
    expect((await copy.ended).out).toMatch(/"event":"store.suspended","cause":"restored_copy"/);
    await production.stop();
  });

  test('after a disaster: put back, activated while it runs, and every credential is asked for anew within 5 s', async () => {
    const { control, options, issues, backup, database } = await installation();
    const first = await started(options);
    await addAccounts(first);
    expect((await run(['backup', backup], options)).code).toBe(0);
    // Since the backup the token was replaced: what the copy has is on its way out.
    expect((await first.call(`/v1/accounts/${CLASSIC}/credentials/access_token/refresh`, { reason: 'later' })).status).toBe(200);
    await first.stop();
    const damage = readFileSync(database);
    damage.fill(0xaa, 0, 8192);
    writeFileSync(database, damage);

    const restored = await run(['restore', backup, '--force', '--json'], options);
    expect(restored.code).toBe(0);
    const { aside } = JSON.parse(restored.out) as { aside: string };
    expect(readFileSync(aside).equals(damage)).toBe(true);
    const again = await started(options);
    const before = issues();
    expect((await again.call(`/v1/accounts/${CLASSIC}/token`)).json).toMatchObject({ state: 'suspect', generation: 1 });
    expect(issues()).toBe(before);
    expect(await run(['restore', '--activate'], options)).toMatchObject({ code: 0 });
    const activatedAt = Date.now();
    const fresh = await until(
      async () => (await again.call(`/v1/accounts/${CLASSIC}/token`)).json,
      ({ state }) => state === 'fresh',
    );
    expect(Date.now() - activatedAt).toBeLessThan(5000);
    expect(fresh).toMatchObject({ generation: 2 });
    expect(control.token(String(fresh.value))?.state).toBe('alive');
    expect(issues()).toBe(before + 1);
    expect((await run(['restore', '--activate', '--json'], options)).out).toContain('"changed": false');
    await again.stop();
    renameSync(aside, `${aside}.looked-at`);
  });
});
