/** Every kind of mistake, with the line it gives: the option's path, what it must be, the value, where it came from. */

import { describe, expect, it } from 'vitest';
import type { ZhongkongError } from '../../../src/core/errors.ts';
import { brokenRules } from '../../../src/config/rules.ts';
import { type Given, load, mistakes, withFolder } from './fixtures.ts';

const SECRET = 'a1b2c3d4e5f60718293a4b5c6d7e8f90';
const env = (name: string, value: unknown): Given => ({
  env: { [`ZHONGKONG_${name}`]: typeof value === 'string' ? value : JSON.stringify(value) },
});
const account = (fields: object): Given => env('ACCOUNTS', [{ id: 'a', platform: 'official-account', secret: SECRET, ...fields }]);
const key = (fields: object): Given =>
  env('KEYS', [{ name: 'shop', key: 'k'.repeat(24), scopes: ['credential:read'], accounts: ['*'], ...fields }]);

const MASTER = Buffer.alloc(32, 1).toString('base64');

const TABLE: readonly [name: string, given: Given, line: string][] = [
  [
    'port too large',
    env('LISTEN', '127.0.0.1:70000'),
    'listen must be HOST:PORT, e.g. 127.0.0.1:8700 or [::1]:8700, with a port from 0 to 65535, got "127.0.0.1:70000" (from ZHONGKONG_LISTEN)',
  ],
  [
    'no port',
    { flags: { listen: 'localhost' } },
    'listen must be HOST:PORT, e.g. 127.0.0.1:8700 or [::1]:8700, with a port from 0 to 65535, got "localhost" (from --listen)',
  ],
  [
    'no address',
    env('LISTEN', '1.2.3:80'),
    'listen must be HOST:PORT, e.g. 127.0.0.1:8700 or [::1]:8700, with a port from 0 to 65535, got "1.2.3:80" (from ZHONGKONG_LISTEN)',
  ],
  [
    'beyond loopback',
    env('LISTEN', '0.0.0.0:8700'),
    'listen is beyond loopback ("0.0.0.0") without TLS: set tls, or trustedProxies when a reverse proxy does TLS, or allowPlainHttp: true (from ZHONGKONG_LISTEN)',
  ],
  [
    'unknown store',
    env('STORE', 'mongodb://x'),
    'store must be sqlite:PATH, memory:, postgres://…, mysql://… or redis://… (unknown scheme "mongodb:"), got "mongodb://x" (from ZHONGKONG_STORE)',
  ],
  [
    'a password in a wrong store',
    env('STORE', 'mssql://me:hunter2@db/x?password=hunter3'),
    'store must be sqlite:PATH, memory:, postgres://…, mysql://… or redis://… (unknown scheme "mssql:"), got "mssql://(secret)@db/x?(secret)" (from ZHONGKONG_STORE)',
  ],
  [
    'short master key',
    env('MASTER_KEY', 'aGVsbG8='),
    'masterKey must be the base64 of 32 bytes, as "openssl rand -base64 32" prints it, or several, separated by commas or white space, got (secret) (from ZHONGKONG_MASTER_KEY)',
  ],
  [
    'two master keys',
    { env: { ZHONGKONG_MASTER_KEY: MASTER, ZHONGKONG_MASTER_KEY_FILE: '/k' } },
    'masterKey and masterKeyFile are both set: keep one (from ZHONGKONG_MASTER_KEY, ZHONGKONG_MASTER_KEY_FILE)',
  ],
  ['weak admin key', env('ADMIN_KEY', 'admin'), 'adminKey must be 24 to 128 of A-Z a-z 0-9 _ . -, got (secret) (from ZHONGKONG_ADMIN_KEY)'],
  [
    'plain http upstream',
    env('UPSTREAM_WECHAT', 'http://api.weixin.qq.com'),
    'upstreams.wechat must be https://HOST[:PORT] (http:// only for loopback), without a path, got "http://api.weixin.qq.com" (from ZHONGKONG_UPSTREAM_WECHAT)',
  ],
  [
    'http to a name like loopback',
    env('UPSTREAM_WECHAT', 'http://127.0.0.1.example.com'),
    'upstreams.wechat must be https://HOST[:PORT] (http:// only for loopback), without a path, got "http://127.0.0.1.example.com" (from ZHONGKONG_UPSTREAM_WECHAT)',
  ],
  ['half of TLS', env('TLS_CERT_FILE', 'cert.pem'), 'tls.keyFile is required'],
  [
    'wrong CIDR',
    env('TRUSTED_PROXIES', '10.0.0.0/8,10.0.0.0/33'),
    'trustedProxies[1] must be an IP address or a CIDR, e.g. 10.0.0.0/8, got "10.0.0.0/33" (from ZHONGKONG_TRUSTED_PROXIES)',
  ],
  [
    'octal address',
    env('TRUSTED_PROXIES', '010.0.0.1'),
    'trustedProxies[0] must be an IP address or a CIDR, e.g. 10.0.0.0/8, got "010.0.0.1" (from ZHONGKONG_TRUSTED_PROXIES)',
  ],
  [
    'proxy with a path',
    env('EGRESS_PROXY', 'http://me:hunter2@proxy/x'),
    'egressProxy must be http://[USER:PASSWORD@]HOST:PORT, got "http://(secret)@proxy/x" (from ZHONGKONG_EGRESS_PROXY)',
  ],
  [
    'no number',
    env('REFRESH_CONCURRENCY', '1e3'),
    'refresh.concurrency must be a whole number from 1 to 1024, got "1e3" (from ZHONGKONG_REFRESH_CONCURRENCY)',
  ],
  [
    'too much',
    env('RETENTION_AUDIT_DAYS', '9999'),
    'retention.auditDays must be a whole number from 1 to 3650, got 9999 (from ZHONGKONG_RETENTION_AUDIT_DAYS)',
  ],
  [
    'a lease too short for its calls',
    env('REFRESH_UPSTREAM_TIMEOUT_SECONDS', '10'),
    'refresh.leaseSeconds must be at least 4 × refresh.upstreamTimeoutSeconds (40), got 30 (from ZHONGKONG_REFRESH_UPSTREAM_TIMEOUT_SECONDS)',
  ],
  ['no flag', env('ALLOW_PLAIN_HTTP', 'yes'), 'allowPlainHttp must be true or false, got "yes" (from ZHONGKONG_ALLOW_PLAIN_HTTP)'],
  [
    'unknown level',
    env('LOG_LEVEL', 'loud'),
    'log.level must be one of trace, debug, info, warn, error, fatal, silent, got "loud" (from ZHONGKONG_LOG_LEVEL)',
  ],
  ['empty variable', env('ADMIN_KEY', ''), 'ZHONGKONG_ADMIN_KEY is empty: give it a value, or unset it'],
  ['misspelt variable', env('LISTN', 'x'), 'ZHONGKONG_LISTN is no environment variable of Zhongkong; docs/configuration.md lists them'],
  ['accounts that are no JSON', env('ACCOUNTS', `[{"secret":"${SECRET}"`), 'accounts must be JSON, got (secret) (from ZHONGKONG_ACCOUNTS)'],
  [
    'accounts that are no list',
    env('ACCOUNTS', JSON.stringify(SECRET)),
    'accounts must be a list of accounts, got (secret) (from ZHONGKONG_ACCOUNTS)',
  ],
  ['an account that is a text', env('ACCOUNTS', [SECRET]), 'accounts[0] must be a section, got a string (from ZHONGKONG_ACCOUNTS)'],
  [
    'an account without names',
    env('ACCOUNTS', [{ platform: 'mini-game', secret: SECRET }]),
    'accounts[0].id is required (or app_id) (from ZHONGKONG_ACCOUNTS)',
  ],
  [
    'unknown platform',
    account({ platform: 'wechat' }),
    'accounts[0].platform must be one of official-account, mini-program, mini-game, got "wechat" (from ZHONGKONG_ACCOUNTS)',
  ],
  [
    'a platform out of the prototype',
    account({ platform: 'constructor' }),
    'accounts[0].platform must be one of official-account, mini-program, mini-game, got "constructor" (from ZHONGKONG_ACCOUNTS)',
  ],
  ['unknown mode', account({ mode: 'fast' }), 'accounts[0].mode must be one of stable, classic, got "fast" (from ZHONGKONG_ACCOUNTS)'],
  [
    'secret of digits',
    account({ secret: 12345 }),
    'accounts[0].secret must be an AppSecret (16 to 128 of A-Z a-z 0-9 _ -), or two as [first, fallback]; digits alone need quotes in YAML, got (secret) (from ZHONGKONG_ACCOUNTS)',
  ],
  [
    'three secrets',
    account({ secret: [SECRET, SECRET, SECRET] }),
    'accounts[0].secret must be an AppSecret (16 to 128 of A-Z a-z 0-9 _ -), or two as [first, fallback]; digits alone need quotes in YAML, got a list (from ZHONGKONG_ACCOUNTS)',
  ],
  ['no secret', account({ secret: undefined }), 'accounts[0].secret is required (or secretFile) (from ZHONGKONG_ACCOUNTS)'],
  [
    'secret twice',
    account({ secretFile: '/s' }),
    'accounts[0].secret and accounts[0].secretFile are both set: keep one (from ZHONGKONG_ACCOUNTS)',
  ],
  [
    'missing secret file',
    account({ secret: undefined, secretFile: '/nowhere/s' }),
    'accounts[0].secretFile cannot be read (ENOENT), got "/nowhere/s" (from ZHONGKONG_ACCOUNTS)',
  ],
  [
    'unknown field',
    account({ appid: 'wx1' }),
    'accounts[0].appid is not an option (from ZHONGKONG_ACCOUNTS); known here: id, platform, app_id, secret, secretFile, mode, enabled, note',
  ],
  [
    'bad id',
    account({ id: 'a b' }),
    'accounts[0].id must be 1 to 128 of A-Z a-z 0-9 _ . : @ -, the first no dot, got "a b" (from ZHONGKONG_ACCOUNTS)',
  ],
  [
    'an id that is a path segment',
    account({ id: '..' }),
    'accounts[0].id must be 1 to 128 of A-Z a-z 0-9 _ . : @ -, the first no dot, got ".." (from ZHONGKONG_ACCOUNTS)',
  ],
  ['a key for such an id', key({ accounts: ['.'] }), 'keys[0].accounts[0] must be an account id or "*", got "." (from ZHONGKONG_KEYS)'],
  ['weak key', key({ key: 'short' }), 'keys[0].key must be 24 to 128 of A-Z a-z 0-9 _ . -, got (secret) (from ZHONGKONG_KEYS)'],
  [
    'unknown scope',
    key({ scopes: ['read'] }),
    'keys[0].scopes[0] must be one of credential:read, credential:refresh, sign, gateway, functions, tick, metrics, admin, got "read" (from ZHONGKONG_KEYS)',
  ],
  ['no scope', key({ scopes: [] }), 'keys[0].scopes must name at least one scope, got a list (from ZHONGKONG_KEYS)'],
  ['no accounts', key({ accounts: undefined }), 'keys[0].accounts is required (from ZHONGKONG_KEYS)'],
  [
    'a network list that lets nobody in',
    key({ cidrs: [] }),
    'keys[0].cidrs must name at least one CIDR, or be left out, got a list (from ZHONGKONG_KEYS)',
  ],
  ['a name of our own', key({ name: 'cli' }), 'keys[0].name is one of our own, got "cli" (from ZHONGKONG_KEYS)'],
  [
    'a password in argv',
    { flags: { egressProxy: 'http://me:hunter2@10.0.0.1:3128' } },
    'egressProxy holds a password, which must not stand in argv: use ZHONGKONG_EGRESS_PROXY',
  ],
  [
    'a second word for memory:',
    env('STORE', 'sqlite::memory:'),
    'store must be sqlite:PATH, memory:, postgres://…, mysql://… or redis://… ("sqlite:" is written sqlite:PATH), got "sqlite::memory:" (from ZHONGKONG_STORE)',
  ],
  [
    'no time',
    key({ expires_at: 'tomorrow' }),
    'keys[0].expires_at must be a time like 2027-01-31T00:00:00Z, got "tomorrow" (from ZHONGKONG_KEYS)',
  ],
  [
    'the admin key again',
    { env: { ...key({}).env, ZHONGKONG_ADMIN_KEY: 'k'.repeat(24) } },
    'keys[0].key is the adminKey too, got (secret) (from ZHONGKONG_KEYS)',
  ],
];

