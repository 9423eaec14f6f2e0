/** What each command asks of the server, and what it prints. */

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { localTime } from '../../../src/cli/output.ts';
import { answers, KEY, type Request1, run, SERVER } from './world.ts';

const SECRET = 'a1b2c3d4e5f60718293a4b5c6d7e8f90';
const FALLBACK = 'f0e1d2c3b4a5968778695a4b3c2d1e0f';
const ACCOUNT = {
  id: 'wx1',
  platform: 'mini-program',
  app_id: 'wx1',
  mode: 'stable',
  enabled: true,
  note: '商城',
  created_at: '2027-01-31T00:00:00.000Z',
};
const CREDENTIAL = { account: 'wx1', kind: 'access_token', value: '80_abc', expires_in: 6892, generation: 7, state: 'fresh' };

describe('account', () => {
  const add = ['account', 'add', 'wx1', '--platform', 'mini-program'];
  const created = { server: answers(ACCOUNT, 201) };

  it('add takes the secret from a prompt, a file, standard input or the environment', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'zk-cli-'));
    try {
      await writeFile(join(folder, 'one'), `${SECRET}\n`);
      await writeFile(join(folder, 'two'), `${SECRET}\r\n${FALLBACK}\r\n`);
      const secretOf = async (argv: string[], given: object): Promise<unknown> => {
        const { code, requests, out, err, prompts } = await run([...add, ...argv], { ...created, cwd: folder, ...given });
        expect(code).toBe(0);
        expect(out + err + prompts.join('')).not.toContain(SECRET);
        return (requests[0]?.body as { secret?: unknown } | undefined)?.secret;
      };
      expect(await secretOf([], { typed: SECRET })).toBe(SECRET);
      expect(await secretOf(['--secret-file', 'one'], {})).toBe(SECRET);
      expect(await secretOf(['--secret-file', join(folder, 'two')], {})).toEqual([SECRET, FALLBACK]);
      expect(await secretOf(['--secret-file', '-'], { input: SECRET })).toBe(SECRET);
      expect(await secretOf([], { env: { ...SERVER, ZHONGKONG_ACCOUNT_SECRET: SECRET }, typed: 'not asked' })).toBe(SECRET);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  it('add sends the declared form, and nothing that was not said', async () => {
    const plain = await run(add, { ...created, typed: SECRET });
    expect(plain.requests).toEqual([
      {
        method: 'POST',
        path: '/v1/accounts',
        authorization: `Bearer ${KEY}`,
        body: { id: 'wx1', platform: 'mini-program', secret: SECRET },
      },
    ]);
    expect(plain.out).toMatch(/^added wx1/);
    const full = await run([...add, '--app-id', 'wx9', '--mode', 'classic', '--note', 'x', '--disabled', '--json'], {
      ...created,
      typed: SECRET,
    });
    expect(full.requests[0]?.body).toEqual({
      id: 'wx1',
      platform: 'mini-program',
      app_id: 'wx9',
      mode: 'classic',
      note: 'x',
      enabled: false,
      secret: SECRET,
    });
    expect(JSON.parse(full.out)).toEqual(ACCOUNT);
  });

  it('add refuses to go on without a secret, with three, or with a file that is not there', async () => {
    expect(await run(add, created)).toMatchObject({
      code: 2,
      requests: [],
      err: expect.stringContaining('--secret-file FILE, --secret-file -, ZHONGKONG_ACCOUNT_SECRET'),
    });
    expect(await run([...add, '--secret-file', '-'], { ...created, input: 'a\nb\nc\n' })).toMatchObject({ code: 2, requests: [] });
    expect(await run([...add, '--secret-file', '-'], { ...created, input: '\n' })).toMatchObject({ code: 2, requests: [] });
    expect(await run([...add, '--secret-file', 'none'], created)).toMatchObject({
      code: 1,
      requests: [],
      err: expect.stringContaining('ENOENT'),
    });
  });

  it.each([
    ['a JSON list', `["${SECRET}","${FALLBACK}"]`, 1],
    ['too short', 'short', 1],
    ['a second line that is none', `${SECRET}\n"${FALLBACK}"\n`, 2],
  ])('add refuses what is no AppSecret and never shows it: %s', async (_, input, line) => {
    for (const lang of ['en', 'zh']) {
      const { code, out, err, requests } = await run([...add, '--lang', lang, '--secret-file', '-'], { ...created, input });
      expect({ code, out, requests }).toEqual({ code: 2, out: '', requests: [] });
      expect(err).toMatch(lang === 'en' ? new RegExp(`line ${line} .*first and fallback`) : new RegExp(`第 ${line} 行.*首选和备用`));
      expect(err).not.toMatch(new RegExp(`${SECRET}|${FALLBACK}|short`));
    }
  });

  it('add warns of an AppID that does not look like one, and only of that', async () => {
    const strange = /AppID.*--app-id/;
    expect(await run(['account', 'add', 'myshop', '--platform', 'mini-game'], { ...created, typed: SECRET })).toMatchObject({
      code: 0,
      err: expect.stringMatching(strange),
    });
    for (const argv of [['wx0123456789abcdef'], ['myshop', '--app-id', 'wx0123456789abcdef']]) {
      expect((await run(['account', 'add', ...argv, '--platform', 'mini-game'], { ...created, typed: SECRET })).err).not.toMatch(strange);
    }
  });

  it('add of what is there already leads to the commands that change it', async () => {
    const server = answers({ code: 'conflict', detail: 'exists already', advice: { en: 'Read it again.', zh: '再读。' } }, 409);
    const { code, err } = await run(add, { server, typed: SECRET });
    expect(code).toBe(1);
    expect(err).toMatch(/advice: .*account show wx1.*account secret wx1/);
  });

  it('list follows the pages, and aligns columns with Chinese in them', async () => {
    const server = ({ path }: Request1): Response =>
      path.includes('cursor=wx1')
        ? Response.json({ accounts: [{ ...ACCOUNT, id: 'wx22', note: 'b' }], next_cursor: null })
        : Response.json({ accounts: [ACCOUNT], next_cursor: 'wx1' });
    const listed = await run(['account', 'list'], { server });
    expect(listed.requests.map(({ path }) => path)).toEqual(['/v1/accounts?limit=200', '/v1/accounts?limit=200&cursor=wx1']);
    expect(listed.out).toBe(
      [
        'ID    PLATFORM      APPID  MODE    ENABLED  NOTE',
        'wx1   mini-program  wx1    stable  ✓        商城',
        'wx22  mini-program  wx1    stable  ✓        b',
        '',
      ].join('\n'),
    );
    expect(JSON.parse((await run(['account', 'list', '--json'], { server })).out)).toHaveLength(2);
  });

  it('show, secret, disable, enable and remove', async () => {
    const shown = await run(['account', 'show', 'corp:1/2'], { server: answers(ACCOUNT) });
    expect(shown.requests[0]).toMatchObject({ method: 'GET', path: '/v1/accounts/corp%3A1%2F2' });
    expect(shown.out).toMatch(/^created_at {2}2027-01-3[01] \d\d:00:00 [+-]\d\d:\d\d$/m);
    const patch = async (argv: string[]) =>
      (await run(['account', ...argv, 'wx1'], { server: answers(ACCOUNT), typed: SECRET })).requests[0];
    expect(await patch(['secret'])).toMatchObject({ method: 'PATCH', path: '/v1/accounts/wx1', body: { secret: SECRET } });
    expect(await patch(['disable'])).toMatchObject({ body: { enabled: false } });
    expect(await patch(['enable'])).toMatchObject({ body: { enabled: true } });
    const removed = await run(['account', 'remove', 'wx1', '--yes', '--json'], { server: answers(null, 204) });
    expect(removed.requests[0]).toMatchObject({ method: 'DELETE', path: '/v1/accounts/wx1' });
    expect(JSON.parse(removed.out)).toEqual({ id: 'wx1', removed: true });
  });

  it('check asks a server what it knows of them, and ends with 1 when something is wrong', async () => {
    const fine = { account: 'wx1', kind: 'access_token', state: 'fresh', cause: null };
    const cause = {
      code: 'refresh_failing',
      message: 'invalid ip',
      errcode: 40164,
      egress_ip: '1.2.3.4',
      advice: { en: 'Add it.', zh: '加白。' },
    };
    const server = answers({ credentials: [fine, { ...fine, account: 'wx2', state: 'expired', cause }], next_cursor: null });
    const all = await run(['account', 'check'], { server });
    expect(all.code).toBe(1);
    expect(all.out).toContain('✓ credential wx1 access_token: fresh\n');
    expect(all.out).toContain(
      '✗ credential wx2 access_token: expired; 40164 invalid ip; WeChat sees the server as 1.2.3.4\n    → Add it.\n',
    );
    expect(await run(['account', 'check', 'wx1'], { server })).toMatchObject({ code: 0 });
    expect(await run(['account', 'check', 'wx3'], { server })).toMatchObject({ code: 1, out: expect.stringContaining('no such account') });
  });
});

