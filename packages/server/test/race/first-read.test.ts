/** Many callers, several nodes, nothing there yet: one issue. */

import { expect, test } from 'vitest';
import { LEASE_MS, World } from '../helpers/world.ts';

for (const mode of ['classic', 'stable'] as const) {
  test(`${mode}: 100 concurrent first reads make one issue`, async () => {
    const { clock, first, upstream, model } = await World.create({ mode });
    upstream.latencyMs = 200;
    const reads = Promise.all(Array.from({ length: 100 }, () => first.read()));
    const served = await clock.until(reads);
    expect(new Set(served.map((one) => one.value)).size).toBe(1);
    expect(model.issues[mode]).toHaveLength(1);
    expect(upstream.sent).toBe(1);
  });

  test(`${mode}: 100 callers on two nodes make one issue, and the waiting node takes no lease for it`, async () => {
    const world = await World.create({ mode });
    const { clock, first, upstream, model } = world;
    const second = world.node();
    upstream.latencyMs = 200;
    const reads = Promise.all(Array.from({ length: 100 }, (_, index) => (index % 2 === 0 ? first : second).read()));
    const served = await clock.until(reads);
    expect(new Set(served.map((one) => one.value)).size).toBe(1);
    expect(model.issues[mode]).toHaveLength(1);
    const grants = (await first.row())?.fence;
    expect(grants).toBe(1);
  });

  test(`${mode}: the due queue and readers of both nodes at once make one issue`, async () => {
    const world = await World.create({ mode });
    const { clock, first, upstream, model } = world;
    const second = world.node();
    upstream.latencyMs = 200;
    await clock.until(Promise.all([first.tick(), second.tick(), first.read(), second.read()]));
    expect(model.issues[mode]).toHaveLength(1);
  });
}

test('the answer comes to whoever still waits; who gave up is told so, and the work is shared, not repeated', async () => {
  const { clock, first, upstream, model } = await World.create();
  upstream.hold();
  const target = await first.target();
  const hasty = first.keeper.read(target, { deadlineMs: 1000 });
  const patient = first.keeper.read(target, { deadlineMs: 8000 });
  await expect(clock.until(hasty)).rejects.toMatchObject({ code: 'deadline_exceeded' });
  expect(upstream.held).toHaveLength(1);
  const late = first.keeper.read(target, { deadlineMs: 8000 });
  await clock.advance(10);
  upstream.held[0]?.reply();
  expect((await patient).value).toBe('app-classic-1');
  expect((await late).value).toBe('app-classic-1');
  expect(model.calls.classic).toBe(1);
  expect(clock.sleeping).toBe(0);
});

test('a waiter whose holder never comes back is freed when the lease ends', async () => {
  const world = await World.create();
  const { clock, first, upstream } = world;
  const dead = world.node();
  const { id } = await first.target();
  await dead.store.credentials.acquire(id, 'dead', LEASE_MS);
  const read = first.keeper.read(await first.target(), { deadlineMs: 60_000 });
  expect((await clock.until(read)).generation).toBe(1);
  expect(upstream.sent).toBe(1);
});

test('a lease that never ends does not hold a flight for ever', async () => {
  const world = await World.create();
  const { clock, first } = world;
  first.store.fault = () => null;
  const { id } = await first.target();
  await first.store.credentials.acquire(id, 'stuck', 3_600_000);
  const read = first.keeper.read(await first.target(), { deadlineMs: 600_000 });
  await expect(clock.until(read)).rejects.toMatchObject({ code: 'deadline_exceeded' });
  expect(clock.monotonic()).toBeLessThan(3 * LEASE_MS);
});

test('a waiter whose look was overtaken by a further commit, already heard of, does not take it for current', async () => {
  const world = await World.create();
  const { clock, first, upstream } = world;
  const second = world.node();
  await second.watcher.poll();
  upstream.latencyMs = 200;
  // The second waits for the first's commit; the answer to the look that sees it is late.
  let tell = (): void => undefined;
  const told = new Promise<void>((resolve) => {
    tell = resolve;
  });
  const opening = first.read();
  const waiting = second.read();
  await clock.advance(60);
  second.store.fault = (method) => (method === 'read' && first.events.count('credential.committed') > 0 ? { answer: told } : null);
  expect((await clock.until(opening)).value).toBe('app-classic-1');
  await clock.advance(1000);
  await clock.until(first.keeper.refresh(await first.target(), 5000));
  await second.watcher.poll();
  second.store.fault = () => null;
  tell();
  await clock.until(waiting);
  expect(second.keeper.peek(await second.target())?.value ?? (await clock.until(second.read())).value).toBe('app-classic-2');
});
