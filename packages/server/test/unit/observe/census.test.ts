/** The census knows so many accounts and no more: what it takes of memory does not grow with the installation. */

import { expect, test } from 'vitest';
import { EventBus } from '../../../src/core/events.ts';
import { Census } from '../../../src/observe/census.ts';

const id = (account: string) => ({ account, kind: 'access_token', chain: 'stable' });

test('of more accounts than it may know, those seen last are counted', () => {
  const bus = new EventBus();
  const census = new Census(bus, 3);
  for (const account of ['a', 'b', 'c']) bus.emit({ type: 'credential.state', id: id(account), from: 'missing', to: 'fresh' });
  bus.emit({ type: 'credential.state', id: id('a'), from: 'fresh', to: 'due' });
  bus.emit({ type: 'credential.state', id: id('d'), from: 'missing', to: 'fresh' });
  expect([...census.all()].map((seen) => seen.id.account)).toEqual(['c', 'a', 'd']);
  expect(Object.fromEntries(census.byState())).toEqual({ due: 1, fresh: 2 });
});
