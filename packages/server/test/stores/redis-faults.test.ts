/** A Redis that is wrong from the start, or goes away: said clearly, at once, without its password; mended by itself. */

import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterEach, describe, expect, test } from 'vitest';
import { ZhongkongError } from '../../src/core/errors.ts';
import type { Store } from '../../src/core/store.ts';
import { openRedis } from '../../src/stores/redis/open.ts';
import { credentialId, granted } from '../contract/suites/pair.ts';
import { selfSigned } from '../e2e/self-signed.ts';
import { DURABLE, freePort, RedisServer, type RedisSettings } from '../helpers/redis-server.ts';
import { TcpProxy } from '../helpers/tcp-proxy.ts';
import { until } from '../helpers/until.ts';

const VOLATILE = { appendonly: 'no', save: '' } as const;
const ID = credentialId();

const servers: RedisServer[] = [];
const stores: Store[] = [];
const proxies: TcpProxy[] = [];
afterEach(async () => {
  for (const store of stores.splice(0)) await store.close();
  for (const proxy of proxies.splice(0)) await proxy.close();
  for (const server of servers.splice(0)) await server.remove();
});

async function serve(settings?: RedisSettings): Promise<RedisServer> {
  const server = await RedisServer.start(settings);
  servers.push(server);
  return server;
}
async function open(rest: string, answerMs?: number): Promise<Store> {
  const store = await openRedis('redis', rest, { answerMs });
  stores.push(store);
  return store;
}
async function through(server: RedisServer, answerMs: number) {
  const proxy = await TcpProxy.start(server.port);
  proxies.push(proxy);
  return { proxy, store: await open(`//127.0.0.1:${proxy.port}`, answerMs) };
}
async function failure(work: Promise<unknown>): Promise<ZhongkongError> {
  const error = await work.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof ZhongkongError)) throw new Error('it did not fail, or not as it should', { cause: error });
  expect(`${error.message} ${error.stack} ${JSON.stringify(error)} ${String(error.cause)}`).not.toContain('hush-hush');
  return error;
}
const config = async (server: RedisServer, work: (admin: Redis) => Promise<unknown>): Promise<void> => {
  const admin = new Redis({ port: server.port, host: '127.0.0.1' });
  await work(admin);
  admin.disconnect();
};

