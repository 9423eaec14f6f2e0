/** A node that reaches no store while the master key is changed: what it seals afterwards is under the new key. */

import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { ZhongkongError } from '../../src/core/errors.ts';
import { openMasterKeys } from '../../src/hosts/master-key.ts';
import { rotateMasterKey } from '../../src/hosts/master-key-rotation.ts';
import { openStore } from '../../src/stores/open.ts';
import { HurriedClock } from '../helpers/hurried-clock.ts';
import { type Product, startProduct } from '../helpers/product.ts';
import { until } from '../helpers/until.ts';

let product: Product;
afterEach(() => product.close());

const IDS = ['wx0', 'wx1', 'wx2'];

test('cut off from before a rotation until after its end', async () => {
  let isAway = false;
  let refusedPings = 0;
  const away = () => Promise.reject(new ZhongkongError('store_unavailable', 'cut off'));
  const cut = <T extends object>(port: T): T =>
    new Proxy(port, {
      get(target, method) {
        const member: unknown = Reflect.get(target, method, target);
        if (typeof member !== 'function') return member;
        return (...args: unknown[]): unknown => (isAway ? away() : Reflect.apply(member, target, args));
      },
    });
  product = await startProduct({
    openStore: async (...args) => {
      const store = await openStore(...args);
      const { credentials, directory, due } = store;
      const ping = (): Promise<void> => {
        if (!isAway) return store.ping();
        refusedPings += 1;
        return away();
      };
      return { ...store, credentials: cut(credentials), directory: cut(directory), due: cut(due), ping };
    },
  });
  for (const id of IDS) await product.addAccount(id, 'classic');
  for (const id of IDS) await product.token(id);
  await product.landed();
  isAway = true;

  const source = { masterKey: null, masterKeyFile: join(product.folder, 'master-key') };
  const store = await openStore(`sqlite:${join(product.folder, 'zhongkong.db')}`, { now: () => product.clock.wall() });
  try {
    const keys = await openMasterKeys(source, store.directory);
    const clock = new HurriedClock();
    const rotated = await rotateMasterKey({
      keys,
      ownKeyFile: source.masterKeyFile,
      store,
      clock,
      holder: 'test',
      progress: () => undefined,
    });

    // All are due once it is back, which it is right after it was asked in vain: the next question is 5 s away.
    const seconds = 7200 - 600;
    product.simulator.clock.advance(seconds * 1000);
    product.clock.shift(seconds * 1000);
    const before = refusedPings;
    await until(
      async () => refusedPings,
      (pings) => pings > before,
    );
    isAway = false;
    const bodies = async () => (await Promise.all(IDS.map((id) => store.credentials.list(id)))).map(([one]) => one);
    const refreshed = await until(bodies, (all) => all.every((one) => one?.generation === 2));
    for (const one of refreshed) {
      expect(one?.body).toContain(`v1.${rotated.to}.`);
      expect(one?.body).not.toContain(`v1.${rotated.from}.`);
    }
  } finally {
    await store.close();
  }
});
