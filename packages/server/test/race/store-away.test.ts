/** The store stumbles at every step of a refresh, or goes away for long: nothing issued is lost, and memory serves on. */

import { expect, test } from 'vitest';
import { ZhongkongError } from '../../src/core/errors.ts';
import { watchfully } from '../helpers/watchful.ts';
import { LEASE_MS, World } from '../helpers/world.ts';

const MINUTE = 60_000;
const away = new ZhongkongError('store_unavailable', 'the store did not answer');

for (const mode of ['classic', 'stable'] as const) {
  test(`${mode}: the store fails at the commit and stays away past the lease: memory serves the value, and it is stored later`, async () => {
    const world = await World.create({ mode });
    const { clock, first, model } = world;
    first.start();
    await clock.until(first.read());
    await clock.advance(mode === 'classic' ? 103 * MINUTE : 114 * MINUTE);
    const before = model.issues[mode].length;
    let away = false;
    first.store.fault = (method) => {
      if (method === 'write' && model.issues[mode].length > before) away = true;
      return away ? 'fail' : null;
    };
    const seen = await watchfully(world, [first], 10 * MINUTE, 1000);
    expect(seen).toMatchObject({ refused: [], failed: [], waited: 0, broken: [] });
    expect(seen.values).toEqual([`app-${mode}-1`, `app-${mode}-2`]);
    expect((await first.stored())?.current?.value).toBe(`app-${mode}-1`);
    away = false;
    first.store.fault = () => null;
    await clock.advance(LEASE_MS + 5000);
    expect((await first.stored())?.current?.value).toBe(`app-${mode}-2`);
    expect((await first.read()).value).toBe(`app-${mode}-2`);
    expect(model.issues[mode]).toHaveLength(2);
  });
}

test('a commit that stumbles is tried again under the same lease', async () => {
  const world = await World.create();
  const { clock, first, model } = world;
  let writes = 0;
  // 1 = intent; 2, 3 = the commit, twice.
  first.store.fault = (method) => (method === 'write' && (++writes === 2 || writes === 3) ? 'fail' : null);
  expect((await clock.until(first.read())).generation).toBe(1);
  expect((await first.stored())?.generation).toBe(1);
  expect(model.calls.classic).toBe(1);
});

test('the store comes back shortly before the lease ends: the value is stored under it, and nobody has to take it for lost', async () => {
  const world = await World.create();
  const { clock, first, model } = world;
  const backAt = clock.monotonic() + LEASE_MS - 2000;
  let writes = 0;
  first.store.fault = (method) => (method === 'write' && ++writes > 1 && clock.monotonic() < backAt ? 'fail' : null);
  const flight = first.tick();
  await clock.advance(1000);
  const second = world.node();
  second.start();
  await clock.until(flight);
  await clock.advance(LEASE_MS);
  expect(await first.stored()).toMatchObject({ generation: 1, unknownOutcomes: 0 });
  expect(second.events.count('lease.taken_over')).toBe(0);
  expect(model.calls.classic).toBe(1);
  // Once a second at most, while it lasts.
  expect(writes).toBeLessThan(LEASE_MS / 1000 + 8);
});

test('a commit whose acknowledgement is lost is not made twice', async () => {
  const world = await World.create();
  const { clock, first, model } = world;
  let writes = 0;
  first.store.fault = (method) => (method === 'write' && ++writes === 2 ? 'lose' : null);
  expect((await clock.until(first.read())).generation).toBe(1);
  expect(await first.stored()).toMatchObject({ generation: 1, unknownOutcomes: 0 });
  expect(model.calls.classic).toBe(1);
});

for (const [mode, writes] of [
  ['classic', 2],
  ['stable', 1],
] as const) {
  test(`${mode}: what an issue brings is stored and the lease given back in one write`, async () => {
    const world = await World.create({ mode });
    const { clock, first } = world;
    await clock.until(first.read());
    expect(first.store.count('write')).toBe(writes);
    expect(first.store.count('release')).toBe(0);
    // Nobody's lease runs out, and nobody waits for one.
    const { id } = await first.target();
    expect(await first.store.credentials.acquire(id, 'second', LEASE_MS)).toMatchObject({ lease: { takenOver: false } });
  });
}

test('only the last save fails: the value is stored already, and who started the procedure hears of no trouble', async () => {
  const world = await World.create();
  const { clock, first } = world;
  await clock.until(first.read());
  let writes = 0;
  // 1 = intent, 2 = the first new value, 3 = when the next is wanted.
  first.store.fault = (method) => (method === 'write' && ++writes === 3 ? 'fail' : null);
  const record = await clock.until(first.keeper.revokeLeaked(await first.target(), 'leak'));
  expect(writes).toBe(3);
  expect(record).toMatchObject({ generation: 2, leak: { confirmedIssues: 1 } });
  expect(await first.stored()).toMatchObject({ generation: 2, leak: { confirmedIssues: 1 } });
});