describe('key', () => {
  const made = { server: answers({ id: 'k_1', name: 'shop', key: 'zk_new' }, 201) };

  it('create prints the key alone, so that a script can keep it', async () => {
    const argv = ['key', 'create', '--scope', 'credential:read', '--scope', 'metrics,tick', '--account', 'wx1', '--name', 'shop'];
    const { code, out, err, requests } = await run(argv, made);
    expect({ code, out }).toEqual({ code: 0, out: 'zk_new\n' });
    expect(err).toContain('k_1');
    expect(err).not.toContain('zk_new');
    expect(requests.at(-1)?.body).toEqual({
      name: 'shop',
      scopes: ['credential:read', 'metrics', 'tick'],
      accounts: ['wx1'],
      sealed: false,
    });
  });

  it('create warns of an account that is not there yet, and makes the key all the same', async () => {
    const server = ({ method, path }: Request1): Response => {
      if (method === 'POST') return Response.json({ id: 'k_1', key: 'zk_new' }, { status: 201 });
      return path === '/v1/accounts/wx1' ? Response.json(ACCOUNT) : Response.json({ code: 'not_found' }, { status: 404 });
    };
    const create = ['key', 'create', '--scope', 'credential:read', '--account', 'wx1', '--account'];
    const typo = await run([...create, 'tpyo'], { server });
    expect(typo).toMatchObject({ code: 0, out: 'zk_new\n', err: expect.stringContaining('no account tpyo yet') });
    expect(typo.err).not.toContain('wx1');
    expect((await run([...create, '*'], { server })).err).not.toContain('warning');
  });

  it('create takes limits', async () => {
    const argv = [
      '--kind',
      'access_token',
      '--cidr',
      '10.0.0.0/8',
      '--cidr',
      '::1',
      '--calls-per-minute',
      '60',
      '--sealed',
      '--expires',
      '2030-01-01T00:00:00+08:00',
    ];
    const { requests } = await run(['key', 'create', '--scope', 'gateway', '--account', '*', '--name', 'a', ...argv], made);
    expect(requests[0]?.body).toEqual({
      name: 'a',
      scopes: ['gateway'],
      accounts: ['*'],
      kinds: ['access_token'],
      cidrs: ['10.0.0.0/8', '::1'],
      calls_per_minute: 60,
      expires_at: '2029-12-31T16:00:00.000Z',
      sealed: true,
    });
  });

  it('create --scope admin alone is the way back in: all accounts, a name of its own', async () => {
    const { requests } = await run(['key', 'create', '--scope', 'admin'], made);
    expect(requests[0]?.body).toMatchObject({ scopes: ['admin'], accounts: ['*'], name: expect.stringMatching(/^admin-\d{8}-\d{6}$/) });
  });

  it('list shows no key, but from where it may be used', async () => {
    const item = {
      id: 'k_1',
      name: 'shop',
      scopes: ['credential:read'],
      accounts: ['*'],
      cidrs: ['10.0.0.0/8', '::1/128'],
      expires_at: null,
      revoked_at: null,
    };
    const listed = await run(['key', 'list'], { server: answers({ keys: [item], next_cursor: null }) });
    expect(listed.out.split('\n').slice(0, 2)).toEqual([
      'ID   NAME  SCOPES           ACCOUNTS  CIDRS               EXPIRES  REVOKED',
      'k_1  shop  credential:read  *         10.0.0.0/8,::1/128  –        –',
    ]);
  });

  it('revoke takes the id, or the name of the one key that has it now', async () => {
    const key = (id: string, name: string, revoked_at: string | null = null) => ({ id, name, revoked_at });
    const keys = [key('k_0', 'shop', '2027-01-31T00:00:00Z'), key('k_1', 'shop'), key('k_2', 'k_1')];
    const server = ({ method }: Request1): Response =>
      method === 'GET' ? Response.json({ keys, next_cursor: null }) : new Response(null, { status: 204 });
    const revoke = async (given: string) => {
      const { code, out, err, requests } = await run(['key', 'revoke', given], { server });
      return { code, said: out + err, deleted: requests.filter(({ method }) => method === 'DELETE').map(({ path }) => path) };
    };
    expect(await revoke('k_1')).toEqual({ code: 0, said: 'revoked k_1\n', deleted: ['/v1/keys/k_1'] });
    expect(await revoke('shop')).toEqual({ code: 0, said: 'revoked shop (k_1)\n', deleted: ['/v1/keys/k_1'] });
    expect(await revoke('other')).toMatchObject({ code: 1, said: expect.stringContaining('zhongkong key list'), deleted: [] });
  });
});

