/** Leases and the due queue where Redis's way of keeping them could go wrong: its own clock, clocks set back, many at once. */

import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Store } from '../../src/core/store.ts';
import { openRedis } from '../../src/stores/redis/open.ts';
import { credentialId, granted, START } from '../contract/suites/pair.ts';
import { RedisServer } from '../helpers/redis-server.ts';
import { until } from '../helpers/until.ts';

const LEASE_MS = 30_000;

describe('leases on Redis', () => {
  let server: RedisServer;
  let admin: Redis;
  let count = 0;
  const stores: Store[] = [];
  beforeAll(async () => {
    server = await RedisServer.start();
    admin = new Redis({ port: server.port, host: '127.0.0.1' });
  });
  afterEach(async () => {
    for (const store of stores.splice(0)) await store.close();
  });
  afterAll(async () => {
    admin.disconnect();
    await server.remove();
  });

  async function fresh(now?: () => number): Promise<Store> {
    count += 1;
    const store = await openRedis('redis', server.rest({ prefix: `leases_${count}` }), { now });
    stores.push(store);
    return store;
  }

  test('the clock is the one of Redis, and leases run out on it', async () => {
    const store = await fresh();
    const [seconds, micros] = await admin.time();
    const before = Number(seconds) * 1000 + Number(micros) / 1000;
    const now = await store.credentials.now();
    expect(now).toBeGreaterThanOrEqual(Math.floor(before));
    expect(now).toBeLessThan(before + 5000);
    await store.credentials.schedule(credentialId(), 0);
    const first = granted(await store.credentials.acquire(credentialId(), 'h', 60)).lease;
    expect(first.until - now).toBeLessThan(5000);
    expect(await store.credentials.acquire(credentialId(), 'h', 60)).toEqual({ heldUntil: first.until });
    const [claimed] = await until(
      () => store.due.claim('other', LEASE_MS, 1),
      (found) => found.length === 1,
    );
    expect(claimed?.lease.takenOver).toBe(true);
    expect(await store.credentials.now()).toBeGreaterThanOrEqual(first.until);
  });

  test('a clock set back: what was returned to the queue and is held again is not claimed, and not lost', async () => {
    const clock = { now: START };
    const store = await fresh(() => clock.now);
    for (const account of ['one', 'two']) {
      await store.credentials.schedule(credentialId(account), 0);
      await store.credentials.acquire(credentialId(account), 'h', LEASE_MS);
    }
    clock.now += LEASE_MS;
    expect(await store.due.claim('h', LEASE_MS, 1)).toHaveLength(1);
    clock.now -= LEASE_MS;
    expect(await store.due.claim('h', LEASE_MS, 10)).toEqual([]);
    expect(await store.due.nextDueAt()).toBe(0);
    clock.now += 2 * LEASE_MS;
    expect(await store.due.claim('h', LEASE_MS, 10)).toHaveLength(2);
  });

  test('thousands of leases that run out at once are taken over in claims of the usual size, each once', async () => {
    const clock = { now: START };
    const store = await fresh(() => clock.now);
    const accounts = Array.from({ length: 2500 }, (_, index) => `wx${index}`);
    await Promise.all(accounts.map((account, index) => store.credentials.schedule(credentialId(account), index)));
    for (let held = 0; held < accounts.length; held += 500) await store.due.claim('dead', LEASE_MS, 500);
    clock.now += LEASE_MS;
    const claimed: string[] = [];
    for (;;) {
      const round = await store.due.claim('h', LEASE_MS, 64);
      if (round.length === 0) break;
      expect(round.every(({ lease }) => lease.takenOver)).toBe(true);
      claimed.push(...round.map(({ lease }) => lease.id.account));
    }
    expect(claimed.sort()).toEqual(accounts.sort());
  });

  test('a claim looks at what it takes, however much is waiting and held', async () => {
    const clock = { now: START };
    const store = await fresh(() => clock.now);
    await Promise.all(Array.from({ length: 3000 }, (_, index) => store.credentials.schedule(credentialId(`wx${index}`), index)));
    for (let held = 0; held < 2000; held += 500) await store.due.claim('busy', LEASE_MS, 500);
    await admin.config('RESETSTAT');
    expect((await store.due.claim('h', LEASE_MS, 1)).map(({ lease }) => lease.id.account)).toEqual(['wx2000']);
    const stats = await admin.info('commandstats');
    const calls = [...stats.matchAll(/calls=(\d+)/g)].reduce((sum, [, number]) => sum + Number(number), 0);
    expect(calls).toBeLessThan(25);
  });
});
