/**
 * Redis comes back with less than it acknowledged, under handles that stay open. No fence is ever given twice, a holder
 * of the lost time cannot write, whoever comes after it knows that it may still be acting, and caches are told.
 */

import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Store } from '../../src/core/store.ts';
import { openRedis } from '../../src/stores/redis/open.ts';
import { anAccount, credentialId, granted, START } from '../contract/suites/pair.ts';
import { DURABLE, RedisServer } from '../helpers/redis-server.ts';
import { TcpProxy } from '../helpers/tcp-proxy.ts';
import { until } from '../helpers/until.ts';

const LEASE_MS = 30_000;
const ID = credentialId('wx1');
const OTHER = credentialId('wx2');
const WRITE = { generation: 9, nextAttemptAt: 0, body: '{}' };

describe('older data under running handles', () => {
  let server: RedisServer;
  let admin: Redis;
  let a: Store;
  let b: Store;
  /** Stands still, so that the clock alone does not keep fences apart. */
  const now = (): number => START;
  const open = () => openRedis('redis', server.rest(), { now });
  const acquire = async (store: Store, id = ID) => granted(await store.credentials.acquire(id, 'h', LEASE_MS)).lease;

  beforeEach(async () => {
    server = await RedisServer.start();
    admin = new Redis({ port: server.port, host: '127.0.0.1' });
    admin.on('error', () => undefined);
    a = await open();
    b = await open();
    await a.credentials.schedule(ID, 0);
    await a.credentials.schedule(OTHER, 0);
  });
  afterEach(async () => {
    admin.disconnect();
    await a.close();
    await b.close();
    await server.remove();
  });

  async function goBackTo(snapshot: string): Promise<void> {
    await server.kill();
    server.restore(snapshot);
    await server.up();
    for (const store of [a, b]) await until(() => store.ping());
  }

  test('a restored copy: the holder of a lost lease is stale, the next one takes over, under a higher fence', async () => {
    const snapshot = server.snapshot();
    const lost = await acquire(a);
    await goBackTo(snapshot);
    // Whoever comes first, and whatever it knew.
    const next = await acquire(b);
    expect(next.fence).toBeGreaterThan(lost.fence);
    expect(next.takenOver).toBe(true);
    expect(await a.credentials.write(lost, WRITE, { release: true })).toBe('stale');
    expect(await b.credentials.write(next, WRITE, { release: true })).toBe('committed');
    // Once per credential, and only for those that were there.
    expect((await acquire(b)).takenOver).toBe(false);
    expect((await b.due.claim('h', LEASE_MS, 10)).map(({ lease }) => [lease.id, lease.takenOver])).toEqual([[OTHER, true]]);
    expect((await acquire(b, credentialId('new'))).takenOver).toBe(false);
  });

  test('over three rounds, and a round that went back to before the one before it', async () => {
    const snapshot = server.snapshot();
    const fences: number[] = [];
    for (let round = 0; round < 3; round += 1) {
      for (const store of [a, b]) {
        for (let n = 0; n < 20; n += 1) {
          const lease = await acquire(store);
          fences.push(lease.fence);
          await store.credentials.release(lease);
        }
      }
      await goBackTo(snapshot);
    }
    expect(fences).toEqual([...new Set(fences)].sort((x, y) => x - y));
  });

  test('in the same server process, where nothing tells but what a handle has seen', async () => {
    const keys = await admin.keys('*');
    const dumps = await Promise.all(keys.map((key) => admin.dumpBuffer(key)));
    const lost = await acquire(a);
    await admin.flushall();
    for (const [index, key] of keys.entries()) await admin.restore(key, 0, dumps[index] ?? '');
    const next = await acquire(a);
    expect(next.fence).toBeGreaterThan(lost.fence);
    expect(next.takenOver).toBe(true);
    expect(await a.credentials.write(lost, WRITE, { release: true })).toBe('stale');
  });

  test('what another handle was given is known after a look at the changes', async () => {
    const keys = await admin.keys('*');
    const dumps = await Promise.all(keys.map((key) => admin.dumpBuffer(key)));
    const lost = await acquire(a);
    await b.directory.changes(null, 10);
    await admin.flushall();
    for (const [index, key] of keys.entries()) await admin.restore(key, 0, dumps[index] ?? '');
    expect((await acquire(b)).fence).toBeGreaterThan(lost.fence);
  });

  test('caches are told to drop everything, also when as much has changed since as was lost', async () => {
    const snapshot = server.snapshot();
    await a.directory.putAccount(anAccount('lost'));
    const { cursor } = await b.directory.changes(null, 10);
    await goBackTo(snapshot);
    await a.directory.putAccount(anAccount('other'));
    await a.directory.putAccount(anAccount('another'));
    const page = await b.directory.changes(cursor, 10);
    expect(page).toMatchObject({ changes: [], overflow: true });
    expect(await b.directory.changes(page.cursor, 10)).toMatchObject({ changes: [], overflow: false });
  });

  test('the audit trail says so', async () => {
    const snapshot = server.snapshot();
    const { fence } = await acquire(a);
    await a.credentials.release({ id: ID, holder: 'h', fence, until: 0, takenOver: false });
    expect(await a.directory.audit({ before: null, limit: 10 })).toEqual([]);
    await goBackTo(snapshot);
    await a.directory.changes(null, 10);
    await b.directory.changes(null, 10);
    expect(await a.directory.audit({ before: null, limit: 10 })).toEqual([
      {
        seq: 1,
        at: START,
        action: 'store.went_back',
        actor: 'system',
        subject: '',
        data: { server_changed: true, fences_missing: 1 },
      },
    ]);
  });

  test('an empty server: handles go on, and no fence comes again', async () => {
    const lost = await acquire(a);
    await admin.flushall();
    const next = await acquire(a);
    expect(next.fence).toBeGreaterThan(lost.fence);
    await a.ping();
    expect(await a.credentials.write(lost, WRITE, { release: false })).toBe('stale');
  });
});

test('a failover to a replica that lagged behind', async () => {
  const primary = await RedisServer.start({ ...DURABLE, 'repl-diskless-sync-delay': '0' });
  const replica = await RedisServer.start({ ...DURABLE, replicaof: `127.0.0.1 ${primary.port}` });
  const proxy = await TcpProxy.start(primary.port);
  const admin = new Redis({ port: replica.port, host: '127.0.0.1' });
  const url = `//127.0.0.1:${proxy.port}`;
  const a = await openRedis('redis', url, { now: () => START });
  const b = await openRedis('redis', url, { now: () => START });
  try {
    await a.credentials.schedule(ID, 0);
    await until(
      () => admin.exists('{zhongkong}:leases'),
      (count) => count === 1,
    );
    await admin.replicaof('127.0.0.1', '1');
    const lost = granted(await a.credentials.acquire(ID, 'h', LEASE_MS)).lease;
    await primary.kill();
    await admin.replicaof('NO', 'ONE');
    proxy.targetPort = replica.port;
    proxy.cut();
    const next = granted(await until(() => b.credentials.acquire(ID, 'h', LEASE_MS))).lease;
    expect(next.fence).toBeGreaterThan(lost.fence);
    expect(next.takenOver).toBe(true);
    expect(await until(() => a.credentials.write(lost, WRITE, { release: true }))).toBe('stale');
  } finally {
    admin.disconnect();
    await a.close();
    await b.close();
    await proxy.close();
    await primary.remove();
    await replica.remove();
  }
});