describe('one mistake', () => {
  it.each(TABLE)('%s', async (_, given, line) => {
    expect(await mistakes(given)).toEqual([line]);
  });

  it('shared stores want their keys given', () => {
    const valid = { store: 'postgres://db/zk', masterKey: null, masterKeyFile: null, adminKey: null };
    const masterKey = 'masterKey (or masterKeyFile) is required with this store: all nodes need the same one';
    const broken = (serving: boolean) => brokenRules(valid, serving, () => undefined).map(({ en }) => en);
    expect(broken(true)).toEqual([masterKey, 'adminKey is required with this store']);
    // A command that works on the store by itself calls nobody.
    expect(broken(false)).toEqual([masterKey]);
  });

  it.each(['short', '["a1b2c3d4e5f60718","b1b2c3d4e5f60718"]', `${SECRET} `, 'k'.repeat(129)])('no AppSecret: %j', async (secret) => {
    const said = 'must be an AppSecret (16 to 128 of A-Z a-z 0-9 _ -)';
    expect(await mistakes(account({ secret }))).toEqual([expect.stringContaining(`accounts[0].secret ${said}`)]);
    await withFolder({ s: `${secret}\n` }, async (cwd) => {
      const lines = await mistakes({ cwd, ...account({ secret: undefined, secretFile: 's' }) });
      expect(lines).toEqual([expect.stringMatching(/^accounts\[0\]\.secretFile must hold an AppSecret .*two on two lines/)]);
      expect(lines.join()).not.toContain(secret);
    });
  });

  it('names that are there twice', async () => {
    const one = { id: 'a', platform: 'mini-game', secret: SECRET };
    const shop = { name: 'shop', key: 'k'.repeat(24), scopes: ['tick'], accounts: ['*'] };
    expect(await mistakes({ env: { ...env('ACCOUNTS', [one, one]).env, ...env('KEYS', [shop, shop]).env } })).toEqual([
      'accounts[1].id is that of accounts[0] too, got "a" (from ZHONGKONG_ACCOUNTS)',
      'accounts[1].app_id is that of accounts[0] too, got "a" (from ZHONGKONG_ACCOUNTS)',
      'keys[1].name is that of keys[0] too, got "shop" (from ZHONGKONG_KEYS)',
      'keys[1].key is that of keys[0] too, got (secret) (from ZHONGKONG_KEYS)',
    ]);
  });
});

