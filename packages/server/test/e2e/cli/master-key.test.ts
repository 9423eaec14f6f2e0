/** `zhongkong master-key rotate` beside a running server: real processes, a real SQLite file and its key file. */

import { copyFileSync, readdirSync, readFileSync, realpathSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Libsql from 'libsql';
import { describe, expect, it } from 'vitest';
import { until } from '../../helpers/until.ts';
import { folder, run, serve, simulator, start } from './rig.ts';

const secretOf = (index: number): string => index.toString(16).padStart(32, 'a');
const idOf = (index: number): string => `wx${String(index).padStart(16, '0')}`;

/** A server with so many accounts, every third in classic mode, each with a token. */
async function installation(count: number) {
  const ids = Array.from({ length: count }, (_, index) => idOf(index));
  const wechat = await simulator({ accounts: Object.fromEntries(ids.map((id, index) => [id, { secret: secretOf(index) }])) });
  const cwd = folder();
  writeFileSync(join(cwd, 'zhongkong.yaml'), `upstreams:\n  wechat: ${wechat.url}\n`);
  const options = { cwd };
  const data = join(cwd, 'data');
  const server = await serve(options);
  const admin = readFileSync(join(data, 'admin-key'), 'utf8').trim();
  const call = async (method: string, path: string, body?: unknown, url = server.url) => {
    const response = await fetch(`${url}${path}`, {
      method,
      headers: { authorization: `Bearer ${admin}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: response.status, json: JSON.parse((await response.text()) || 'null') as Record<string, unknown> };
  };
  for (const [index, id] of ids.entries()) {
    const mode = index % 3 === 0 ? 'classic' : 'stable';
    const { status } = await call('POST', '/v1/accounts', { id, platform: 'official-account', secret: secretOf(index), mode });
    expect(status).toBe(201);
  }
  const token = (id: string, url?: string) => call('GET', `/v1/accounts/${id}/token`, undefined, url);
  for (const id of ids) expect((await token(id)).status).toBe(200);
  return { ids, wechat: wechat.simulator.control, options, data, server, call, token };
}

/** The ids of the master keys that stand in the database. */
function keyIdsIn(data: string): string[] {
  const database = new Libsql(join(data, 'zhongkong.db'), { readonly: true });
  const rows = database.prepare('select sealed_secrets as text from accounts union all select body from credentials').all();
  database.close();
  const found = rows.flatMap((row) => [...String((row as { text: string }).text).matchAll(/"v1\.([0-9a-f]{8})\./g)]);
  return [...new Set(found.map(([, id = '']) => id))];
}

// A rotation takes 40 s.
describe('master-key rotate', { timeout: 120_000 }, () => {
  it('under reads, refreshes and changes of accounts: no read fails, no account is lost, the former key is of no use', async () => {
    const { ids, wechat, options, data, server, call, token } = await installation(12);
    const keyFile = join(data, 'master-key');
    copyFileSync(keyFile, join(data, 'former'));
    const [before] = keyIdsIn(data);
    let going = true;
    const statuses: number[] = [];
    const reader = async (): Promise<void> => {
      for (let index = 0; going; index += 1) statuses.push((await token(ids[index % ids.length] ?? '')).status);
    };
    const changes: number[] = [];
    const changer = async (): Promise<void> => {
      for (let index = 0; going; index += 1) {
        const id = ids[index % ids.length] ?? '';
        const secret = secretOf(1000 + index);
        if (index % 4 === 0) wechat.putAccount(id, { secret });
        const patch = index % 4 === 0 ? { secret } : { note: `change ${index}` };
        changes.push((await call('PATCH', `/v1/accounts/${id}`, patch)).status);
        if (index % 5 === 0) await call('POST', `/v1/accounts/${id}/credentials/access_token/refresh`, { reason: 'test' });
      }
    };
    const others = [reader(), reader(), changer()];
    const rotated = await run(['master-key', 'rotate', '--json'], options);
    going = false;
    await Promise.all(others);
    expect(rotated).toMatchObject({ code: 0 });
    const { from, to, formerKeyFiles } = JSON.parse(rotated.out) as { from: string; to: string; formerKeyFiles: string[] };
    const aside = `master-key.former-${from}`;
    expect(formerKeyFiles).toEqual([join(realpathSync(data), aside)]);
    expect([from, keyIdsIn(data)]).toEqual([before, [to]]);
    expect(new Set(statuses)).toEqual(new Set([200]));
    expect(statuses.length).toBeGreaterThan(200);
    // One that met a change of ours is told so, and nothing worse.
    expect(changes.filter((status) => status !== 200 && status !== 409)).toEqual([]);
    expect(changes.filter((status) => status === 200).length).toBeGreaterThan(20);

    // What the server seals from now on is under the new key too, and a new start knows no other.
    wechat.putAccount(idOf(99), { secret: secretOf(99) });
    await call('POST', '/v1/accounts', { id: idOf(99), platform: 'official-account', secret: secretOf(99) });
    expect((await token(idOf(99))).status).toBe(200);
    expect(keyIdsIn(data)).toEqual([to]);
    server.child.kill('SIGTERM');
    expect((await server.ended).code).toBe(0);
    expect(readFileSync(keyFile, 'utf8')).toMatch(/^[A-Za-z0-9+/]{43}=\n$/);
    expect(readdirSync(data).filter((name) => name.startsWith('master-key'))).toEqual(['master-key', aside]);
    expect([statSync(join(data, aside)).mode & 0o777, readFileSync(join(data, aside), 'utf8')]).toEqual([
      0o600,
      readFileSync(join(data, 'former'), 'utf8'),
    ]);
    const again = await serve(options);
    for (const id of ids) {
      expect((await token(id, again.url)).status).toBe(200);
      const ordered = await call('POST', `/v1/accounts/${id}/credentials/access_token/refresh`, { reason: 'test' }, again.url);
      // WeChat knows the secret that was opened: else it would say 40125.
      expect([200, 409, 429, 503]).toContain(ordered.status);
      expect(ordered.json.errcode).not.toBe(40125);
    }
    again.child.kill('SIGTERM');
    await again.ended;

    copyFileSync(join(data, 'former'), keyFile);
    const refused = await start(['serve', '--listen', '127.0.0.1:0'], options).ended;
    expect(refused.code).toBe(3);
    expect(refused.err.split('\n')[0]).toBe('error: the master key is not the one that this store was sealed with [unseal_failed]');
    const { out, err } = await server.ended;
    for (const secret of [readFileSync(join(data, 'former'), 'utf8').trim(), secretOf(0)])
      expect(out + err + rotated.err).not.toContain(secret);
  });

  it('killed in the middle: the server goes on, and the next run finishes it', async () => {
    const { ids, options, data, server, token } = await installation(60);
    const killed = start(['master-key', 'rotate'], options);
    const [, to = ''] = await killed.until('err', /master key (\w{8}) seals from now on/);
    killed.child.kill('SIGKILL');
    await killed.ended;
    expect(readFileSync(join(data, 'master-key'), 'utf8').trim().split('\n')).toHaveLength(2);
    for (const id of ids.slice(0, 10)) expect((await token(id)).status).toBe(200);
    // Killed with the rotation half done, the server starts again with both keys.
    server.child.kill('SIGKILL');
    await server.ended;
    const again = await serve(options);
    for (const id of ids) expect((await token(id, again.url)).status).toBe(200);
    const finished = await run(['master-key', 'rotate', '--json'], options);
    expect(finished.code).toBe(0);
    expect(JSON.parse(finished.out)).toMatchObject({ from: null, to });
    expect(keyIdsIn(data)).toEqual([to]);
    expect(readFileSync(join(data, 'master-key'), 'utf8').trim().split('\n')).toHaveLength(1);
    await until(
      async () => (await token(ids[0] ?? '', again.url)).status,
      (status) => status === 200,
    );
  });

  it('what cannot be done is one clear line, in both languages, and changes nothing', async () => {
    const options = { cwd: folder() };
    const key = Buffer.alloc(32, 1).toString('base64');
    const refusal = async (env: Readonly<Record<string, string>>) => {
      const { code, err } = await run(['master-key', 'rotate'], { ...options, env });
      return [code, err.split('\n')[0]];
    };
    expect(await refusal({})).toEqual([3, expect.stringContaining('there is no database at')]);
    const server = await serve({ ...options, env: { ZHONGKONG_MASTER_KEY: key } });
    expect(await refusal({ ZHONGKONG_MASTER_KEY: key })).toEqual([3, 'error: there is no new master key to change to [config_invalid]']);
    expect(await refusal({ ZHONGKONG_MASTER_KEY: key, LANG: 'zh_CN.UTF-8' })).toEqual([3, '错误：没有可更换的新主密钥 [config_invalid]']);
    expect(await refusal({ ZHONGKONG_MASTER_KEY: `${key},hello` })).toEqual([3, expect.stringContaining('masterKey must be')]);
    const other = Buffer.alloc(32, 2).toString('base64');
    expect(await refusal({ ZHONGKONG_MASTER_KEY: other })).toEqual([3, expect.stringContaining('not the one that this store was sealed')]);
    expect(await refusal({ ZHONGKONG_URL: server.url, ZHONGKONG_KEY: 'x'.repeat(30) })).toEqual([
      3,
      expect.stringContaining('not over ZHONGKONG_URL'),
    ]);
    expect((await (await fetch(`${server.url}/readyz`)).json()) as object).toEqual({ status: 'ok' });
  });
});
