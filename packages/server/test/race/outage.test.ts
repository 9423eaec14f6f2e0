/** WeChat is away, refuses, or has no quota left: what callers get, how hard we knock, and that we come back. */

import { expect, test } from 'vitest';
import { watchfully } from '../helpers/watchful.ts';
import { World } from '../helpers/world.ts';

const MINUTE = 60_000;

for (const mode of ['classic', 'stable'] as const) {
  for (const how of ['errcode -1', 'connection refused'] as const) {
    test(`${mode}, ${how} over a whole window: served to the very end, then unavailable with the cause, back within the backoff`, async () => {
      const world = await World.create({ mode });
      const { clock, first, model, upstream } = world;
      first.start();
      const { value } = await clock.until(first.read());
      await clock.advance(100 * MINUTE);
      if (how === 'errcode -1') model.errcode = -1;
      else upstream.fate = () => 'refuse';
      const seen = await watchfully(world, [first], 25 * MINUTE, 5000);
      expect(seen).toMatchObject({ refused: [], waited: 0, broken: [] });
      expect(seen.values).toEqual([value]);
      expect(seen.failed.length).toBe(60);
      expect(new Set(seen.failed.map(({ code }) => code))).toEqual(new Set(['credential_unavailable']));
      // 900 or 295 s at 30 to 36 s, and five minutes more.
      expect(upstream.sent).toBeLessThan(50);
      model.errcode = null;
      upstream.fate = () => 'reply';
      await clock.advance(37_000);
      expect(model.accepts((await first.read()).value)).toBe(true);
      expect(first.events.count('refresh.recovered')).toBe(1);
    });
  }
}

test('classic: answers lost over a whole window: nothing better exists, so the current is served as suspect until a probe says dead', async () => {
  const world = await World.create();
  const { clock, first, upstream, model } = world;
  first.start();
  await clock.until(first.read());
  await clock.advance(100 * MINUTE);
  upstream.fate = () => 'vanish';
  const seen = await watchfully(world, [first], 15 * MINUTE, 5000);
  expect(seen).toMatchObject({ refused: [], failed: [], waited: 0 });
  expect((await first.read()).state).toBe('suspect');
  upstream.fate = () => 'reply';
  await clock.advance(37_000);
  expect((await first.read()).state).toBe('fresh');
  expect(model.issues.classic).toHaveLength(2);
});

test('upstream says the day is used up (45009): it is asked once an hour, and past midnight in Beijing', async () => {
  const world = await World.create();
  const { clock, first, model } = world;
  first.start();
  await clock.until(first.read());
  model.errcode = 45009;
  await clock.advance(13 * 60 * MINUTE);
  // Refused first after 105 min; then after 10, 30 and each 60 min, all of them up to a fifth later.
  expect(model.calls.classic).toBeGreaterThanOrEqual(12);
  expect(model.calls.classic).toBeLessThanOrEqual(15);
  await clock.advance(3 * 60 * MINUTE);
  const refused = model.calls.classic;
  model.errcode = null;
  // 08:00 + 16 h: the new day begins now, and we ask a minute or two into it.
  await clock.advance(2 * MINUTE);
  expect(model.calls.classic).toBe(refused + 1);
  expect((await first.read()).value).toBe('app-classic-2');
});

test('our own count of the day is used up: in use it waits, spread, for midnight; unusable, upstream is asked all the same', async () => {
  const limits = {
    issuesPerDay: 3,
    scheduledReserve: 1,
    callsPerMinute: 10_000,
    forcedPerDay: 20,
    forcedLeakReserve: 4,
    forcedSpacingMs: 30_000,
  };
  const world = await World.create({ chain: { limits } });
  const { clock, first, model } = world;
  first.start();
  await clock.until(first.read());
  await first.keeper.refresh(await first.target(), 1000);
  // The last one is kept for what is due by itself.
  await expect(first.keeper.refresh(await first.target(), 1000)).rejects.toMatchObject({ code: 'refresh_budget_exhausted' });
  await clock.advance(115 * MINUTE);
  expect(model.calls.classic).toBe(3);
  const seen = await watchfully(world, [first], 120 * MINUTE, 10_000);
  expect(seen).toMatchObject({ refused: [], failed: [], broken: [] });
  expect(model.calls.classic).toBe(4);
  expect(first.events.count('refresh.budget_exhausted')).toBeLessThan(5);
});

