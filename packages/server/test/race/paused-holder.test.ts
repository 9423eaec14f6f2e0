/** A holder that is stopped in the middle, outlives its lease, and goes on: at every place where it can be stopped. */

import { expect, test } from 'vitest';
import { watchfully } from '../helpers/watchful.ts';
import { LEASE_MS, World } from '../helpers/world.ts';

const MINUTE = 60_000;

/** A world whose one value is inside its refresh window, with a second node. */
async function due(mode: 'classic' | 'stable' = 'classic') {
  const world = await World.create({ mode });
  const second = world.node();
  await world.first.read();
  await world.clock.advance(110 * MINUTE);
  if (mode === 'stable') await world.clock.advance(6 * MINUTE);
  return { world, second, ...world, first: world.first, clock: world.clock, upstream: world.upstream, model: world.model };
}

test('stopped before its intent: it finds the lease gone and sends nothing', async () => {
  const { first, second, clock, upstream, model } = await due();
  let go = (): void => undefined;
  const stopped = new Promise<void>((resolve) => {
    go = resolve;
  });
  let intents = 0;
  first.store.fault = (method) => (method === 'write' && intents++ === 0 ? stopped : null);
  const flight = first.tick();
  await clock.advance(LEASE_MS);
  await clock.until(second.tick());
  expect(model.calls.classic).toBe(2);
  go();
  await clock.until(flight);
  expect(model.calls.classic).toBe(2);
  expect(first.events.count('commit.stale')).toBe(1);
  expect((await first.read()).value).toBe('app-classic-2');
  expect(upstream.sent).toBe(2);
});

test('stopped between intent and sending: the last look at the lease keeps it from sending', async () => {
  const { first, clock, model } = await due();
  let intents = 0;
  let go = (): void => undefined;
  first.store.fault = (method) => {
    if (method !== 'write' || intents++ > 0) return null;
    return new Promise<void>((resolve) => {
      go = resolve;
    });
  };
  const flight = first.tick();
  await clock.advance(0);
  // Nobody else took the lease meanwhile, so the intent is stored: only the clock tells.
  clock.jump(LEASE_MS - 4000);
  go();
  await clock.advance(0);
  expect(first.events.count('lease.lost')).toBe(1);
  expect(model.calls.classic).toBe(1);
  await clock.until(flight);
  expect(await first.stored()).toMatchObject({ intent: null, unknownOutcomes: 0, suspectFrom: null });
  await clock.until(first.tick());
  expect(model.calls.classic).toBe(2);
});

test('its intent is stored late, though within the lease: what others were told meanwhile would not hold, so nothing is sent', async () => {
  for (const [stoppedMs, calls] of [
    [9000, 2],
    [11_000, 1],
  ] as const) {
    const { first, clock, model } = await due();
    let go = (): void => undefined;
    let intents = 0;
    first.store.fault = (method) => {
      if (method !== 'write' || intents++ > 0) return null;
      return new Promise<void>((resolve) => {
        go = resolve;
      });
    };
    const flight = first.tick();
    await clock.advance(stoppedMs);
    go();
    await clock.until(flight);
    expect(model.calls.classic).toBe(calls);
    // At once again, with an intent of its own.
    await clock.until(first.tick());
    expect(model.calls.classic).toBe(2);
  }
});

test('an order whose holder was stopped is not carried out twice: what another node stored since is all that was wanted', async () => {
  const world = await World.create();
  const { first, clock, model } = world;
  const second = world.node();
  await first.read();
  await clock.advance(MINUTE);
  let go = (): void => undefined;
  let intents = 0;
  first.store.fault = (method) => {
    if (method !== 'write' || intents++ > 0) return null;
    return new Promise<void>((resolve) => {
      go = resolve;
    });
  };
  const ordered = first.keeper.refresh(await first.target(), 10 * MINUTE);
  await clock.advance(LEASE_MS + 1000);
  const other = await clock.until(second.keeper.refresh(await second.target(), 10_000));
  go();
  expect((await clock.until(ordered)).value).toBe(other.value);
  expect(model.calls.classic).toBe(2);
});

test('an order whose answer was lost while its holder was stopped is not sent again: that would end the current at once', async () => {
  const world = await World.create();
  const { first, clock, upstream, model } = world;
  const second = world.node();
  const { value } = await first.read();
  await clock.advance(MINUTE);
  upstream.hold('/classic');
  const ordered = first.keeper.refresh(await first.target(), 10 * MINUTE);
  const outcome = ordered.then(
    () => 'done',
    (error: unknown) => error,
  );
  await clock.advance(1000);
  const [slow] = upstream.held;
  upstream.fate = () => 'reply';
  await clock.advance(LEASE_MS + 1000);
  // The taker finds the intent, counts a lost answer, and leaves the current its grace.
  await clock.until(second.tick());
  expect(second.events.count('lease.taken_over')).toBe(1);
  slow?.vanish();
  await clock.advance(2000);
  expect(first.events.count('commit.stale')).toBe(1);
  expect(model.calls.classic).toBe(1);
  expect(await outcome).toMatchObject({ code: 'deadline_exceeded' });
  expect((await first.read()).value).toBe(value);
  // Its retry comes by itself, when the grace of the lost one is nearly over.
  first.start();
  await clock.advance(5 * MINUTE);
  expect(model.calls.classic).toBe(2);
});