describe('the file', () => {
  const inFile = (text: string) => withFolder({ 'zhongkong.yaml': text }, (cwd) => mistakes({ cwd }));

  it('is told with its name', async () => {
    expect(await inFile('log: { level: loud }')).toEqual([
      'log.level must be one of trace, debug, info, warn, error, fatal, silent, got "loud" (from zhongkong.yaml)',
    ]);
    expect(await inFile('log: debug')).toEqual(['log must be a section, got a string (from zhongkong.yaml)']);
    expect(await inFile('- a')).toEqual(['zhongkong.yaml must hold options by name, got a list']);
  });

  it('is never quoted where it cannot be understood', async () => {
    for (const text of [
      `adminKey: "${SECRET}`,
      `adminKey: ${SECRET}\nadminKey: ${SECRET}`,
      `adminKey: *${SECRET}`,
      `? ${SECRET}\n:::`,
      `adminKey: !${SECRET} x`,
    ]) {
      const lines = await inFile(text);
      expect(lines.join('\n')).toMatch(/zhongkong\.yaml/);
      expect(lines.join('\n')).not.toContain(SECRET);
    }
  });

  it('shows no value under a misspelt name', async () => {
    const lines = await inFile(`adminkey: ${SECRET}\naccounts: []`);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/^adminkey is not an option \(from zhongkong\.yaml\); known here: listen, store/);
  });

  it('must be the only one, and have a name we read', async () => {
    await withFolder({ 'zhongkong.yaml': '', 'zhongkong.json': '{}', 'zhongkong.yml': '' }, async (cwd) => {
      expect(await mistakes({ cwd })).toEqual([
        'zhongkong.yml is not read: rename it to zhongkong.yaml, or name it with --config',
        'zhongkong.yaml and zhongkong.json are both there: keep one, or choose one with --config',
      ]);
      expect((await load({ cwd, file: 'zhongkong.yml' })).file).toBe(`${cwd}/zhongkong.yml`);
      expect(await mistakes({ cwd, file: 'none.yaml' })).toEqual([`the configuration file ${cwd}/none.yaml cannot be read (ENOENT)`]);
    });
  });
});

