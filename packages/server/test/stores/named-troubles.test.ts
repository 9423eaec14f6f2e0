/**
 * A store that gets into trouble while the whole product runs on it: what an operator reads, that callers are served on,
 * and that everything is as before once it is over.
 */

import { Redis } from 'ioredis';
import { expect, onTestFinished, test } from 'vitest';
import type { StoreTrouble } from '../../src/core/store-trouble.ts';
import type { Product } from '../helpers/product.ts';
import { RedisServer } from '../helpers/redis-server.ts';
import { TcpProxy } from '../helpers/tcp-proxy.ts';
import { until } from '../helpers/until.ts';
import { asRoot, MysqlDatabase } from './mysql-database.ts';
import { PostgresDatabase } from './postgres-database.ts';
import type { ServerDatabase } from './server-database.ts';
import { startOn } from './start-on.ts';

const ID = 'wx0123456789abcdef';
const STABLE = '/cgi-bin/stable_token';

interface Trouble {
  readonly code: StoreTrouble;
  readonly make: () => Promise<unknown>;
  readonly mend: () => Promise<unknown>;
}

/** `/readyz`, without a key, and what an administrator is told, after a look at the store. */
async function seen({ engine, call, admin }: Product) {
  await engine.health.look(() => engine.store.ping());
  const { json: ready } = await call('/readyz', { key: '' });
  const { status, json } = await call('/v1/status', { key: admin });
  return { ready, status, server: json.server, credentials: json.credentials };
}

/** Waits for the next round in which the server reads what changed. */
function roundsOf({ engine }: Product): () => Promise<void> {
  const { directory } = engine.store;
  const changes = directory.changes.bind(directory);
  let rounds = 0;
  directory.changes = async (...from) => {
    const page = await changes(...from);
    rounds += 1;
    return page;
  };
  return async () => {
    const before = rounds;
    await until(
      async () => rounds,
      (now) => now > before,
    );
  };
}

/** Each trouble in its turn, with the same token before, in and after it. */
async function meets(url: string, troubles: readonly Trouble[]): Promise<void> {
  const product = await startOn(url);
  onTestFinished(() => product.close());
  const lookedAround = roundsOf(product);
  await product.addAccount(ID, 'stable');
  const token = await product.token(ID);
  for (const { code, make, mend } of troubles) {
    // A change that is heard of late would drop from memory what it is to serve.
    await lookedAround();
    expect((await seen(product)).server.status).toBe('ok');
    expect(await product.token(ID)).toBe(token);
    await make();
    const { ready, status, server } = await until(
      () => seen(product),
      (now) => now.ready.reason === code,
    );
    // Nobody needs a key to ask: the name, and nothing of where.
    expect(ready).toEqual({ status: 'degraded', reason: code });
    expect([status, server.status]).toEqual([200, 'degraded']);
    const [cause] = server.causes;
    expect(cause).toMatchObject({ code, advice: { en: expect.any(String), zh: expect.stringMatching(/\p{Script=Han}/u) } });
    expect(Date.parse(cause.since)).toBeGreaterThan(0);
    expect(product.monitor.all('store.failed').at(-1)).toMatchObject({ trouble: { code } });
    expect(await product.token(ID)).toBe(token);
    await mend();
    const after = await until(
      () => seen(product),
      ({ server: now }) => now.status === 'ok',
    );
    expect(after).toMatchObject({ ready: { status: 'ok' }, server: { causes: [], accounts: 1 }, credentials: [{ state: 'fresh' }] });
  }
  expect(product.issues(ID, STABLE)).toBe(1);
}

/** The database behind a proxy, so that it can be away; and with a user of its own, so that rights can be taken. */
async function behindProxy(database: ServerDatabase, user: string) {
  const url = new URL(database.url);
  const port = Number(url.port);
  const proxy = await TcpProxy.start(port);
  onTestFinished(() => proxy.close());
  Object.assign(url, { port: String(proxy.port), username: user });
  const away: Trouble = {
    code: 'store_unreachable',
    make: async () => {
      proxy.targetPort = 9;
      proxy.cut();
    },
    mend: async () => {
      proxy.targetPort = port;
    },
  };
  return { url: url.href, away };
}

test('PostgreSQL: away, made read-only, a user who may no longer log in, rights that were taken', async () => {
  const database = await PostgresDatabase.create();
  onTestFinished(() => database.drop());
  const { run } = await database.session();
  const user = database.name;
  await run(`create role ${user} login; alter database ${database.name} owner to ${user}; grant all on schema public to ${user}`);
  onTestFinished(async () => void (await run(`reassign owned by ${user} to current_user; drop owned by ${user}; drop role ${user}`)));
  const { url, away } = await behindProxy(database, user);
  const anew = async (statement: string) => {
    await run(statement);
    await database.hangUp();
  };
  await meets(url, [
    away,
    {
      code: 'store_read_only',
      make: () => anew(`alter role ${user} set default_transaction_read_only = on`),
      mend: () => anew(`alter role ${user} reset default_transaction_read_only`),
    },
    { code: 'store_auth_failed', make: () => anew(`alter role ${user} nologin`), mend: () => anew(`alter role ${user} login`) },
    {
      code: 'store_forbidden',
      make: () => anew(`revoke all on all tables in schema public from ${user}`),
      mend: () => anew(`grant all on all tables in schema public to ${user}`),
    },
  ]);
});

test('MariaDB: away, a password that was changed, rights that were taken', async () => {
  const database = await MysqlDatabase.create();
  onTestFinished(() => database.drop());
  const user = `${database.name}@'%'`;
  await asRoot(`create user ${user}`);
  onTestFinished(async () => void (await asRoot(`drop user ${user}`)));
  await asRoot(`grant all on ${database.name}.* to ${user}`);
  const { url, away } = await behindProxy(database, database.name);
  const anew = async (statement: string) => {
    await asRoot(statement);
    await database.hangUp();
  };
  await meets(url, [
    away,
    {
      code: 'store_auth_failed',
      make: () => anew(`alter user ${user} identified by 'y'`),
      mend: () => anew(`alter user ${user} identified by ''`),
    },
    {
      code: 'store_forbidden',
      make: () => anew(`revoke insert, update, delete on ${database.name}.* from ${user}`),
      mend: () => anew(`grant all on ${database.name}.* to ${user}`),
    },
  ]);
});

test('Redis: away, out of memory, made a replica, a password that was set', async () => {
  const server = await RedisServer.start();
  onTestFinished(() => server.remove());
  const url = `redis://127.0.0.1:${server.port}/0`;
  const admin = new Redis({ port: server.port, lazyConnect: true, retryStrategy: () => 50, maxRetriesPerRequest: 100 });
  admin.on('error', () => undefined);
  onTestFinished(() => void admin.disconnect());
  const others = () => admin.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
  const set = (name: string, value: string) => admin.config('SET', name, value);
  await meets(url, [
    { code: 'store_unreachable', make: () => server.kill(), mend: () => server.up() },
    { code: 'store_full', make: () => set('maxmemory', '1mb'), mend: () => set('maxmemory', '0') },
    { code: 'store_read_only', make: () => admin.call('REPLICAOF', '127.0.0.1', '9'), mend: () => admin.call('REPLICAOF', 'NO', 'ONE') },
    {
      code: 'store_auth_failed',
      make: async () => [await set('requirepass', 'other'), await others()],
      mend: () => set('requirepass', ''),
    },
  ]);
});
