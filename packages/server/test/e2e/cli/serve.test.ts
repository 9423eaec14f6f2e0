/** `zhongkong serve` and the commands beside it, from the first start to the end. */

import { randomBytes } from 'node:crypto';
import { chmodSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import Libsql from 'libsql';
import { describe, expect, it, onTestFinished } from 'vitest';
import { folder, type RunOptions, run, serve, simulator, start } from './rig.ts';

const SECRET = 'a1b2c3d4e5f60718293a4b5c6d7e8f90';
const ACCOUNT = 'wx00000000000000a1';

/** A folder whose configuration points at a simulator with one account. */
async function installation() {
  const wechat = await simulator({ accounts: { [ACCOUNT]: { secret: SECRET } } });
  const cwd = folder();
  writeFileSync(join(cwd, 'zhongkong.yaml'), `upstreams:\n  wechat: ${wechat.url}\n`);
  return { wechat: wechat.simulator.control, wechatUrl: wechat.url, options: { cwd } satisfies RunOptions };
}

const read = (url: string, key: string, account = ACCOUNT) =>
  fetch(`${url}/v1/accounts/${account}/token`, { headers: { authorization: `Bearer ${key}` } });

const addAccount = (options: RunOptions) =>
  run(['account', 'add', ACCOUNT, '--platform', 'official-account', '--secret-file', '-'], { ...options, input: SECRET });

describe('from the first start to the end', () => {
  it('the main job: an account, a key, a token; then a revoked key; then a clean end', async () => {
    const { wechat, options } = await installation();
    const server = await serve(options);
    const data = join(options.cwd, 'data');
    const adminKey = readFileSync(join(data, 'admin-key'), 'utf8').trim();
    for (const name of ['admin-key', 'master-key', 'zhongkong.db']) expect(statSync(join(data, name)).mode & 0o777).toBe(0o600);

    expect((await server.until('err', /serves .*\n/))[0]).toContain('add an account');
    expect(await addAccount(options)).toMatchObject({ code: 0, err: '' });
    const made = await run(['key', 'create', '--scope', 'credential:read', '--account', ACCOUNT, '--name', 'shop', '--json'], options);
    const { key, id } = JSON.parse(made.out) as { key: string; id: string };
    const reply = await read(server.url, key);
    expect(reply.status).toBe(200);
    const { value } = (await reply.json()) as { value: string };
    expect(wechat.token(value)).toMatchObject({ state: 'alive', account: ACCOUNT });

    // The same token by every way there is, and one issue for all of them.
    const here = await run(['token', 'get', ACCOUNT], options);
    const there = await run(['token', 'get', ACCOUNT], { ...options, env: { ZHONGKONG_URL: server.url, ZHONGKONG_KEY: key } });
    expect([here.out, there.out]).toEqual([`${value}\n`, `${value}\n`]);
    expect(wechat.account(ACCOUNT)).toMatchObject({ classic: { current: null }, stable: { previous: [] } });

    expect((await run(['key', 'revoke', id], options)).code).toBe(0);
    const revokedAt = Date.now();
    await expect.poll(async () => (await read(server.url, key)).status, { timeout: 5000, interval: 100 }).toBe(401);
    expect(Date.now() - revokedAt).toBeLessThan(5000);

    const listed = await run(['key', 'list', '--json'], options);
    expect((JSON.parse(listed.out) as { name: string }[]).map(({ name }) => name).sort()).toEqual(['admin', 'shop']);

    server.child.kill('SIGTERM');
    const { code, out, err } = await server.ended;
    expect(code).toBe(0);
    for (const secret of [SECRET, adminKey, key, value]) expect(out + err).not.toContain(secret);
    // Nothing is left open: what was written is all in the one file.
    expect(readdirSync(data).sort()).toEqual(['admin-key', 'master-key', 'zhongkong.db']);
    // The next start has an account to serve.
    expect((await (await serve(options)).until('err', /serves .*\n/))[0]).not.toContain('add an account');
  });

  it('a refresh by a command beside the running server: one new value, and both know it', async () => {
    const { wechat, options } = await installation();
    const server = await serve(options);
    expect((await addAccount(options)).code).toBe(0);
    const adminKey = readFileSync(join(options.cwd, 'data', 'admin-key'), 'utf8').trim();
    const first = (await (await read(server.url, adminKey)).json()) as { value: string; generation: number };
    const refreshed = await run(['token', 'refresh', ACCOUNT, '--json'], options);
    const second = JSON.parse(refreshed.out) as { value: string; generation: number };
    expect(second.generation).toBe(first.generation + 1);
    expect(wechat.token(second.value).state).toBe('alive');
    await expect
      .poll(async () => ((await (await read(server.url, adminKey)).json()) as { value: string }).value, { timeout: 5000, interval: 100 })
      .toBe(second.value);
  });

  it('a second signal ends it at once', async () => {
    const { options } = await installation();
    const server = await serve(options);
    // A request that never ends keeps the drain waiting.
    const held = await holdRequest(server.url, readFileSync(join(options.cwd, 'data', 'admin-key'), 'utf8').trim());
    server.child.kill('SIGINT');
    await server.until('err', /draining/);
    // Within half a second it counts as the same one, so say it until it is heard.
    const again = setInterval(() => server.child.kill('SIGINT'), 50);
    const { code } = await server.ended.finally(() => clearInterval(again));
    // 1; or none, when one more signal met it on its way out. Drained it would be 0.
    expect(code).not.toBe(0);
    held.destroy();
  });

  it('the way back in: a new admin key on the host', async () => {
    const { options } = await installation();
    const server = await serve(options);
    const made = await run(['key', 'create', '--scope', 'admin'], options);
    const status = await fetch(`${server.url}/v1/status`, { headers: { authorization: `Bearer ${made.out.trim()}` } });
    expect(status.status).toBe(200);
  });
});

/** A request whose body never ends; with a key that is good, or it would be refused without waiting for the body. */
async function holdRequest(url: string, key: string) {
  const { connect } = await import('node:net');
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  await new Promise((resolve) => socket.once('connect', resolve));
  await new Promise((resolve) =>
    socket.write(
      `POST /v1/keys HTTP/1.1\r\nhost: a\r\nauthorization: Bearer ${key}\r\ncontent-type: application/json\r\ncontent-length: 10\r\n\r\n{`,
      resolve,
    ),
  );
  socket.on('error', () => {});
  onTestFinished(() => void socket.destroy());
  // The server has to have seen it before it is told to stop: another request over the same loop is proof enough.
  await fetch(`${url}/healthz`);
  return socket;
}

describe('what stops a start: one line that says what to do, exit code 3', () => {
  const stopped = async (options: RunOptions, said: RegExp, flags: readonly string[] = []): Promise<void> => {
    const { code, out, err } = await run(['serve', '--listen', '127.0.0.1:0', ...flags], options);
    expect(err).toMatch(said);
    expect({ code, out, lines: err.trimEnd().split('\n').length }).toEqual({ code: 3, out: '', lines: 2 });
    expect(err).toMatch(/^error: .*\nadvice: .*\n$/);
  };

  /** A folder in which a server has run. */
  async function used(): Promise<{ options: RunOptions; data: string }> {
    const { options } = await installation();
    const server = await serve(options);
    server.child.kill('SIGTERM');
    expect((await server.ended).code).toBe(0);
    return { options, data: join(options.cwd, 'data') };
  }

  it('a database that is none', async () => {
    const cwd = folder();
    writeFileSync(join(cwd, 'zk.db'), 'no database at all, but long enough to be taken for one. '.repeat(20), { mode: 0o600 });
    await stopped({ cwd }, /zk\.db is not a SQLite database \[store_damaged\]/, ['--store', 'sqlite:zk.db']);
  });

  it('a place that cannot be written', async () => {
    const cwd = folder();
    // Holds for root as well, whom a read-only folder does not stop.
    writeFileSync(join(cwd, 'file'), '');
    await stopped({ cwd }, /\[store_missing\]/, ['--store', 'sqlite:file/zk.db']);
  });

  it('a master key that is missing, another one, or open to others', async () => {
    const { options, data } = await used();
    const key = join(data, 'master-key');
    const mine = readFileSync(key);
    chmodSync(key, 0o644);
    await stopped(options, /can be read by others \(mode 0644\)/);
    rmSync(key);
    await stopped(options, /the master key file \S+ is missing/);
    await stopped(
      { ...options, env: { ZHONGKONG_MASTER_KEY: randomBytes(32).toString('base64') } },
      /not the one that this store was sealed with \[unseal_failed\]/,
    );
    writeFileSync(key, mine, { mode: 0o600 });
    expect((await serve(options)).url).not.toBe('');
  });

  it('a schema that a later version made', async () => {
    const { options, data } = await used();
    const database = new Libsql(join(data, 'zhongkong.db'));
    database.prepare("insert into migrations (number, name, applied_at) values (999, 'later', 0)").run();
    database.close();
    await stopped(options, /\[config_invalid\]/);
  });

  it('a port in use', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    onTestFinished(() => void other.close());
    await new Promise((resolve) => other.once('listening', resolve));
    const { port } = other.address() as AddressInfo;
    const flags = ['--listen', `127.0.0.1:${port}`];
    await stopped({ cwd: folder() }, /is in use by another process/, flags);
    const chinese = await run(['serve', ...flags], { cwd: folder(), env: { LANG: 'zh_CN.UTF-8' } });
    expect(chinese.err).toMatch(new RegExp(`^错误：listen：127\\.0\\.0\\.1:${port} 已被其他进程占用.*\n建议：`));
  });

  it('a store that there is not', async () => {
    const env = {
      ZHONGKONG_STORE: 'mongodb://me:hunter2@db/0',
      ZHONGKONG_ADMIN_KEY: 'a'.repeat(24),
      ZHONGKONG_MASTER_KEY: randomBytes(32).toString('base64'),
    };
    const { code, err } = await run(['serve'], { cwd: folder(), env });
    expect(code).toBe(3);
    expect(err).toMatch(/unknown scheme "mongodb:"/);
    expect(err).not.toContain('hunter2');
  });
});

