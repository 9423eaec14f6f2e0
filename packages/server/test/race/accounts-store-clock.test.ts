/** The store was away, and what came back has a clock that is behind: memory is believed for a second, not for an hour. */

import { expect, test } from 'vitest';
import type { Account } from '../../src/core/account.ts';
import { ZhongkongError } from '../../src/core/errors.ts';
import { World } from '../helpers/world.ts';

test('a failover to a server whose clock is an hour behind', async () => {
  const world = await World.create();
  const { accounts, time, directory } = world.node();
  const stored = (await accounts.get('app')) as Account;
  let now = time.now();
  let isAway = true;
  Object.assign(time, { now: () => now });
  Object.assign(directory, {
    account: () =>
      isAway ? Promise.reject(new ZhongkongError('store_unavailable', 'told to fail')) : Promise.resolve({ ...stored, enabled: false }),
  });
  accounts.dropAll();
  expect(await accounts.get('app')).toMatchObject({ enabled: true });
  isAway = false;
  now -= 3_600_000;
  expect(await accounts.get('app')).toMatchObject({ enabled: false });
});
