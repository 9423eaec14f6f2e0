/** While the store is away, a key that was used before stays good for as long as the operator said. */

import { expect, test } from 'vitest';
import { ZhongkongError } from '../../../src/core/errors.ts';
import type { Store } from '../../../src/core/store.ts';
import { openEngine } from '../../../src/hosts/engine.ts';
import { openStore } from '../../../src/stores/open.ts';
import { ShiftClock } from '../../helpers/shift-clock.ts';
import { load } from '../config/fixtures.ts';

const MINUTE = 60_000;

test.each([
  [{}, 15],
  [{ ZHONGKONG_REFRESH_STORE_AWAY_MINUTES: '40' }, 40],
])('%o', async (env, minutes) => {
  const clock = new ShiftClock();
  let away = false;
  const withOutages: typeof openStore = async (url, options) => {
    const store: Store = await openStore(url, options);
    const directory = new Proxy(store.directory, {
      get: (target, name) => {
        if (away && name === 'keyByDigest') return () => Promise.reject(new ZhongkongError('store_unavailable', 'away'));
        const member: unknown = Reflect.get(target, name);
        return typeof member === 'function' ? member.bind(target) : member;
      },
    });
    return { ...store, directory };
  };
  const config = await load({ env: { ZHONGKONG_STORE: 'memory:', ZHONGKONG_LOG_LEVEL: 'silent', ...env } });
  const engine = await openEngine(config, { clock, openStore: withOutages });
  try {
    const { key } = await engine.keys.create({ name: 'shop', scopes: ['credential:read'], accounts: ['*'] }, 'test');
    await engine.keys.find(key);
    away = true;
    clock.shift((minutes - 1) * MINUTE);
    expect(await engine.keys.find(key)).toMatchObject({ name: 'shop' });
    clock.shift(2 * MINUTE);
    await expect(engine.keys.find(key)).rejects.toThrow('away');
  } finally {
    await engine.stop();
  }
});
