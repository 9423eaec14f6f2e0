/** A store that is a restored copy, or was moved: nothing is issued from it by any way, and what is served stays true. */

import { describe, expect, test } from 'vitest';
import { type Suspension, suspensionOf } from '../../src/core/standing.ts';
import { LEASE_MS, type Node, World } from '../helpers/world.ts';

const MINUTE = 60_000;

function of(state: 'dormant' | 'moved' | 'moving'): Suspension {
  const move = { since: 0, run: 'r', to: 'elsewhere', was: 'active' } as const;
  const suspension = suspensionOf(state === 'dormant' ? { state, since: 0, marked: true } : { state, ...move });
  if (!suspension) throw new Error(`${state} suspends nothing`);
  return suspension;
}

const issues = ({ model }: World): number => model.calls.classic + model.calls.stable + model.calls.forced;

const WAYS: readonly (readonly [name: string, go: (node: Node, world: World) => Promise<unknown>])[] = [
  ['a read in the refresh window', (node) => node.read('app', 7_200_000)],
  ['an order', async (node) => node.keeper.refresh(await node.target(), 5000)],
  ['the leak procedure', async (node) => node.keeper.revokeLeaked(await node.target(), 'leaked')],
  ['the due queue', (node) => node.tick()],
  [
    'a report of a dead value',
    async (node, { model }) => {
      const { value } = await node.read();
      model.revoke(value);
      return node.report(value);
    },
  ],
  [
    'work that was claimed just before',
    async (node) => {
      const { claim } = node.store.due;
      const claimed = await claim.call(node.store.due, 'node-1', LEASE_MS, 10);
      node.suspend(of('dormant'));
      for (const one of claimed) await node.keeper.work(await node.target(), one, Number.POSITIVE_INFINITY);
    },
  ],
];

describe.each(['classic', 'stable'] as const)('%s', (mode) => {
  test.each(WAYS)('a dormant store issues nothing by %s, and does once it is active', async (name, go) => {
    const world = await World.create({ mode });
    const { clock, first } = world;
    await first.read();
    // In the window of both chains.
    await clock.advance(7_200_000 - 100_000);
    const before = issues(world);
    if (name !== 'work that was claimed just before') first.suspend(of('dormant'));
    await go(first, world).catch((error: unknown) => expect(error).toMatchObject({ code: 'issuing_suspended' }));
    await clock.advance(1000);
    expect(issues(world)).toBe(before);

    first.suspend(null);
    first.keeper.dropAll();
    await clock.advance(LEASE_MS);
    await first.tick();
    expect(issues(world)).toBeGreaterThan(before);
  });
});

test('a dormant store with nothing usable says why, at once', async () => {
  const { first } = await World.create();
  first.suspend(of('dormant'));
  await expect(first.read()).rejects.toMatchObject({
    code: 'issuing_suspended',
    advice: { en: expect.stringContaining('restore --activate') },
  });
});

test('a dormant store may ask whether a value still works: a dead one is not handed out again', async () => {
  const { first, model } = await World.create();
  const { value } = await first.read();
  first.suspend(of('dormant'));
  model.rogue('classic');
  model.rogue('classic');
  expect(await first.report(value)).toMatchObject({ credential: null });
  expect(model.calls.probe).toBe(1);
  await expect(first.read()).rejects.toMatchObject({ code: 'issuing_suspended' });
});

test('a store that is being moved serves on, and a report waits for no lease', async () => {
  const { first, clock } = await World.create();
  const { value } = await first.read();
  first.suspend(of('moving'));
  await first.store.credentials.acquire((await first.target()).id, 'mover', 1e12);
  await clock.advance(110 * MINUTE);
  expect(await first.read()).toMatchObject({ value });
  expect(await first.report(value)).toMatchObject({ outcome: 'unverified', credential: { value } });
});

test('a server on a store that was moved hands out no value that the new one may have killed', async () => {
  const world = await World.create();
  const { clock, first, model } = world;
  const { value } = await first.read();
  await clock.advance(60 * MINUTE);
  first.keeper.upToDate(first.time.now());
  first.suspend(of('moved'));
  // The other store keeps it from here on: it refreshes when that is planned.
  const other = world.node();
  other.start();
  let served = 0;
  let refused = 0;
  for (let minute = 0; minute < 65; minute += 1) {
    await clock.advance(MINUTE);
    const got = await first.read().catch((error: unknown) => {
      expect(error).toMatchObject({ code: 'issuing_suspended' });
      return null;
    });
    if (got === null) refused += 1;
    else {
      served += 1;
      expect(model.accepts(got.value)).toBe(true);
      // What blind caching is told holds as well.
      await clock.advance(Math.max(0, got.expiresInMs - 1));
      expect(model.accepts(got.value)).toBe(true);
    }
    const peeked = first.keeper.peek(await first.target());
    if (peeked) expect(model.accepts(peeked.value)).toBe(true);
  }
  expect(served).toBeGreaterThan(0);
  expect(refused).toBeGreaterThan(0);
  expect(model.accepts(value)).toBe(false);
  await other.stop();
});
