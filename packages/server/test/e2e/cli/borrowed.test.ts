/** A test environment that borrows production's token, set up by the commands of docs/borrowed.md. */

import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { folder, type RunOptions, run, serve, simulator, start } from './rig.ts';

const SECRET = randomBytes(16).toString('hex');
const ACCOUNT = 'wx00000000000000a1';
const OPTION = 'upstreams.borrowed (ZHONGKONG_UPSTREAM_BORROWED)';

it('the two servers hand out one token, and the borrower knows no AppSecret', async () => {
  const wechat = await simulator({ accounts: { [ACCOUNT]: { secret: SECRET } } });
  const production: RunOptions = { cwd: folder(), env: { ZHONGKONG_UPSTREAM_WECHAT: wechat.url } };
  const lender = await serve(production);
  const add = (options: RunOptions, platform: string, secret: string) =>
    run(['account', 'add', ACCOUNT, '--platform', platform, '--secret-file', '-'], { ...options, input: secret });
  expect((await add(production, 'official-account', SECRET)).code).toBe(0);
  const makeKey = ['key', 'create', '--name', 'staging', '--scope', 'credential:read', '--account', ACCOUNT, '--json'];
  const { key, id } = JSON.parse((await run(makeKey, production)).out) as { key: string; id: string };

  const staging: RunOptions = { cwd: folder(), env: { ZHONGKONG_UPSTREAM_BORROWED: lender.url } };
  const borrower = await serve(staging);
  expect(await add(staging, 'borrowed', key)).toMatchObject({ code: 0, err: '' });
  expect((await run(['account', 'check'], staging)).out).toContain('the lender accepts it');
  const [there, here] = [await run(['token', 'get', ACCOUNT], production), await run(['token', 'get', ACCOUNT], staging)];
  expect(here).toMatchObject({ code: 0, out: there.out });
  expect(wechat.simulator.control.token(here.out.trim()).state).toBe('alive');

  expect((await run(['key', 'revoke', id], production)).code).toBe(0);
  await expect
    .poll(async () => (await run(['account', 'check'], staging)).out, { timeout: 20_000 })
    .toMatch(/40125 .*\n.*lender does not accept this API key/);
  expect((await run(['token', 'get', ACCOUNT], staging)).out).toBe(here.out);

  borrower.child.kill('SIGTERM');
  const { code, out, err } = await borrower.ended;
  expect(code).toBe(0);
  for (const secret of [SECRET, key, here.out.trim()]) expect(out + err).not.toContain(secret);
});

it('without the option, adding an account and starting with a declared one are refused and name it', async () => {
  const options: RunOptions = { cwd: folder() };
  await serve(options);
  const added = await run(['account', 'add', ACCOUNT, '--platform', 'borrowed', '--secret-file', '-'], { ...options, input: SECRET });
  expect(added.code).toBe(1);
  expect(added.err).toContain(OPTION);
  expect((await run(['account', 'list', '--json'], options)).out.trim()).toBe('[]');

  const declared: RunOptions = { cwd: folder(), env: { LANG: 'zh_CN.UTF-8' } };
  writeFileSync(join(declared.cwd, 'zhongkong.yaml'), `accounts:\n  - { id: ${ACCOUNT}, platform: borrowed, secret: ${'a'.repeat(32)} }\n`);
  const { code, err } = await start(['serve', '--listen', '127.0.0.1:0'], declared).ended;
  expect(code).toBe(3);
  expect(err).toMatch(/错误：.*需要配置项/);
  expect(err).toContain(OPTION);
});