test('the intent cannot be stored: nothing is sent', async () => {
  const world = await World.create();
  const { clock, first, upstream } = world;
  first.store.fault = (method) => (method === 'write' ? 'fail' : null);
  await expect(clock.until(first.read())).rejects.toMatchObject({ code: 'store_unavailable' });
  expect(upstream.sent).toBe(0);
});

test('an unsaved value after a lost answer: others count two of them and issue at once, so it is told to live its grace', async () => {
  const world = await World.create();
  const { clock, first, model, upstream } = world;
  await clock.until(first.read());
  first.start();
  let away = false;
  let asked = 0;
  upstream.fate = ({ path }) => (path === '/classic' && ++asked === 1 ? 'vanish' : 'reply');
  first.store.fault = (method) => {
    if (method === 'write' && model.issues.classic.length > 1) away = true;
    return away ? 'fail' : null;
  };
  await clock.advance(110 * MINUTE);
  const { value, expiresInMs } = await first.read();
  expect(value).toBe(model.issues.classic.at(-1)?.value);
  expect(model.issues.classic).toHaveLength(2);
  expect(expiresInMs).toBeLessThanOrEqual(5 * MINUTE);
});

test('another node wrote since: an unsaved value gives way to the stored one', async () => {
  const world = await World.create();
  const { clock, first, model } = world;
  const second = world.node();
  await first.read();
  await clock.advance(106 * MINUTE);
  let away = false;
  first.store.fault = (method) => {
    if (method === 'write' && model.issues.classic.length > 1) away = true;
    return away ? 'fail' : null;
  };
  const stuck = first.tick();
  await clock.advance(LEASE_MS + 1000);
  await stuck;
  expect((await first.read()).value).toBe('app-classic-2');
  // It finds the intent, waits the grace out, and issues.
  second.start();
  await clock.advance(5 * MINUTE);
  expect((await second.read()).value).toBe('app-classic-3');
  first.store.fault = () => null;
  await first.watcher.poll();
  first.keeper.dropAll();
  expect((await first.read()).value).toBe('app-classic-3');
  await clock.advance(2 * MINUTE);
  expect((await first.stored())?.current?.value).toBe('app-classic-3');
});

test('the store is away inside the window: reads go on from memory, and nobody storms it', async () => {
  const world = await World.create();
  const { clock, first } = world;
  const { value } = await first.read();
  await clock.advance(106 * MINUTE);
  first.store.fault = () => 'fail';
  const before = first.store.count('acquire');
  const target = await first.target();
  for (let reads = 0; reads < 1000; reads += 1) {
    expect(first.keeper.peek(target)?.value).toBe(value);
    await clock.advance(10);
  }
  expect(first.store.count('acquire') - before).toBeLessThanOrEqual(11);
});

test('something changed, and then the store went away: the last look serves, told a short life once others may refresh', async () => {
  const world = await World.create();
  const { clock, first } = world;
  first.start();
  const { value } = await clock.until(first.read());
  await clock.advance(MINUTE);
  first.keeper.dropAll();
  first.store.fault = () => 'fail';
  await first.stop();
  expect((await clock.until(first.read())).value).toBe(value);
  expect(first.keeper.peek(await first.target())).toBeNull();
  // No word from the store since before the planned refresh: another node may have made it.
  await clock.advance(113 * MINUTE);
  const served = await clock.until(first.read());
  expect(served).toMatchObject({ value, expiresInMs: 10_000 });
});

test('something changed and cannot be read: the last look is told to live as long as that change leaves it', async () => {
  const world = await World.create();
  const { clock, first, model } = world;
  const second = world.node();
  const lookAround = async (): Promise<void> => {
    const at = second.time.now();
    await second.watcher.poll();
    second.keeper.upToDate(at);
  };
  await lookAround();
  const { value } = await second.read();
  await clock.advance(104 * MINUTE);
  first.start();
  await clock.advance(2 * MINUTE);
  expect(model.issues.classic).toHaveLength(2);
  await lookAround();
  second.store.fault = () => 'fail';
  const served = await clock.until(second.read());
  expect(served.value).toBe(value);
  expect(served.expiresAt).toBeLessThanOrEqual(model.diesAt(value));
});

test('a value that nobody else has heard of is told to live as long as the others leave it if its node dies', async () => {
  const world = await World.create();
  const { clock, first, model } = world;
  first.start();
  await clock.until(first.read());
  await clock.advance(103 * MINUTE);
  first.store.fault = (method) => (method === 'write' && model.issues.classic.length > 1 ? 'fail' : null);
  await clock.advance(3 * MINUTE);
  const served = await first.read();
  expect(served.value).toBe('app-classic-2');
  // Its node is dead from here on, and its value was never stored.
  first.store.fault = () => 'fail';
  world.node().start();
  await clock.advance(10 * MINUTE);
  expect(model.issues.classic.length).toBeGreaterThan(2);
  expect(served.expiresAt).toBeLessThanOrEqual(model.diesAt('app-classic-2'));
});