test('stopped while sending, answered, and the taker only counted it as lost: its value is stored late, and the old one keeps its grace', async () => {
  const { first, second, clock, upstream, model } = await due();
  upstream.hold('/classic');
  const flight = first.tick();
  await clock.advance(1000);
  const [slow] = upstream.held;
  upstream.fate = () => 'reply';
  await clock.advance(LEASE_MS + 1000);
  await clock.until(second.tick());
  expect(second.events.count('lease.taken_over')).toBe(1);
  expect((await second.stored())?.unknownOutcomes).toBe(1);
  slow?.reply();
  await clock.until(flight);
  expect(model.issues.classic).toHaveLength(2);
  expect(await first.stored()).toMatchObject({ generation: 2, unknownOutcomes: 0, suspectFrom: null, intent: null });
  expect(first.events.count('credential.committed')).toBe(2);
  expect((await first.read()).value).toBe('app-classic-2');
  await clock.advance(5000);
  await clock.until(first.tick());
  expect(model.calls.classic).toBe(2);
});

test('stopped while sending, and answered after another committed: the stored one is suspect and issued again', async () => {
  const { world, first, second, clock, upstream, model } = await due();
  first.start();
  second.start();
  upstream.hold('/classic');
  await clock.advance(1000);
  const [slow] = upstream.held;
  expect(upstream.held).toHaveLength(1);
  upstream.fate = () => 'reply';
  // The other node takes over: the intent it finds counts as a lost answer, so it waits out the grace of that.
  await clock.advance(LEASE_MS + 2000);
  expect(model.calls.classic).toBe(1);
  const takers = [first, second].filter(({ events }) => events.count('lease.taken_over') > 0);
  expect(takers).toHaveLength(1);
  await clock.advance(4 * MINUTE);
  expect(model.calls.classic).toBe(2);
  // Only now does the first one arrive, and last wins.
  slow?.reply();
  await clock.advance(5000);
  expect(model.issues.classic).toHaveLength(4);
  const seen = await watchfully(world, [first, second], 30 * MINUTE);
  expect(seen).toMatchObject({ refused: [], failed: [], broken: [] });
  expect(seen.values).toEqual(['app-classic-4']);
});

test('the doubt that a lost race left is settled by the value issued after it, even when it was stored and the store failed to say so', async () => {
  const { first, second, clock, upstream, model } = await due();
  first.start();
  upstream.hold('/classic');
  await clock.advance(1000);
  const [slow] = upstream.held;
  upstream.fate = () => 'reply';
  await clock.advance(LEASE_MS + 5 * MINUTE);
  await clock.until(second.tick());
  expect(model.calls.classic).toBe(2);
  // Stale, and again: intent, and the value, which is stored without a word and then stored again.
  let writes = 0;
  first.store.fault = (method) => (method === 'write' && ++writes === 3 ? 'lose' : null);
  slow?.reply();
  await clock.advance(5000);
  expect(writes).toBe(4);
  const { classic } = model.calls;
  const { value } = await clock.until(first.read());
  await clock.advance(LEASE_MS + 10 * MINUTE);
  expect(model.calls.classic).toBe(classic);
  expect((await clock.until(first.read())).value).toBe(value);
});

test('stopped while sending, and claimed anew by the same process before its answer came: the value is stored late, nothing is issued again', async () => {
  const { first, clock, upstream, model } = await due();
  upstream.hold('/classic');
  const flight = first.tick();
  await clock.advance(1000);
  const [slow] = upstream.held;
  upstream.fate = () => 'reply';
  await clock.advance(LEASE_MS);
  // The same process claims it anew, and hears of that late; its last word reaches the store, and the answer is late.
  const gates: (() => void)[] = [];
  const answered = (): { answer: Promise<void> } => ({ answer: new Promise((resolve) => gates.push(resolve)) });
  const overtaken = (): boolean => first.events.count('commit.stale') > 0;
  first.store.fault = (method, [, , options]) =>
    method === 'claim' || (method === 'write' && overtaken() && (options as { release: boolean }).release) ? answered() : null;
  const claim = first.tick();
  await clock.advance(0);
  slow?.reply();
  await clock.advance(1000);
  expect(first.events.count('commit.stale')).toBe(1);
  gates.shift()?.();
  await clock.advance(5000);
  expect(model.issues.classic).toHaveLength(2);
  first.store.fault = () => null;
  for (const open of gates) open();
  await clock.until(Promise.all([flight, claim]));
  await clock.advance(MINUTE);
  expect(model.issues.classic).toHaveLength(2);
  expect(await first.stored()).toMatchObject({ generation: 2, unknownOutcomes: 0, intent: null });
});

