/** While the store is away, a key that was used before stays good for as long as the operator said. */

import { afterEach, expect, test } from 'vitest';
import { ZhongkongError } from '../../../src/core/errors.ts';
import type { Store } from '../../../src/core/store.ts';
import { type Engine, openEngine } from '../../../src/hosts/engine.ts';
import { openStore } from '../../../src/stores/open.ts';
import { ShiftClock } from '../../helpers/shift-clock.ts';
import { load } from '../config/fixtures.ts';

const MINUTE = 60_000;

let engine: Engine | null = null;
afterEach(() => engine?.stop());

/** An engine that has looked up a key; its store then fails such look-ups as long as `state.away`. */
async function start(env: Record<string, string> = {}) {
  const clock = new ShiftClock();
  const state = { away: false };
  const withOutages: typeof openStore = async (url, options) => {
    const store: Store = await openStore(url, options);
    const directory = new Proxy(store.directory, {
      get: (target, name) => {
        if (state.away && name === 'keyByDigest') return () => Promise.reject(new ZhongkongError('store_unavailable', 'away'));
        const member: unknown = Reflect.get(target, name);
        return typeof member === 'function' ? member.bind(target) : member;
      },
    });
    return { ...store, directory };
  };
  const config = await load({ env: { ZHONGKONG_STORE: 'memory:', ZHONGKONG_LOG_LEVEL: 'silent', ...env } });
  engine = await openEngine(config, { clock, openStore: withOutages });
  const { keys, time, store } = engine;
  const { key, record } = await keys.create({ name: 'shop', scopes: ['credential:read'], accounts: ['*'] }, 'test');
  await keys.find(key);
  return { keys, time, clock, state, key, record, directory: store.directory };
}

test.each([
  [{}, 15],
  [{ ZHONGKONG_REFRESH_STORE_AWAY_MINUTES: '40' }, 40],
])('%o', async (env, minutes) => {
  const { keys, clock, state, key } = await start(env);
  state.away = true;
  clock.shift((minutes - 1) * MINUTE);
  expect(await keys.find(key)).toMatchObject({ name: 'shop' });
  clock.shift(2 * MINUTE);
  await expect(keys.find(key)).rejects.toThrow('away');
});

test('anything may have changed, and then the store went away: keys are what they were, counted from when it was last heard of', async () => {
  const { keys, time, clock, state, key } = await start();
  clock.shift(100 * MINUTE);
  keys.upToDate(time.now());
  keys.dropAll();
  expect(keys.cached(key)).toBeUndefined();
  state.away = true;
  clock.shift(14 * MINUTE);
  expect(await keys.find(key)).toMatchObject({ name: 'shop' });
  clock.shift(2 * MINUTE);
  await expect(keys.find(key)).rejects.toThrow('away');
});

test('the store is back: what it says now counts, and not what was remembered', async () => {
  const { keys, clock, state, key, record, directory } = await start();
  keys.dropAll();
  state.away = true;
  expect(await keys.find(key)).toMatchObject({ revokedAt: null });
  // By another node, and nobody hears of it.
  await directory.putKey({ ...record, revokedAt: 1 });
  state.away = false;
  clock.shift(1001);
  expect(await keys.find(key)).toMatchObject({ revokedAt: 1 });
  expect(keys.cached(key)).toMatchObject({ revokedAt: 1 });
});

test('what the store has denied does not come back when the store goes away', async () => {
  const { keys, clock, state, key, record, directory } = await start();
  keys.dropAll();
  // By another node: the same id, another text.
  await directory.putKey({ ...record, digest: 'of another text' });
  expect(await keys.find(key)).toBeNull();
  state.away = true;
  clock.shift(MINUTE);
  await expect(keys.find(key)).rejects.toThrow('away');
});
