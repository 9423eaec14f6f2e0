/** The whole product on Redis: the scenarios, and several processes on one store. */

import { randomBytes } from 'node:crypto';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openRedis } from '../../src/stores/redis/open.ts';
import { scenarios } from '../e2e/suites/scenarios.ts';
import { type Product, SECRET, startProduct } from '../helpers/product.ts';
import { RedisServer } from '../helpers/redis-server.ts';
import { until } from '../helpers/until.ts';

const ID = 'wx0123456789abcdef';
const STABLE = '/cgi-bin/stable_token';

let server: RedisServer;
let count = 0;
beforeAll(async () => {
  server = await RedisServer.start();
});
afterAll(() => server.remove());

/** On Redis's own clock, or on the one that the test moves. */
function start(movable: boolean): Promise<Product> {
  count += 1;
  return startProduct({
    flags: { store: `redis://127.0.0.1:${server.port}/0?prefix=product_${count}` },
    env: {
      ZHONGKONG_MASTER_KEY: randomBytes(32).toString('base64'),
      ZHONGKONG_ADMIN_KEY: `admin-${randomBytes(16).toString('hex')}`,
    },
    ...(movable ? { openStore: (url, options) => openRedis('redis', url.slice('redis:'.length), { now: options?.now }) } : {}),
  });
}

describe('on Redis', () => {
  scenarios(() => start(true));
});

describe('two processes on one Redis', () => {
  let product: Product;
  beforeEach(async () => {
    product = await start(false);
  });
  afterEach(() => product.close());

  test('100 first reads over both at once cost one issue', async () => {
    const second = await product.node();
    product.simulator.control.putAccount(ID, { secret: SECRET });
    product.simulator.control.setFaults({ fault: 'latency', ms: 100, path: STABLE });
    await product.addAccount(ID, 'stable');
    const reads = Array.from({ length: 100 }, (_, index) => product.token(ID, index % 2 === 0 ? product.url : second.server.url));
    expect(new Set(await Promise.all(reads)).size).toBe(1);
    expect(product.issues(ID, STABLE)).toBe(1);
  });

  test('a revoked key, a disabled account: refused by the other process within 100 ms', async () => {
    const { server: second } = await product.node();
    const at = second.url;
    await product.addAccount(ID, 'stable');
    const created = await product.call('/v1/keys', {
      key: product.admin,
      body: { name: 'shop', scopes: ['credential:read'], accounts: ['*'] },
    });
    const { id, key } = created.json;
    const statusAt = async (): Promise<number> => (await product.call(`/v1/accounts/${ID}/token`, { at, key })).status;
    expect(await statusAt()).toBe(200);
    const took = async (path: string, method: string, body: unknown, wanted: (status: number) => boolean): Promise<number> => {
      const changed = performance.now();
      await product.call(path, { method, key: product.admin, ...(body === null ? {} : { body }) });
      await until(statusAt, wanted);
      return performance.now() - changed;
    };
    const times: number[] = [];
    for (const enabled of [false, true, false, true]) {
      times.push(await took(`/v1/accounts/${ID}`, 'PATCH', { enabled }, (status) => (status === 200) === enabled));
    }
    times.push(await took(`/v1/keys/${id}`, 'DELETE', null, (status) => status === 401));
    // One of them may meet a busy machine; by the poll alone they would take a second on average.
    expect(times.sort((a, b) => a - b)[2]).toBeLessThan(100);
  });
});

test('a holder that died: both processes wait for its lease to end, one takes over, with one issue', async () => {
  const product = await start(true);
  try {
    const second = await product.node();
    product.simulator.control.setFaults({ fault: 'errcode', errcode: -1, path: STABLE });
    const failed = product.monitor.next('refresh.failed');
    await product.addAccount(ID, 'stable');
    await failed;
    const { credentials } = product.engine.store;
    const id = { account: ID, kind: 'access_token', chain: 'stable' };
    await until(
      () => credentials.acquire(id, 'dead', 30_000),
      (got) => 'lease' in got,
    );
    product.simulator.control.clearFaults();
    const both = [product.url, second.server.url];
    const waiting = Promise.allSettled(both.map((at) => product.token(ID, at)));
    expect(await credentials.read(id)).toMatchObject({ generation: 0 });
    expect(product.issues(ID, STABLE)).toBe(0);
    await product.travel(31);
    await waiting;
    const tokens = await Promise.all(both.map((at) => until(() => product.token(ID, at))));
    expect(new Set(tokens).size).toBe(1);
    expect(product.issues(ID, STABLE)).toBe(1);
    expect(product.monitor.count('lease.taken_over') + second.monitor.count('lease.taken_over')).toBe(1);
  } finally {
    await product.close();
  }
});

test('notices that are missed: made up for within 5 s', async () => {
  const product = await start(false);
  const admin = new Redis({ port: server.port, host: '127.0.0.1' });
  try {
    const { server: second } = await product.node();
    await product.addAccount(ID, 'stable');
    await product.token(ID, second.url);
    // Nobody may listen any more, and who does is cut off; everything else goes on.
    await admin.call('ACL', 'SETUSER', 'default', '-subscribe');
    await admin.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
    const heard = async (enabled: boolean): Promise<number> => {
      const changed = performance.now();
      await product.call(`/v1/accounts/${ID}`, { method: 'PATCH', key: product.admin, body: { enabled } });
      await until(
        () => product.call(`/v1/accounts/${ID}/token`, { at: second.url }),
        ({ status }) => (status === 200) === enabled,
      );
      return performance.now() - changed;
    };
    // The first may come just before a look that was due anyway; after it the next look is a while off.
    await heard(false);
    const heardAfter = await heard(true);
    expect(heardAfter).toBeGreaterThan(200);
    expect(heardAfter).toBeLessThan(5000);
  } finally {
    await admin.call('ACL', 'SETUSER', 'default', '+subscribe');
    admin.disconnect();
    await product.close();
  }
});