describe('when opening', () => {
  test('nobody there', async () => {
    const port = await freePort();
    const error = await failure(open(`//:hush-hush@127.0.0.1:${port}`));
    expect(error.message).toBe(`redis://127.0.0.1:${port}/0 cannot be reached`);
  });

  test('a host that does not exist', async () => {
    expect((await failure(open('//u:hush-hush@no.such.host.invalid'))).message).toMatch(/host name that is not known|cannot be reached/);
  });

  test('a wrong password, a missing one, a wrong user', async () => {
    const server = await serve({ ...DURABLE, requirepass: 'right' });
    for (const user of [':hush-hush@', '', 'nobody:hush-hush@']) {
      expect((await failure(open(server.rest({}, user)))).message).toMatch(/refuses this user name or password/);
    }
    await (await open(server.rest({}, ':right@'))).ping();
  });

  test('a database that does not exist', async () => {
    const server = await serve();
    expect((await failure(open(`//127.0.0.1:${server.port}/9999`))).message).toMatch(/no database of this number/);
  });

  test('databases and prefixes are apart', async () => {
    const server = await serve();
    const [one, two, other] = [
      await open(`//127.0.0.1:${server.port}/0`),
      await open(`//127.0.0.1:${server.port}/1`),
      await open(server.rest({ prefix: 'x' })),
    ];
    await one.credentials.schedule(ID, 1);
    expect(await two.credentials.read(ID)).toBeNull();
    expect(await other.credentials.read(ID)).toBeNull();
  });

  test('no append-only file, or eviction: refused unless allowed', async () => {
    const server = await serve(VOLATILE);
    const error = await failure(open(server.rest()));
    expect(error).toMatchObject({ code: 'config_invalid' });
    expect(error.message).toMatch(/appendonly no/);
    const store = await open(server.rest({ allowVolatile: 'true' }));
    expect(store.warnings?.map(({ en }) => en).join()).toMatch(/may forget/);
    const evicting = await serve({ ...DURABLE, 'maxmemory-policy': 'allkeys-lru' });
    expect((await failure(open(evicting.rest()))).message).toMatch(/maxmemory-policy allkeys-lru/);
  });

  test('appendfsync always has no warning, everysec has one', async () => {
    expect((await open((await serve()).rest())).warnings).toEqual([]);
    expect((await open((await serve({ ...DURABLE, appendfsync: 'everysec' })).rest())).warnings).toHaveLength(1);
  });

  test('a user of few rights: those of the operations page are enough, and CONFIG is not needed', async () => {
    const server = await serve();
    await config(server, (admin) =>
      admin.call(
        'ACL',
        'SETUSER',
        'zhongkong',
        'on',
        '>hush-hush',
        '~{zhongkong}:*',
        '&{zhongkong}:*',
        '-@all',
        '+@read',
        '+@write',
        '+@scripting',
        '+@connection',
        '+info',
        '+time',
        '+publish',
        '+subscribe',
      ),
    );
    const store = await open(server.rest({}, 'zhongkong:hush-hush@'));
    expect(store.warnings?.map(({ en }) => en).join()).toMatch(/appendfsync unknown/);
    await store.credentials.schedule(ID, 1);
    expect(await store.due.claim('h', 1000, 1)).toHaveLength(1);
    await store.ping();
    expect((await failure(open(server.rest({ prefix: 'other' }, 'zhongkong:hush-hush@')))).message).toMatch(/forbids this user/);
  });

  test('a schema of a later version', async () => {
    const server = await serve();
    const store = await open(server.rest());
    await config(server, (admin) => admin.hset('{zhongkong}:meta', 'schema', '2', 'serves_from', '2'));
    expect((await failure(store.ping())).message).toMatch(/has schema 2, this version of Zhongkong knows schema 1/);
    expect((await failure(open(server.rest()))).message).toMatch(/has schema 2/);
  });

  test('TLS: a certificate that is not trusted, a port without TLS, and one that works', async () => {
    const { cert, key } = selfSigned();
    const plain = await serve();
    const files = { 'tls-cert-file': join(plain.folder, 'cert.pem'), 'tls-key-file': join(plain.folder, 'key.pem') };
    writeFileSync(files['tls-cert-file'], cert);
    writeFileSync(files['tls-key-file'], key);
    const port = await freePort();
    await serve({ ...DURABLE, ...files, 'tls-port': String(port), 'tls-auth-clients': 'no', 'tls-ca-cert-file': files['tls-cert-file'] });
    expect((await failure(openRedis('rediss', `//u:hush-hush@127.0.0.1:${port}`))).message).toMatch(/certificate/);
    expect((await failure(openRedis('rediss', plain.rest(), { connectMs: 300 }))).message).toMatch(/did not answer in time/);
    // A CA of one's own is trusted by the environment of the process; here all are.
    process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
    try {
      const store = await openRedis('rediss', `//127.0.0.1:${port}`);
      stores.push(store);
      await store.ping();
    } finally {
      delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
    }
  });
});