describe('token', () => {
  it('get prints the value and nothing else', async () => {
    const got = await run(['token', 'get', 'wx1', '--min-ttl', '600'], { server: answers(CREDENTIAL) });
    expect(got).toMatchObject({ code: 0, out: '80_abc\n', err: '' });
    expect(got.requests[0]?.path).toBe('/v1/accounts/wx1/credentials/access_token?min_ttl=600');
    expect(
      JSON.parse((await run(['token', 'get', 'wx1', '--kind', 'jsapi_ticket', '--json'], { server: answers(CREDENTIAL) })).out),
    ).toEqual(CREDENTIAL);
  });

  it('report takes the value from anywhere but argv', async () => {
    const server = answers({ ...CREDENTIAL, outcome: 'cooling_down', retry_after: 21 });
    const reported = await run(['token', 'report', 'wx1', '--value-file', '-'], { server, input: '80_old\n' });
    expect(reported.requests[0]).toMatchObject({
      method: 'POST',
      path: '/v1/accounts/wx1/credentials/access_token/report',
      body: { value: '80_old' },
    });
    expect(reported.out).toBe('cooling_down: it was verified a moment ago; report again after 21 s if it is still rejected\n');
    expect((await run(['token', 'report', 'wx1'], { server, typed: '80_old' })).requests[0]?.body).toEqual({ value: '80_old' });
    expect(await run(['token', 'report', 'wx1'], { server })).toMatchObject({ code: 2, requests: [] });
  });

  it('refresh says what came of it without showing the value', async () => {
    const refreshed = await run(['token', 'refresh', 'wx1', '--reason', 'test'], { server: answers(CREDENTIAL) });
    expect(refreshed.requests[0]).toMatchObject({ path: '/v1/accounts/wx1/credentials/access_token/refresh', body: { reason: 'test' } });
    expect(refreshed.out).toBe('generation 7, good for 6892 s\n');
  });
});

