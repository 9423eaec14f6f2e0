/**
 * Clocks that are an hour off, or are set by an hour while the server runs: what is told of it, and that callers are
 * handed tokens that work, for as long as they are told, without a storm of issues.
 */

import { afterEach, describe, expect, test } from 'vitest';
import { openStore } from '../../src/stores/open.ts';
import { type Product, startProduct } from '../helpers/product.ts';

const ID = 'wx0123456789abcdef';
const HOUR = 3_600_000;
const PATHS = { stable: '/cgi-bin/stable_token', classic: '/cgi-bin/token' } as const;

let product: Product;
afterEach(() => product.close());

/** What a caller is told works, now and until a moment before the end that was told. */
async function works(): Promise<void> {
  const { json } = await product.call(`/v1/accounts/${ID}/token`);
  expect(await product.accepted(json.value)).toBe(0);
  const real = Number(product.simulator.control.token(json.value).expires_at);
  expect(json.expires_in * 1000).toBeLessThanOrEqual(real - product.simulator.clock.now() + 1000);
}

const causes = async (): Promise<Record<string, string>> => {
  const { json } = await product.call('/v1/status', { key: product.admin });
  return Object.fromEntries(json.server.causes.map(({ code, message }: { code: string; message: string }) => [code, message]));
};

describe.each([1, -1])('a clock that is set by %i hour while the server runs on SQLite', (direction) => {
  test.each(['stable', 'classic'] as const)('%s: said so, at most one issue more, and it rotates on', async (mode) => {
    product = await startProduct();
    await product.addAccount(ID, mode);
    await works();
    product.clock.wallAheadMs = direction * HOUR;
    // Its clock is looked at every 30 s.
    await works();
    await product.engine.time.sync();
    expect(await causes()).toHaveProperty('clock_jumped');
    expect(product.engine.health.report().status).toBe('ok');
    for (let minute = 0; minute < 10; minute += 1) {
      await works();
      await product.travel(60);
    }
    expect(product.issues(ID, PATHS[mode])).toBeLessThanOrEqual(2);
    for (let step = 0; step < 130; step += 1) {
      await product.travel(60);
      await works();
    }
    expect(product.issues(ID, PATHS[mode])).toBeLessThanOrEqual(4);
  });
});

/** A store server whose clock is right, or an hour ahead of WeChat's; this machine's is what the test sets. */
const onServerClock = (aheadMs: number) =>
  startProduct({
    flags: { store: 'memory:' },
    env: { ZHONGKONG_ADMIN_KEY: 'test-admin-key-0123456789' },
    openStore: (url) => openStore(url, { now: () => Date.now() + aheadMs }),
  });

test("this machine's clock is an hour off beside a store server: said so, and nothing is wrong with lifetimes", async () => {
  product = await onServerClock(0);
  product.clock.wallAheadMs = HOUR;
  await product.engine.time.sync();
  await product.addAccount(ID, 'classic');
  await works();
  expect(await causes()).toEqual({ clock_off: "this machine's clock is 3600 s ahead of the store's" });
  product.clock.wallAheadMs = 0;
  await product.engine.time.sync();
  expect(await causes()).toEqual({});
});

test("the store's clock is an hour off WeChat's: said so, and nothing is wrong with lifetimes", async () => {
  product = await onServerClock(HOUR);
  await product.addAccount(ID, 'classic');
  await works();
  expect(await causes()).toEqual({
    clock_off: "this machine's clock is 3600 s behind the store's",
    // WeChat's `Date` is cut to the second.
    clock_skewed: expect.stringMatching(/^the store's clock is 360[01] s ahead of WeChat's$/),
  });
  expect(product.issues(ID, PATHS.classic)).toBe(1);
});