test('the minute is used up: asked again in the next', async () => {
  const limits = {
    issuesPerDay: 2000,
    scheduledReserve: 100,
    callsPerMinute: 1,
    forcedPerDay: 20,
    forcedLeakReserve: 4,
    forcedSpacingMs: 30_000,
  };
  const world = await World.create({ mode: 'stable', chain: { limits } });
  const { clock, first } = world;
  await first.read();
  await expect(first.keeper.refresh(await first.target(), 1000)).rejects.toMatchObject({ code: 'refresh_budget_exhausted' });
  await clock.advance(MINUTE);
  expect((await first.keeper.refresh(await first.target(), 1000)).generation).toBe(2);
});

test('a fault of ours does not spin: the due queue comes back in a minute', async () => {
  const world = await World.create({
    chain: {
      parseIssue: () => {
        throw new TypeError('a bug');
      },
    },
  });
  const { clock, first, upstream } = world;
  first.start();
  await clock.advance(10 * MINUTE);
  expect(upstream.sent).toBeLessThanOrEqual(11);
  expect(first.events.count('internal.error')).toBe(upstream.sent);
});

test('min_ttl: outside the window never an issue; inside it waits for one; with a failure backing off it gets what there is', async () => {
  const world = await World.create({ mode: 'classic' });
  const { clock, first, model } = world;
  await first.read();
  await clock.advance(60 * MINUTE);
  const outside = await first.read('app', 7_200_000);
  expect(outside).toMatchObject({ generation: 1, expiresInMs: (7200 - 900 - 30 + 260 - 3600) * 1000 });
  expect(model.calls.classic).toBe(1);
  await clock.advance(46 * MINUTE);
  expect(await first.read('app', 100_000)).toMatchObject({ generation: 1, state: 'due', expiresInMs: 260_000 });
  const wished = await clock.until(first.read('app', 600_000));
  expect(wished.generation).toBe(2);
  await clock.advance(106 * MINUTE);
  model.errcode = -1;
  expect((await clock.until(first.read('app', 600_000))).generation).toBe(2);
  const calls = model.calls.classic;
  expect((await first.read('app', 600_000)).generation).toBe(2);
  expect(model.calls.classic).toBe(calls);
});

test('the clock is set back: a life counted by the old clock is not believed, and spacings do not grow', async () => {
  const world = await World.create({ mode: 'stable' });
  const { clock, first, model } = world;
  await first.time.sync();
  await first.read();
  await clock.advance(10 * MINUTE);
  await first.time.sync();
  await first.keeper.refresh(await first.target(), 1000);
  const rememberedUntil = (await first.stored())?.current?.expiresAt ?? 0;
  clock.setBack(60 * MINUTE);
  await first.time.sync();
  expect(first.events.all('clock.jumped').at(0)?.byMs).toBe(-60 * MINUTE);
  await first.read();
  await clock.until(first.keeper.drain());
  expect((await first.stored())?.current?.expiresAt).toBe(rememberedUntil - 60 * MINUTE);
  const sent = model.calls.stable;
  await first.read();
  expect(model.calls.stable).toBe(sent);
  await clock.advance(31_000);
  expect((await first.keeper.refresh(await first.target(), 1000)).generation).toBe(3);
});

test('the store says due and our clock says not yet: the store is believed, nobody spins', async () => {
  const world = await World.create();
  const { clock, first, model } = world;
  await first.read();
  // The store's clock is stepped forward; our offset is measured again only every 30 s.
  clock.setBack(-2000);
  await clock.advance(104 * MINUTE + 28_500);
  const writes = first.store.count('write');
  expect(await first.tick()).toBe(1);
  expect(await first.tick()).toBe(0);
  expect(first.store.count('write') - writes).toBeLessThanOrEqual(3);
  expect(model.calls.classic).toBe(2);
});