describe('doctor and openapi on a server', () => {
  it('doctor tells whether it is ready, and what its credentials suffer from', async () => {
    const status =
      (ready: Response, credentials: object[] = []) =>
      ({ path }: Request1) =>
        path === '/readyz' ? ready : Response.json({ credentials, next_cursor: null });
    expect(await run(['doctor'], { server: status(Response.json({ status: 'ok' })) })).toMatchObject({
      code: 0,
      out: expect.stringContaining('0 errors'),
    });
    const draining = await run(['doctor', '--json'], { server: status(Response.json({ status: 'draining' }, { status: 503 })) });
    expect(draining.code).toBe(1);
    expect(JSON.parse(draining.out)).toMatchObject({
      ok: false,
      findings: [{ check: 'server', level: 'error', subject: 'http://127.0.0.1:8700' }],
    });
    const refused = await run(['doctor'], {});
    expect(refused).toMatchObject({ code: 1, out: expect.stringContaining('ECONNREFUSED') });
  });

  it('openapi prints the document', async () => {
    const { out, requests } = await run(['openapi'], { server: answers({ openapi: '3.1.0' }) });
    expect(JSON.parse(out)).toEqual({ openapi: '3.1.0' });
    expect(requests[0]?.path).toBe('/openapi.json');
    const own = await run(['openapi'], { env: {} });
    expect(Object.keys((JSON.parse(own.out) as { paths: object }).paths)).toContain('/v1/accounts/{account}/token');
  });
});

it.each([
  ['Asia/Shanghai', '2027-01-31 08:00:00 +08:00'],
  ['America/St_Johns', '2027-01-30 20:30:00 -03:30'],
  ['UTC', '2027-01-31 00:00:00 +00:00'],
])('times are those of the local zone: %s', (zone, shown) => {
  const before = process.env.TZ;
  process.env.TZ = zone;
  try {
    expect(localTime('2027-01-31T00:00:00Z')).toBe(shown);
  } finally {
    // Assigning undefined would leave the text "undefined".
    if (before === undefined) delete process.env.TZ;
    else process.env.TZ = before;
  }
});
