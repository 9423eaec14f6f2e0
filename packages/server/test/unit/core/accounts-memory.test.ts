/** What a refresher looks up on its way through all accounts must not push out of memory those that are read here. */

import { expect, test } from 'vitest';
import { World } from '../../helpers/world.ts';

test('looked up and not read: memory takes it in while it is not half full, and renews what it knew', async () => {
  const world = await World.create({ cacheSize: 4 });
  const other = world.node();
  const { accounts } = world.node();
  for (const id of ['a', 'b', 'c', 'd', 'e']) await world.add(other, id);
  const known = (): readonly string[] => ['a', 'b', 'c', 'd', 'e'].filter((id) => accounts.cached(id));
  for (const id of ['a', 'b', 'c']) expect(await accounts.fresh(id)).toMatchObject({ id });
  expect(known()).toEqual(['a', 'b']);
  await accounts.get('c');
  await accounts.get('d');
  for (const id of ['a', 'b', 'e']) await accounts.fresh(id);
  expect(known()).toEqual(['a', 'b', 'c', 'd']);
  await other.accounts.update('c', { note: 'changed' }, 'test');
  await accounts.fresh('c');
  expect(accounts.cached('c')).toMatchObject({ note: 'changed' });
});