test('the doubt that a lost race left is settled by a value that another node asked for later', async () => {
  const { first, second, clock, upstream, model } = await due();
  upstream.hold('/classic');
  const flight = first.tick();
  await clock.advance(1000);
  const [slow] = upstream.held;
  upstream.fate = () => 'reply';
  await clock.advance(LEASE_MS + 5 * MINUTE);
  await clock.until(second.tick());
  // Stale; and the store is away before the doubt can be written down.
  first.store.fault = (method) => (method === 'acquire' ? 'fail' : null);
  slow?.reply();
  await clock.until(flight);
  await clock.advance(MINUTE);
  expect(first.events.count('commit.stale')).toBe(1);
  await clock.until(second.keeper.refresh(await second.target(), 10_000));
  const { classic } = model.calls;
  first.store.fault = () => null;
  // The looks that the takeover owes make the first node work on it again.
  first.start();
  await clock.advance(10 * MINUTE);
  expect(model.calls.classic).toBe(classic);
  expect(first.events.count('credential.probed')).toBeGreaterThan(0);
});

test('stopped while sending, answered, and dead before its commit: the looks after the takeover find out within a minute', async () => {
  const { world, first, second, clock, upstream, model } = await due();
  second.start();
  upstream.hold('/classic');
  const flight = first.tick();
  await clock.advance(1000);
  const [slow] = upstream.held;
  upstream.fate = () => 'reply';
  await clock.advance(LEASE_MS + 5 * MINUTE);
  expect(model.issues.classic).toHaveLength(2);
  // It arrives after the taker's issue, and its process dies with the answer.
  slow?.arrive();
  void flight;
  const seen = await watchfully(world, [second], 20 * MINUTE);
  // Within the grace both work, so no probe can see it; after the grace nobody else would tell.
  const verdicts = second.events.all('credential.probed').map(({ verdict }) => verdict);
  expect(verdicts.filter((verdict) => verdict === 'dead')).toHaveLength(1);
  // Its looks go on with the value that replaced it.
  expect(verdicts.at(-1)).toBe('alive');
  expect(seen.refused.length).toBeLessThanOrEqual(60);
  expect(seen.failed).toEqual([]);
  expect(seen.values).toEqual(['app-classic-2', 'app-classic-4']);
});

test('the other order: the slow one arrives first, the taker last: nothing is lost', async () => {
  const { world, first, second, clock, upstream, model } = await due();
  first.start();
  second.start();
  upstream.hold('/classic');
  await clock.advance(1000);
  const slow = upstream.held[0]?.arrive();
  upstream.fate = () => 'reply';
  await clock.advance(LEASE_MS + 5 * MINUTE);
  expect(model.issues.classic).toHaveLength(3);
  slow?.reply();
  // Which of the two WeChat took last cannot be known, so this order costs an issue, too.
  await clock.advance(5000);
  const seen = await watchfully(world, [first, second], 30 * MINUTE);
  expect(seen).toMatchObject({ refused: [], failed: [], broken: [] });
  expect(model.issues.classic).toHaveLength(4);
});

test('the failing order: the slow one is lost after the taker committed: nothing more is issued', async () => {
  const { world, first, second, clock, upstream, model } = await due();
  first.start();
  second.start();
  upstream.hold('/classic');
  await clock.advance(1000);
  const [slow] = upstream.held;
  upstream.fate = () => 'reply';
  await clock.advance(LEASE_MS + 5 * MINUTE);
  slow?.vanish();
  const seen = await watchfully(world, [first, second], 30 * MINUTE);
  expect(seen).toMatchObject({ refused: [], failed: [], broken: [] });
  expect(model.issues.classic).toHaveLength(2);
  // The takeover owes some looks at the new value.
  expect(model.calls.probe).toBe(12);
});

test('stable: a paused holder does no harm: both asked for the same value', async () => {
  const { world, first, second, clock, upstream, model } = await due('stable');
  first.start();
  second.start();
  upstream.hold('/stable');
  await clock.advance(1000);
  const [slow] = upstream.held;
  upstream.fate = () => 'reply';
  await clock.advance(LEASE_MS + 5000);
  slow?.reply();
  const seen = await watchfully(world, [first, second], 30 * MINUTE);
  expect(seen).toMatchObject({ refused: [], failed: [], broken: [] });
  expect(seen.values).toEqual(['app-stable-2']);
  expect(model.issues.stable).toHaveLength(2);
});