test('answered after a pause, with the store away: the value is told to live as long as a taker would have left it', async () => {
  const world = await World.create();
  const { clock, first, model } = world;
  const second = world.node();
  await first.read();
  await clock.advance(110 * MINUTE);
  const at = first.time.now();
  await first.watcher.poll();
  first.keeper.upToDate(at);
  let resume = (): void => undefined;
  const resumed = new Promise<void>((resolve) => {
    resume = resolve;
  });
  // The value is there, and the process stops before it is stored; what it sends then meets a store that is away.
  first.store.fault = (method) => (method === 'write' && model.issues.classic.length > 1 ? resumed.then(() => Promise.reject(away)) : null);
  const flight = first.tick();
  await clock.advance(0);
  second.start();
  await clock.advance(7 * MINUTE);
  expect(model.issues.classic).toHaveLength(3);
  first.store.fault = () => 'fail';
  resume();
  await clock.until(flight);
  const served = await clock.until(first.read());
  expect(served.value).toBe('app-classic-2');
  expect(served.expiresAt).toBeLessThanOrEqual(Math.max(model.diesAt('app-classic-2'), first.time.now() + 10_000));
});

test('the store hangs: a caller gets what memory has when its patience ends', async () => {
  const world = await World.create();
  const { clock, first } = world;
  const { value } = await first.read();
  first.keeper.dropAll();
  first.store.fault = () => new Promise(() => undefined);
  // It may have been replaced: nothing tells otherwise until the store can be asked.
  expect(await clock.until(first.read())).toMatchObject({ value, state: 'suspect' });
  first.store.fault = () => null;
  first.keeper.dropAll();
  expect(await clock.until(first.read())).toMatchObject({ value, state: 'fresh' });
});

test('stopping ends: who waits for another node gives up, what is in the air lands', async () => {
  const world = await World.create();
  const { clock, first, upstream } = world;
  const second = world.node();
  upstream.hold();
  const holding = first.read();
  await clock.advance(0);
  const waiting = second.read();
  await clock.advance(200);
  const stopped = second.stop();
  await expect(clock.until(waiting)).rejects.toMatchObject({ code: 'deadline_exceeded' });
  await clock.until(stopped);
  const landed = first.stop();
  upstream.held[0]?.reply();
  await clock.until(landed);
  expect((await holding).generation).toBe(1);
  expect((await first.stored())?.generation).toBe(1);
});

test('a claim that comes back after the stop is given back at once', async () => {
  const world = await World.create();
  const { clock, first, upstream } = world;
  let go = (): void => undefined;
  first.store.fault = (method) =>
    method === 'claim'
      ? new Promise<void>((resolve) => {
          go = resolve;
        })
      : null;
  first.start();
  await clock.advance(0);
  const stopped = first.stop();
  go();
  await clock.until(stopped);
  expect(upstream.sent).toBe(0);
  const second = world.node();
  expect(await second.tick()).toBe(1);
});

test('a claim that comes back after the stop was a takeover: the next holder still learns that it is one', async () => {
  const world = await World.create();
  const { clock, first } = world;
  const { id } = await first.target();
  await first.store.credentials.acquire(id, 'paused', LEASE_MS);
  await clock.advance(LEASE_MS);
  let go = (): void => undefined;
  first.store.fault = (method) =>
    method === 'claim'
      ? new Promise<void>((resolve) => {
          go = resolve;
        })
      : null;
  first.start();
  await clock.advance(0);
  const stopped = first.stop();
  go();
  await clock.until(stopped);
  await clock.advance(LEASE_MS);
  const second = world.node();
  expect(await second.tick()).toBe(1);
  expect(second.events.count('lease.taken_over')).toBe(1);
});

test('a takeover whose first write fails: the next holder still learns that it is one', async () => {
  const world = await World.create();
  const { clock, first } = world;
  const { id } = await first.target();
  await first.store.credentials.acquire(id, 'paused', LEASE_MS);
  await clock.advance(LEASE_MS);
  first.store.fault = (method) => (method === 'write' ? 'fail' : null);
  await clock.until(first.tick());
  await clock.advance(LEASE_MS);
  const second = world.node();
  expect(await second.tick()).toBe(1);
  expect(second.events.count('lease.taken_over')).toBe(1);
});

test('nothing usable before it, and the store takes neither the value nor a word: it is told to live as if others issued at once', async () => {
  const world = await World.create({ mode: 'classic' });
  const { clock, first, model } = world;
  await first.read();
  await clock.advance(10 * MINUTE);
  model.rogue('classic');
  model.rogue('classic');
  const before = model.issues.classic.length;
  let isAway = false;
  first.store.fault = (method) => {
    if (method === 'write' && model.issues.classic.length > before) isAway = true;
    return isAway ? 'fail' : null;
  };
  const target = await first.target();
  const reported = first.keeper.report(target, 'app-classic-1', 60_000).catch(() => null);
  await clock.advance(LEASE_MS + 1000);
  await clock.until(reported);
  const served = first.keeper.peek(target) ?? (await clock.until(first.read()));
  expect(served.value).not.toBe('app-classic-1');
  // Whoever takes the lease over finds a dead value, and replaces ours at once: it lives on for one grace.
  expect(served.expiresInMs).toBeLessThan(5 * MINUTE);
});