describe('doctor', () => {
  it('tells a secret that was reset, and the address that a whitelist refuses', async () => {
    const { wechat, options } = await installation();
    const server = await serve(options);
    expect((await addAccount(options)).code).toBe(0);
    expect(await run(['account', 'check'], options)).toMatchObject({ code: 0, out: expect.stringContaining('WeChat accepts it') });
    wechat.resetSecret(ACCOUNT, { secret: '0'.repeat(32) });
    const reset = await run(['doctor', '--json'], options);
    expect(reset.code).toBe(1);
    const findings = (JSON.parse(reset.out) as { findings: { check: string; level: string }[] }).findings;
    expect(findings.filter(({ level }) => level === 'error').map(({ check }) => check)).toEqual(['secret']);
    wechat.resetSecret(ACCOUNT, { secret: SECRET });
    wechat.editWhitelist(ACCOUNT, { whitelist: ['198.51.100.1'], delay_seconds: 0 });
    const listed = await run(['account', 'check', ACCOUNT], { ...options, env: { LANG: 'zh_CN.UTF-8' } });
    expect(listed.code).toBe(1);
    expect(listed.out).toContain('微信看到的本机 IP 是 127.0.0.1');
    server.child.kill('SIGTERM');
    await server.ended;
  });

  it('offline it ends, and says what is not reached', async () => {
    const cwd = folder();
    const { code, out } = await run(['doctor'], { cwd, env: { ZHONGKONG_UPSTREAM_WECHAT: 'https://wechat.invalid' } });
    expect(code).toBe(1);
    expect(out).toMatch(/✗ dns wechat\.invalid/);
    expect(out).toMatch(/✗ tls wechat\.invalid/);
    expect(out).toMatch(/✗ reach wechat\.invalid/);
    expect(readdirSync(cwd)).toEqual([]);
  });
});

