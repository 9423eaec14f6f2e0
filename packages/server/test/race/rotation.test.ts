/** An ordinary day, and days on which answers are lost: what a caller sees, second by second. */

import { expect, test } from 'vitest';
import { watchfully } from '../helpers/watchful.ts';
import { World } from '../helpers/world.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

for (const mode of ['classic', 'stable'] as const) {
  test(`${mode}: four hours on two nodes, each rotation one issue, no read waits, every told lifetime true`, async () => {
    const world = await World.create({ mode });
    const { first, model } = world;
    const second = world.node();
    first.start();
    second.start();
    await world.clock.until(first.read());
    await world.clock.until(second.read());
    const seen = await watchfully(world, [first, second], 4 * HOUR, 20_000);
    expect(seen).toMatchObject({ refused: [], failed: [], waited: 0, broken: [] });
    expect(seen.values).toHaveLength(3);
    expect(model.issues[mode]).toHaveLength(3);
    expect(model.calls.classic + model.calls.stable + model.calls.forced).toBe(3);
    expect(model.calls.probe).toBe(0);
  });
}

test('classic: a lost answer makes the current suspect at the end of its grace, and it is replaced in time', async () => {
  const world = await World.create();
  const { clock, first, upstream, model } = world;
  first.start();
  await clock.until(first.read());
  let lost = 0;
  upstream.fate = ({ path }) => (path === '/classic' && lost++ === 0 ? 'lose' : 'reply');
  const seen = await watchfully(world, [first], 2 * HOUR);
  expect(lost).toBe(2);
  expect(seen).toMatchObject({ refused: [], failed: [], waited: 0, broken: [] });
  expect(seen.values).toEqual(['app-classic-1', 'app-classic-3']);
  expect(model.issues.classic).toHaveLength(3);
  const [, second, third] = first.events.all('credential.committed').length === 2 ? model.issues.classic : [];
  // Asked again 270 s after the lost one: 30 s before the current could die.
  const apart = (third?.expiresAt ?? 0) - (second?.expiresAt ?? 0);
  expect(apart).toBeGreaterThanOrEqual(270_000);
  expect(apart).toBeLessThan(273_000);
  expect(first.events.count('refresh.outcome_unknown')).toBe(1);
});

test('classic: after a second lost answer the current is suspect at once, probed, found dead and replaced', async () => {
  const world = await World.create();
  const { clock, first, upstream } = world;
  first.start();
  await clock.until(first.read());
  let lost = 0;
  upstream.fate = ({ path }) => (path === '/classic' && lost++ < 2 ? 'lose' : 'reply');
  const seen = await watchfully(world, [first], 2 * HOUR);
  expect(seen.failed).toEqual([]);
  expect(seen.values).toEqual(['app-classic-1', 'app-classic-4']);
  // The second lost issue evicts it at once; a probe finds out within the same second.
  expect(seen.refused.every(({ state }) => state === 'suspect')).toBe(true);
  expect(seen.refused.length).toBeLessThanOrEqual(1);
  expect(first.events.all('credential.probed').map(({ verdict }) => verdict)).toEqual(['dead']);
});

test('classic: two lost calls that never reached WeChat cost nothing: the probe says alive, and it is served on', async () => {
  const world = await World.create();
  const { clock, first, upstream } = world;
  first.start();
  await clock.until(first.read());
  let lost = 0;
  upstream.fate = ({ path }) => (path === '/classic' && lost++ < 3 ? 'vanish' : 'reply');
  const seen = await watchfully(world, [first], 2 * HOUR);
  expect(seen).toMatchObject({ refused: [], failed: [], waited: 0, broken: [] });
  expect(seen.values).toEqual(['app-classic-1', 'app-classic-2']);
});

test('classic: short lives: a lost answer just before the end is asked again at the end, not after it', async () => {
  const world = await World.create();
  const { clock, first, upstream, model } = world;
  model.lifetimeMs = 300_000;
  first.start();
  await clock.until(first.read());
  let lost = 0;
  upstream.fate = ({ path }) => (path === '/classic' && lost++ === 0 ? 'vanish' : 'reply');
  const seen = await watchfully(world, [first], 10 * MINUTE);
  expect(seen).toMatchObject({ refused: [], failed: [], broken: [] });
});

for (const lifetimeMs of [1000, 5000, 60_000, 300_000, 600_000]) {
  for (const mode of ['classic', 'stable'] as const) {
    test(`${mode}: lives of ${lifetimeMs / 1000} s are served honestly and without a storm`, async () => {
      const world = await World.create({ mode });
      const { clock, first, model, upstream } = world;
      model.lifetimeMs = lifetimeMs;
      first.start();
      await clock.until(first.read());
      const seen = await watchfully(world, [first], 5 * MINUTE);
      expect(seen).toMatchObject({ refused: [], failed: [], broken: [] });
      expect(upstream.sent).toBeLessThanOrEqual(Math.ceil((5 * MINUTE) / Math.min(5000, lifetimeMs)) + 1);
    });
  }
}

test('a stable value that upstream does not replace in its window is asked about every 5 s, and at its end anew', async () => {
  const world = await World.create({ mode: 'stable' });
  const { clock, first, model } = world;
  first.start();
  await clock.until(first.read());
  // WeChat holds on to it until the very end.
  const [issue] = model.issues.stable;
  if (issue) issue.diesAt = issue.expiresAt;
  const rotate = model.stable.bind(model);
  model.stable = (secret, force) => {
    const left = (issue?.expiresAt ?? 0) - clock.wall();
    if (left <= 1000) return rotate(secret, force);
    model.calls.stable += 1;
    return { access_token: issue?.value, expires_in: Math.floor(left / 1000) };
  };
  const seen = await watchfully(world, [first], 2 * HOUR + MINUTE);
  expect(seen).toMatchObject({ refused: [], failed: [], broken: [] });
  expect(model.calls.stable).toBeLessThan(65);
  expect(first.events.count('credential.committed')).toBe(2);
});

test('a node without notifications looks at a suspect credential each second, and has the new one a second after its commit', async () => {
  const world = await World.create();
  const { clock, first, upstream, model } = world;
  const second = world.node();
  await first.read();
  let lost = 0;
  upstream.fate = ({ path }) => (path === '/classic' && lost++ === 0 ? 'lose' : 'reply');
  await clock.advance(105 * MINUTE);
  await first.tick();
  await second.read();
  // Refused once more when the grace is over, so that it stays suspect for a while.
  upstream.fate = ({ path }) => (path === '/classic' ? 'refuse' : 'reply');
  await clock.advance(271_000);
  await first.tick();
  expect((await second.read()).state).toBe('suspect');
  upstream.fate = () => 'reply';
  await clock.advance(5000);
  await first.tick();
  await clock.advance(1000);
  expect(model.accepts((await second.read()).value)).toBe(true);
});
