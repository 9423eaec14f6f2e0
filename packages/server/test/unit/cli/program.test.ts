/** The command line as a whole: what it understands, how it fails, and that no secret can be an argument. */

import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { createProgram } from '../../../src/cli/program.ts';
import { answers, run, SERVER } from './world.ts';

const COMMANDS = [
  'account add',
  'account check',
  'account disable',
  'account enable',
  'account list',
  'account remove',
  'account secret',
  'account show',
  'backup',
  'demo',
  'doctor',
  'key create',
  'key list',
  'key revoke',
  'master-key rotate',
  'migrate',
  'openapi',
  'restore',
  'serve',
  'token get',
  'token refresh',
  'token report',
];

function leaves(command: Command, path: readonly string[] = []): { path: string; command: Command }[] {
  if (command.commands.length === 0) return [{ path: path.join(' '), command }];
  return command.commands.flatMap((inner) => leaves(inner, [...path, inner.name()]));
}

const program = createProgram({ io: {} as never, language: 'en', say: (text) => text.en, exitCode: 0 });

describe('the command tree', () => {
  it('has the commands of the contract, and none that does nothing yet', () => {
    expect(
      leaves(program)
        .map(({ path }) => path)
        .sort(),
    ).toEqual(COMMANDS);
  });

  it.each(COMMANDS)('%s --help', async (path) => {
    const { code, out, err } = await run([...path.split(' '), '--help']);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toContain(`Usage: zhongkong ${path}`);
  });

  it('takes no secret as the value of an option or argument', () => {
    const takesValue = leaves(program).flatMap(({ path, command }) => [
      ...command.options.filter(({ flags }) => /[<[]/.test(flags)).map(({ long }) => `${path} ${long}`),
      ...command.registeredArguments.map((argument) => `${path} ${argument.name()}`),
    ]);
    expect(takesValue.length).toBeGreaterThan(40);
    const named = takesValue.filter((name) =>
      /secret|key|token|password|value/i.test(name.replace(/^(key|token|account secret|master-key rotate) /, '')),
    );
    // Files that hold secrets, and names.
    const files = named.filter((name) => name.endsWith('-file'));
    expect(named.filter((name) => !files.includes(name))).toEqual(['serve --dropin-accept-app-secret']);
  });

  it('speaks the language of the locale, or of --lang', async () => {
    expect((await run(['--help'], { env: { LANG: 'zh_CN.UTF-8' } })).out).toContain('微信中控服务器');
    expect((await run(['--help'], { env: { LC_ALL: 'C', LANG: 'zh_CN.UTF-8' } })).out).toContain('central control server');
    expect((await run(['--lang', 'zh', '--help'], { env: {} })).out).toContain('微信中控服务器');
    expect((await run(['doctor', '--help', '--lang=zh'], { env: {} })).out).toContain('诊断');
  });
});

describe('wrong usage ends with 2', () => {
  it.each([
    [['frobnicate'], 'frobnicate'],
    [[], 'Usage: zhongkong'],
    [['account'], 'Usage: zhongkong account'],
    [['account', 'add', 'wx1'], '--platform'],
    [['account', 'add', 'wx1', '--platform', 'mini-game', '--secret', 'abc'], '--secret-file FILE, ZHONGKONG_ACCOUNT_SECRET'],
    [['account', 'add', 'wx1', '--platform', 'miniprogram'], 'mini-program'],
    [['account', 'add', 'wx1', '--platform', 'mini-game', '--mode', 'fast'], 'classic'],
    [['--lang', 'fr', 'account', 'list'], 'use en or zh'],
    [['account', 'remove', 'wx1'], '--yes'],
    [['key', 'create'], '--scope'],
    [['key', 'create', '--scope', 'root'], 'root'],
    [['key', 'create', '--scope', 'credential:read'], '--account'],
    [['key', 'create', '--scope', 'admin', '--expires', 'tomorrow'], '30d'],
    [['key', 'create', '--scope', 'admin', '--calls-per-minute', '0'], 'whole number'],
    [['token', 'get'], 'account'],
    [['token', 'get', 'wx1', '--min-ttl', '9999'], '7200'],
    [['demo', '--port', '70000'], '65535'],
    [['list', 'all'], 'list'],
  ])('%j', async (argv, said) => {
    const { code, out, err, requests } = await run(argv, { server: answers({}) });
    expect({ code, out, requests }).toEqual({ code: 2, out: '', requests: [] });
    expect(err).toContain(said);
  });
});

describe('a secret on the command line', () => {
  it.each([
    [['account', 'add', 'wx1', '--platform', 'mini-game', '--secret', 'hunter2'], '--secret-file'],
    [['account', 'secret', 'wx1', '--secret=hunter2'], '--secret-file'],
    [['account', 'secret', 'wx1', '--app-secret=hunter2'], '--secret-file'],
    [['serve', '--admin-key=hunter2'], 'ZHONGKONG_ADMIN_KEY'],
    [['serve', '--master-key', 'hunter2'], 'ZHONGKONG_MASTER_KEY'],
    [['account', 'list', '--key=hunter2'], 'ZHONGKONG_KEY'],
  ])('%j is refused, said where it belongs, and not repeated', async (argv, instead) => {
    for (const lang of ['en', 'zh']) {
      const { code, out, err, prompts } = await run(['--lang', lang, ...argv], { server: answers({}), typed: 'x' });
      expect({ code, out, prompts }).toEqual({ code: 2, out: '', prompts: [] });
      expect(err).toContain(instead);
      expect(err).not.toMatch(/hunter2|Did you mean/);
    }
  });

  it('is not what options about secrets are taken for', async () => {
    const argv = ['account', 'secret', 'wx1', '--secret-file', '-'];
    expect(await run(argv, { server: answers({}), input: 'a1b2c3d4e5f60718' })).toMatchObject({ code: 0 });
  });
});

describe('wrong configuration ends with 3', () => {
  it('tells every mistake on a line of its own, with the way out', async () => {
    const env = { ZHONGKONG_LISTEN: 'x', ZHONGKONG_LOG_LEVEL: 'loud' };
    const { code, out, err } = await run(['serve'], { env });
    expect({ code, out }).toEqual({ code: 3, out: '' });
    const lines = err.trimEnd().split('\n');
    expect(lines).toHaveLength(3);
    expect(lines[0]).toMatch(/^error: listen must be .* \[config_invalid\]$/);
    expect(lines[1]).toMatch(/^error: log\.level must be .* \[config_invalid\]$/);
    expect(lines[2]).toMatch(/^advice: /);
    const chinese = await run(['--lang', 'zh', 'serve'], { env });
    expect(chinese.err).toMatch(
      /^错误：listen 应为 HOST:PORT，.*实际为 "x"（来自 ZHONGKONG_LISTEN） \[config_invalid\]\n错误：log\.level 应为[\s\S]*建议：请修改/,
    );
  });

  it('when a server is named by half, or wrongly', async () => {
    for (const env of [
      { ZHONGKONG_URL: SERVER.ZHONGKONG_URL },
      { ZHONGKONG_KEY: 'k' },
      { ...SERVER, ZHONGKONG_URL: 'ftp://x' },
      { ...SERVER, ZHONGKONG_URL: 'localhost' },
    ]) {
      const { code, err, requests } = await run(['account', 'list'], { env });
      expect({ code, requests }).toEqual({ code: 3, requests: [] });
      expect(err).toMatch(/ZHONGKONG_(URL|KEY)/);
    }
    const keyAlone = { ZHONGKONG_KEY: 'k' };
    expect((await run(['account', 'list'], { env: keyAlone })).err).toContain(
      'ZHONGKONG_KEY is set without ZHONGKONG_URL: set both to work on a running server, or unset it',
    );
    expect((await run(['account', 'list', '--lang', 'zh'], { env: keyAlone })).err).toContain(
      'ZHONGKONG_KEY 已设置但缺少 ZHONGKONG_URL：请一并设置，或取消前者',
    );
  });

  it('when there is no database here: a command makes none by accident', async () => {
    const cwd = await mkdtemp(join(tmpdir(), 'zk-cli-'));
    try {
      for (const argv of [
        ['account', 'list'],
        ['key', 'create', '--scope', 'admin'],
        ['account', 'check'],
        ['token', 'get', 'a'],
      ]) {
        const { code, err } = await run(argv, { env: {}, cwd });
        expect(code).toBe(3);
        expect(err).toContain(`there is no database at ${cwd}/data/zhongkong.db`);
      }
      expect(await readdir(cwd)).toEqual([]);
    } finally {
      await rm(cwd, { recursive: true, force: true });
    }
    expect((await run(['account', 'list', '--store', 'memory:'], { env: {} })).err).toContain('ZHONGKONG_URL');
  });
});

describe('a server that fails ends with 1', () => {
  it('tells code, WeChat error, wait and advice', async () => {
    const problem = {
      code: 'credential_unavailable',
      detail: 'no usable credential',
      errcode: 40164,
      errmsg: 'invalid ip',
      retry_after: 60,
      advice: { en: 'Add the IP.', zh: '请添加 IP。' },
    };
    const server = answers(problem, 503);
    const { code, out, err } = await run(['token', 'get', 'wx1'], { server });
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toBe(
      'error: no usable credential (WeChat 40164: invalid ip); retry after 60 s [credential_unavailable]\nadvice: Add the IP.\n',
    );
    expect((await run(['--lang', 'zh', 'token', 'get', 'wx1'], { server })).err).toContain(
      '错误：没有可用的凭据（no usable credential）；微信返回 40164：invalid ip；请在 60 秒后重试 [credential_unavailable]\n建议：请添加 IP。',
    );
  });

  it('tells that nobody answers, or something else does', async () => {
    expect(await run(['account', 'list'])).toMatchObject({
      code: 1,
      err: expect.stringContaining('no answer from http://127.0.0.1:8700 (ECONNREFUSED) [unreachable]'),
    });
    const page = await run(['account', 'list'], { server: () => new Response('<html>', { status: 502 }) });
    expect(page).toMatchObject({ code: 1, err: expect.stringContaining('HTTP 502 without JSON') });
  });

  it('never shows the key, nor control characters of others', async () => {
    const problem = { code: 'x', detail: 'a\u001b[2Jb\nc', advice: { en: 'd\u0007', zh: '' } };
    const { err } = await run(['account', 'list'], { server: answers(problem, 400) });
    expect(err).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/);
    expect(err).not.toContain(SERVER.ZHONGKONG_KEY);
  });
});