it('demo: one line of JSON, a working pair, and nothing left behind', async () => {
  const cwd = folder();
  const demo = start(['demo', '--json', '--port', '0', '--simulator-port', '0'], { cwd });
  const line = (await demo.until('out', /^.+\n/))[0];
  const {
    server,
    simulator: wechat,
    console: page,
    accounts,
    keys,
  } = JSON.parse(line) as {
    server: string;
    simulator: string;
    console: null;
    accounts: { id: string; platform: string; mode: string }[];
    keys: Record<'admin' | 'reader' | 'sealed', string>;
  };
  expect(accounts.map(({ platform, mode }) => [platform, mode])).toEqual([
    ['official-account', 'stable'],
    ['mini-program', 'classic'],
  ]);
  expect({ page, sealed: keys.sealed }).toEqual({ page: null, sealed: null });
  for (const { id } of accounts) {
    const reply = await read(server, keys.reader, id);
    expect(reply.status).toBe(200);
    const { value } = (await reply.json()) as { value: string };
    const seen = (await (await fetch(`${wechat}/_sim/tokens/${value}`)).json()) as { state: string };
    expect(seen.state).toBe('alive');
  }
  const status = await fetch(`${server}/v1/status`, { headers: { authorization: `Bearer ${keys.admin}` } });
  expect(status.status).toBe(200);
  expect(readdirSync(cwd)).toHaveLength(1);
  demo.child.kill('SIGINT');
  const { code, out } = await demo.ended;
  expect(code).toBe(0);
  expect(out).toBe(line);
  expect(readdirSync(cwd)).toEqual([]);
});

it('demo: a port in use is said, and nothing is left behind', async () => {
  const cwd = folder();
  const wechat = await simulator();
  const { code, err } = await run(['demo', '--port', '0', '--simulator-port', String(wechat.port)], { cwd });
  expect({ code, rest: readdirSync(cwd) }).toEqual({ code: 3, rest: [] });
  expect(err).toMatch(new RegExp(`^error: port ${wechat.port} cannot be used \\(EADDRINUSE\\).*\nadvice: .*--simulator-port`));
});
