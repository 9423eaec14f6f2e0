/** What a right configuration becomes: order of the sources, defaults, forms, paths, freezing. */

import { describe, expect, it } from 'vitest';
import { load, withFolder } from './fixtures.ts';

const SECRET = 'a1b2c3d4e5f60718293a4b5c6d7e8f90';
const KEY = 'shop-key-0123456789-abcdefgh';

describe('defaults', () => {
  it('are complete without any source', async () => {
    expect(await load({ cwd: '/srv/app' })).toEqual({
      listen: { host: '127.0.0.1', port: 8700 },
      store: 'sqlite:/srv/app/data/zhongkong.db',
      masterKey: null,
      masterKeyFile: '/srv/app/data/master-key',
      adminKey: null,
      cronSecret: null,
      accounts: null,
      keys: [],
      upstreams: { wechat: 'https://api.weixin.qq.com' },
      tls: null,
      allowPlainHttp: false,
      publicUrl: null,
      trustedProxies: [],
      egressProxy: null,
      dropin: { acceptAppSecret: false },
      log: { level: 'info' },
      retention: { auditDays: 90 },
      docs: { public: true },
      refresh: {
        upstreamTimeoutSeconds: 5,
        leaseSeconds: 30,
        reportCooldownSeconds: 30,
        concurrency: 64,
        cacheSize: 100_000,
        storeAwayMinutes: 15,
        readTimeoutSeconds: 10,
      },
      file: null,
    });
  });

  it('make no key file for a store that dies with the process, nor beside a given key', async () => {
    expect((await load({ flags: { store: 'memory:' } })).masterKeyFile).toBeNull();
    expect((await load({ env: { ZHONGKONG_MASTER_KEY: Buffer.alloc(32, 7).toString('base64') } })).masterKeyFile).toBeNull();
  });
});

describe('sources', () => {
  it('win in the order file, environment, flags', async () => {
    await withFolder({ 'zhongkong.yaml': 'listen: 127.0.0.1:1\nlog: { level: warn }\nretention: { auditDays: 7 }\n' }, async (cwd) => {
      const config = await load({
        cwd,
        env: { ZHONGKONG_LISTEN: '127.0.0.1:2', ZHONGKONG_LOG_LEVEL: 'error' },
        flags: { listen: '[::1]:3' },
      });
      expect(config.listen).toEqual({ host: '::1', port: 3 });
      expect(config.log.level).toBe('error');
      expect(config.retention.auditDays).toBe(7);
      expect(config.file).toBe(`${cwd}/zhongkong.yaml`);
    });
  });

  it('may be a JSON file, an empty one, or one named by --config', async () => {
    await withFolder({ 'zhongkong.json': '{"listen":"127.0.0.1:9"}', 'other.yaml': '', 'empty.yaml': '# nothing\n' }, async (cwd) => {
      expect((await load({ cwd })).listen.port).toBe(9);
      expect((await load({ cwd, file: 'other.yaml' })).listen.port).toBe(8700);
      expect((await load({ cwd, file: `${cwd}/empty.yaml` })).file).toBe(`${cwd}/empty.yaml`);
    });
  });

  it('turn texts of the environment into the form of the option', async () => {
    const config = await load({
      env: {
        ZHONGKONG_LISTEN: '0.0.0.0:80',
        ZHONGKONG_TRUSTED_PROXIES: '10.0.0.0/8, 192.168.1.7',
        ZHONGKONG_REFRESH_LEASE_SECONDS: '60',
        ZHONGKONG_DOCS_PUBLIC: 'false',
        ZHONGKONG_UPSTREAM_WECHAT: 'http://127.0.0.1:8701',
        ZHONGKONG_EGRESS_PROXY: 'http://me:pw@10.1.1.1:3128',
      },
    });
    expect(config.trustedProxies).toEqual(['10.0.0.0/8', '192.168.1.7/32']);
    expect(config.refresh.leaseSeconds).toBe(60);
    expect(config.docs.public).toBe(false);
    expect(config.upstreams.wechat).toBe('http://127.0.0.1:8701');
    expect(config.egressProxy).toBe('http://me:pw@10.1.1.1:3128');
  });

  it('leave alone what Kubernetes and our own tools put into the environment', async () => {
    const env = {
      ZHONGKONG_SERVICE_HOST: '10.0.0.1',
      ZHONGKONG_PORT: 'tcp://10.0.0.1:8700',
      ZHONGKONG_PORT_8700_TCP_ADDR: '10.0.0.1',
      ZHONGKONG_STAGING_SERVICE_PORT_HTTP: '8700',
      ZHONGKONG_URL: 'http://127.0.0.1:8700',
      ZHONGKONG_KEY: 'zk_x',
    };
    expect((await load({ env })).listen.port).toBe(8700);
  });
});