it('tells all mistakes at once', async () => {
  const lines = await mistakes({
    env: { ZHONGKONG_LISTEN: 'x', ZHONGKONG_LOG_LEVEL: 'loud', ZHONGKONG_NOPE: '1', ...account({ mode: 'fast' }).env },
    flags: { 'refresh.concurrency': '0' },
  });
  expect(lines.map((line) => line.split(' ')[0])).toEqual([
    'ZHONGKONG_NOPE',
    'listen',
    'log.level',
    'refresh.concurrency',
    'accounts[0].mode',
  ]);
});

it('tells what is wrong under and beside an unknown name, each line with its source', async () => {
  const text = `
refresh: { leaseSeconds: 10, lease: 3 }
dropin: { x: 1 }
accounts:
  - { id: a, platform: wechat, appid: wx1 }
  - { id: a, platform: mini-game, secretFile: none, enabled: maybe }
keys:
  - { name: cli, key: 1, x: 1 }
`;
  await withFolder({ 'zhongkong.yaml': text }, async (cwd) => {
    const lines = await mistakes({ cwd });
    expect(lines.map((line) => line.split(' ')[0])).toEqual([
      'refresh.lease',
      'dropin.x',
      'accounts[0].appid',
      'keys[0].x',
      'accounts[1].enabled',
      'keys[0].key',
      'keys[0].scopes',
      'keys[0].accounts',
      'refresh.leaseSeconds',
      'accounts[0].platform',
      'accounts[0].secret',
      'accounts[1].id',
      'keys[0].name',
      'accounts[1].secretFile',
    ]);
    for (const line of lines) expect(line).toContain('(from zhongkong.yaml)');
  });
});

it.each(TABLE)('says it in Chinese too: %s', async (_, given) => {
  const thrown = (await load(given).catch((error: unknown) => error)) as ZhongkongError;
  expect(thrown.text.zh).toMatch(/\p{Script=Han}/u);
  expect(thrown.text.zh).not.toMatch(/\b(must|is|are|got|from)\b/);
});
