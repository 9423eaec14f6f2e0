/** Promise 4 as a property: for any lives, jitters, latencies and lost calls, a told lifetime stays true. */

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { seededRandom } from '../helpers/plain.ts';
import { watchfully } from '../helpers/watchful.ts';
import { World } from '../helpers/world.ts';

const day = fc.record({
  mode: fc.constantFrom('classic' as const, 'stable' as const),
  lifetimeMs: fc
    .oneof({ weight: 5, arbitrary: fc.integer({ min: 20, max: 2000 }) }, { weight: 1, arbitrary: fc.constant(7200) })
    .map((seconds) => seconds * 1000),
  seed: fc.nat(),
  latencyMs: fc.constantFrom(0, 80, 1500, 4000),
  /** The how-manieth issue is answered with errcode -1, refused, or lost. */
  troubles: fc.array(
    fc.record({ call: fc.integer({ min: 2, max: 12 }), fate: fc.constantFrom('refuse' as const, 'lose' as const, 'vanish' as const) }),
    {
      maxLength: 2,
    },
  ),
});

test('told lifetimes are true while only planned refreshes and single lost answers happen', { timeout: 60_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(day, async ({ mode, lifetimeMs, seed, latencyMs, troubles }) => {
      // A stable value of a shorter life is in its hand-over all the time, where every call rotates.
      fc.pre(mode === 'classic' || lifetimeMs >= 900_000);
      const world = await World.create({ mode, random: seededRandom(seed) });
      const { clock, first, model, upstream } = world;
      const second = world.node();
      model.lifetimeMs = lifetimeMs;
      upstream.latencyMs = latencyMs;
      let calls = 0;
      upstream.fate = ({ path }) => {
        if (path === '/probe') return 'reply';
        calls += 1;
        return troubles.find(({ call }) => call === calls)?.fate ?? 'reply';
      };
      first.start();
      second.start();
      await clock.until(Promise.all([first.read(), second.read()]));
      const seen = await watchfully(world, [first, second], lifetimeMs * 3, Math.max(1000, lifetimeMs / 40));
      await clock.until(Promise.all([first.stop(), second.stop()]));
      expect(seen.broken).toEqual([]);
      // What is served without a doubt works; another node hears of a commit within two seconds.
      expect(seen.refused.filter(({ state }) => state === 'fresh')).toEqual([]);
    }),
    { numRuns: 25, seed: 20260301, endOnFailure: true },
  );
});

test('the time is measured better while an issue is in the air: its life is as uncertain as when it was sent', async () => {
  const world = await World.create();
  const { clock, first, model, upstream } = world;
  let go = (): void => undefined;
  first.store.fault = (method) =>
    method === 'now'
      ? new Promise<void>((resolve) => {
          go = resolve;
        })
      : null;
  const synced = first.time.sync();
  await clock.advance(1000);
  go();
  await synced;
  first.store.fault = () => null;
  upstream.hold('/classic');
  const reading = first.read();
  await clock.advance(0);
  await first.time.sync();
  expect(first.time.uncertaintyMs).toBe(0);
  upstream.held[0]?.reply();
  const { value } = await clock.until(reading);
  expect((await first.stored())?.current?.expiresAt).toBeLessThanOrEqual(model.diesAt(value));
});