describe('accounts and keys', () => {
  it('take the declared forms, with either of id and app_id', async () => {
    await withFolder({ secret: `${SECRET}\n`, pair: `${SECRET}\r\nsecond-secret-0123\r\n` }, async (cwd) => {
      const accounts = [
        { id: 'wx0000000000000001', platform: 'official-account', secret: SECRET, mode: 'stable' },
        {
          id: 'shop',
          app_id: 'wx0000000000000002',
          platform: 'mini-program',
          secret: [SECRET, 'fallback-secret-0123'],
          enabled: false,
          note: '商城',
        },
        { app_id: 'wx0000000000000003', platform: 'mini-game', secretFile: 'secret' },
        { id: 'four', platform: 'mini-game', secretFile: `${cwd}/pair` },
      ];
      const config = await load({ cwd, env: { ZHONGKONG_ACCOUNTS: JSON.stringify(accounts) } });
      const common = { parent: '', mode: null, enabled: true, note: '' };
      expect(config.accounts).toEqual([
        {
          ...common,
          id: 'wx0000000000000001',
          appId: 'wx0000000000000001',
          platform: 'official-account',
          mode: 'stable',
          secrets: [SECRET],
        },
        {
          ...common,
          id: 'shop',
          appId: 'wx0000000000000002',
          platform: 'mini-program',
          secrets: [SECRET, 'fallback-secret-0123'],
          enabled: false,
          note: '商城',
        },
        { ...common, id: 'wx0000000000000003', appId: 'wx0000000000000003', platform: 'mini-game', secrets: [SECRET] },
        { ...common, id: 'four', appId: 'four', platform: 'mini-game', secrets: [SECRET, 'second-secret-0123'] },
      ]);
    });
  });

  it('take every scope, sealed keys, networks and an expiry', async () => {
    const scopes = ['credential:read', 'credential:refresh', 'sign', 'gateway', 'functions', 'tick', 'metrics', 'admin'];
    const keys = [
      { name: 'shop', key: KEY, scopes, accounts: ['*'], sealed: true },
      {
        name: 'b',
        key: `${KEY}2`,
        scopes: ['credential:read'],
        accounts: ['shop'],
        kinds: ['access_token'],
        cidrs: ['2001:db8::/32'],
        calls_per_minute: 60,
        expires_at: '2030-01-01T00:00:00+08:00',
      },
    ];
    const config = await load({ env: { ZHONGKONG_KEYS: JSON.stringify(keys) } });
    expect(config.keys).toEqual([
      { name: 'shop', key: KEY, scopes, accounts: ['*'], sealed: true, kinds: null, cidrs: null, callsPerMinute: null, expiresAt: null },
      {
        name: 'b',
        key: `${KEY}2`,
        scopes: ['credential:read'],
        accounts: ['shop'],
        sealed: false,
        kinds: ['access_token'],
        cidrs: ['2001:db8::/32'],
        callsPerMinute: 60,
        expiresAt: Date.UTC(2029, 11, 31, 16),
      },
    ]);
  });

  it('tells no accounts declared from an empty list', async () => {
    expect((await load()).accounts).toBeNull();
    expect((await load({ env: { ZHONGKONG_ACCOUNTS: '[]' } })).accounts).toEqual([]);
  });
});

it('is frozen to the bottom', async () => {
  const config = await load({ env: { ZHONGKONG_KEYS: JSON.stringify([{ name: 'a', key: KEY, scopes: ['admin'], accounts: ['*'] }]) } });
  const unfrozen: string[] = [];
  const look = (value: unknown, path: string): void => {
    if (typeof value !== 'object' || value === null) return;
    if (!Object.isFrozen(value)) unfrozen.push(path);
    for (const [name, inner] of Object.entries(value)) look(inner, `${path}.${name}`);
  };
  look(config, 'config');
  expect(unfrozen).toEqual([]);
});
