/** Our own write is on its way while another node writes: whatever is heard first, the later value stays. */

import { expect, test } from 'vitest';
import { ZhongkongError } from '../../src/core/errors.ts';
import { LEASE_MS, World } from '../helpers/world.ts';

const MINUTE = 60_000;

test('another node replaces what we stored before we hear that it was: we go on with theirs, and ask for nothing', async () => {
  const world = await World.create();
  const { clock, first, model } = world;
  const second = world.node();
  await first.read();
  await clock.advance(106 * MINUTE);
  let lost = 0;
  first.store.fault = (method, [, , options]) =>
    method === 'write' && (options as { release: boolean }).release && ++lost === 1 ? 'lose' : null;
  const flight = first.tick();
  await clock.advance(0);
  await clock.until(second.keeper.refresh(await second.target(), 10_000));
  await clock.until(flight);
  await clock.advance(10 * MINUTE);
  expect(lost).toBeGreaterThan(1);
  expect(first.events.count('commit.stale')).toBe(1);
  expect(model.calls.classic).toBe(3);
  expect((await clock.until(first.read())).value).toBe('app-classic-3');
});

test('a write hangs past its lease, and another node issues meanwhile: what the store did not take never comes back', async () => {
  for (const isRead of [true, false]) {
    const world = await World.create();
    const { clock, first, model } = world;
    const second = world.node();
    let fail = (): void => undefined;
    let writes = 0;
    first.store.fault = (method) =>
      method === 'write' && ++writes > 1
        ? new Promise<void>((_, reject) => (fail = () => reject(new ZhongkongError('store_unavailable', 'no answer'))))
        : null;
    const flight = first.read().catch((error: unknown) => error);
    await clock.advance(0);
    await first.watcher.poll();
    await clock.advance(LEASE_MS + 500);
    const { value } = await clock.until(second.read());
    await first.watcher.poll();
    if (isRead) expect((await first.read()).value).toBe(value);
    fail();
    await clock.until(flight);
    expect((await clock.until(first.read())).value).toBe(value);
    await clock.advance(6 * MINUTE);
    expect(model.accepts((await clock.until(first.read())).value)).toBe(true);
  }
});

test('the word of a change comes before the word of our own write: memory does not go back behind it', async () => {
  const world = await World.create();
  const { clock, first } = world;
  const second = world.node();
  await first.read();
  await first.watcher.poll();
  await clock.advance(106 * MINUTE);
  let tell = (): void => undefined;
  first.store.fault = (method, [, , options]) =>
    method === 'write' && (options as { release: boolean }).release ? { answer: new Promise<void>((resolve) => (tell = resolve)) } : null;
  const flight = first.tick();
  await clock.advance(0);
  const { value } = await clock.until(second.keeper.refresh(await second.target(), 10_000));
  await first.watcher.poll();
  tell();
  await clock.until(flight);
  expect((await clock.until(first.read())).value).toBe(value);
});