describe('while running', () => {
  test('killed: commands fail at once, and go on by themselves after a start', async () => {
    const server = await serve();
    const store = await open(server.rest());
    await server.kill();
    await until(
      () => failure(store.ping()),
      ({ message }) => message.includes('cannot be reached'),
    );
    const before = performance.now();
    // None of them waits for the next attempt to come back.
    for (let tries = 0; tries < 20; tries += 1) expect((await failure(store.credentials.read(ID))).code).toBe('store_unavailable');
    expect(performance.now() - before).toBeLessThan(200);
    await server.up();
    await until(() => store.ping());
  });

  test('stopped: a command fails when its time is over, and the connection is not trusted any more', async () => {
    const server = await serve();
    const store = await open(server.rest(), 100);
    server.signal('SIGSTOP');
    expect((await failure(store.ping())).message).toMatch(/did not answer in time|cannot be reached/);
    server.signal('SIGCONT');
    await until(() => store.ping());
  });

  test('an answer that is lost: the command is not sent a second time', async () => {
    const server = await serve();
    const { proxy, store } = await through(server, 100);
    const first = granted(await store.credentials.acquire(ID, 'h', 60_000)).lease;
    await store.credentials.release(first);
    proxy.muted = true;
    expect((await failure(store.credentials.acquire(ID, 'h', 60_000))).code).toBe('store_unavailable');
    proxy.muted = false;
    const held = await until(() => store.credentials.acquire(ID, 'h', 60_000));
    expect(held).toHaveProperty('heldUntil');
    const { fence } = (await store.credentials.read(ID)) ?? { fence: 0 };
    await config(server, async (admin) => expect(await admin.hget('{zhongkong}:meta', 'fence')).toBe(String(fence)));
  });

  test('a cut connection: what was in the air fails and is not sent again, the next works', async () => {
    const server = await serve();
    const { proxy, store } = await through(server, 2000);
    const admin = new Redis({ port: server.port, host: '127.0.0.1' });
    const pings = async () => Number(await admin.hget('{zhongkong}:meta', 'ping'));
    await store.ping();
    proxy.muted = true;
    const work = store.ping();
    await until(pings, (count) => count === 2);
    proxy.muted = false;
    proxy.cut();
    expect((await failure(work)).code).toBe('store_unavailable');
    await until(() => store.ping());
    expect(await pings()).toBe(3);
    admin.disconnect();
  });

  test('it became a replica: said so, and the name is followed to the new primary', async () => {
    const [old, next] = [await serve(), await serve()];
    const { proxy, store } = await through(old, 2000);
    await config(old, (admin) => admin.replicaof('127.0.0.1', String(next.port)));
    expect((await failure(store.ping())).message).toMatch(/is a replica/);
    proxy.targetPort = next.port;
    await until(() => store.ping());
  });

  test('out of memory: nothing is written by half, and reads go on', async () => {
    const server = await serve();
    const store = await open(server.rest());
    const { lease } = granted(await store.credentials.acquire(ID, 'h', 60_000));
    const before = await store.credentials.read(ID);
    await config(server, (admin) => admin.config('SET', 'maxmemory', '1'));
    const write = { generation: 1, nextAttemptAt: 1, body: '{}' };
    expect((await failure(store.credentials.write(lease, write, { release: true }))).message).toMatch(/out of memory/);
    expect((await failure(store.ping())).message).toMatch(/out of memory/);
    expect(await store.credentials.read(ID)).toEqual(before);
    await config(server, (admin) => admin.config('SET', 'maxmemory', '0'));
    expect(await store.credentials.write(lease, write, { release: true })).toBe('committed');
  });

  test('its disk fails: said so', async () => {
    const server = await serve({ save: '3600 1000000', appendonly: 'no' });
    const store = await open(server.rest({ allowVolatile: 'true' }));
    rmSync(server.folder, { recursive: true });
    await config(server, (admin) => admin.bgsave());
    const error = await until(
      () => failure(store.ping()),
      ({ message }) => message.includes('disk'),
    );
    expect(error.message).toMatch(/cannot save to its disk/);
    mkdirSync(server.folder);
  });

  test('its scripts are forgotten: they are sent again', async () => {
    const server = await serve();
    const store = await open(server.rest());
    await store.credentials.schedule(ID, 1);
    await config(server, (admin) => admin.script('FLUSH'));
    expect(await store.due.claim('h', 1000, 1)).toHaveLength(1);
  });
});

describe('appendfsync always', () => {
  test('killed in the middle of writing: every acknowledged write is there after a start', async () => {
    const server = await serve();
    const store = await open(server.rest());
    const acknowledged = new Map<string, number>();
    let killed = false;
    const writer = async (account: string): Promise<void> => {
      const id = credentialId(account);
      while (!killed) {
        const { lease, stored } = granted(await store.credentials.acquire(id, account, 60_000));
        const generation = stored.generation + 1;
        const body = JSON.stringify({ generation, filler: 'x'.repeat(500) });
        await store.credentials.write(lease, { generation, nextAttemptAt: generation, body }, { release: true });
        acknowledged.set(account, generation);
      }
    };
    for (let round = 0; round < 3; round += 1) {
      killed = false;
      const accounts = Array.from({ length: 10 }, (_, index) => `wx${round}-${index}`);
      const writers = Promise.allSettled(accounts.map(writer));
      await until(async () => accounts.every((account) => (acknowledged.get(account) ?? 0) > 20 * (round + 1)), Boolean);
      await server.kill();
      killed = true;
      await writers;
      await server.up();
      await until(() => store.ping());
      for (const [account, generation] of acknowledged) {
        expect((await store.credentials.read(credentialId(account)))?.generation).toBeGreaterThanOrEqual(generation);
      }
    }
    expect(acknowledged.size).toBe(30);
  });
});
