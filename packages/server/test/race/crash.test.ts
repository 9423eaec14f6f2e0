/** A process dies: between the intent and the commit, and anywhere in the leak procedure. Another one goes on. */

import { expect, test } from 'vitest';
import type { Fault } from '../helpers/faulty-store.ts';
import { watchfully } from '../helpers/watchful.ts';
import { LEASE_MS, type Node, World } from '../helpers/world.ts';

const MINUTE = 60_000;

/** From now on nothing this node does reaches the store: it is dead. */
const kill = (node: Node): void => {
  node.store.fault = (): Fault => new Promise(() => undefined);
};

for (const arrived of [true, false]) {
  test(`classic: dead after the intent, the call ${arrived ? 'arrived' : 'never left'}: the next process serves on and replaces in time`, async () => {
    const world = await World.create();
    const { clock, first, upstream, model } = world;
    await first.read();
    await clock.advance(110 * MINUTE);
    upstream.hold('/classic');
    void first.tick();
    await clock.advance(0);
    if (arrived) upstream.held[0]?.arrive();
    kill(first);
    upstream.fate = () => 'reply';
    const next = world.node();
    next.start();
    const seen = await watchfully(world, [next], 90 * MINUTE);
    expect(seen).toMatchObject({ refused: [], failed: [], broken: [] });
    expect(seen.values).toEqual(['app-classic-1', arrived ? 'app-classic-3' : 'app-classic-2']);
    expect(next.events.count('refresh.outcome_unknown')).toBe(1);
    // Its holder might only be paused: some looks at what came after it.
    expect(model.calls.probe).toBe(12);
  });
}

test('classic: dead in the middle of an ordered issue outside the window: the intent is found when the lease ends', async () => {
  const world = await World.create();
  const { clock, first, upstream } = world;
  await first.read();
  upstream.hold('/classic');
  void first.keeper.refresh(await first.target(), 5000).catch(() => undefined);
  await clock.advance(0);
  upstream.held[0]?.arrive();
  kill(first);
  upstream.fate = () => 'reply';
  const next = world.node();
  next.start();
  await clock.advance(LEASE_MS + 2000);
  expect((await next.stored())?.suspectFrom).not.toBeNull();
  const seen = await watchfully(world, [next], 30 * MINUTE);
  expect(seen).toMatchObject({ refused: [], failed: [] });
  expect(seen.values.at(-1)).toBe('app-classic-3');
});

test('stable: dead in the middle of a forced issue: the next process asks, and has the new value within a second of the lease', async () => {
  const world = await World.create({ mode: 'stable' });
  const { clock, first, upstream, model } = world;
  await first.read();
  await clock.advance(MINUTE);
  upstream.hold('/stable');
  void first.keeper.refresh(await first.target(), 5000).catch(() => undefined);
  await clock.advance(0);
  upstream.held[0]?.arrive();
  kill(first);
  upstream.fate = () => 'reply';
  const next = world.node();
  next.start();
  await clock.advance(LEASE_MS + 2000);
  expect((await next.read()).value).toBe('app-stable-2');
  expect(model.calls).toMatchObject({ forced: 1, stable: 2 });
  expect((await next.stored())?.suspectFrom).toBeNull();
});

for (const mode of ['classic', 'stable'] as const) {
  test(`${mode}: the leak procedure makes the leaked value die by two new ones`, async () => {
    const world = await World.create({ mode });
    const { clock, first, model } = world;
    first.start();
    const leaked = (await clock.until(first.read())).value;
    await clock.advance(10 * MINUTE);
    await first.keeper.revokeLeaked(await first.target(), 'pasted into a chat');
    await clock.advance(MINUTE);
    expect(model.accepts(leaked)).toBe(false);
    expect((await first.stored())?.leak).toMatchObject({ confirmedIssues: 2, neededIssues: 2, reason: 'pasted into a chat' });
    expect((await first.stored())?.leak?.finishedAt).not.toBeNull();
    const served = await first.read();
    expect(model.accepts(served.value)).toBe(true);
    expect(model.issues[mode]).toHaveLength(3);
    expect(first.events.all('leak.step').map(({ confirmed }) => confirmed)).toEqual([1, 2]);
    if (mode === 'stable') expect(model.calls.forced).toBe(2);
  });

  test(`${mode}: a leak procedure that a wrong AppSecret holds up goes on as soon as the secret is corrected`, async () => {
    const world = await World.create({ mode });
    const { clock, first, model } = world;
    first.start();
    const leaked = (await clock.until(first.read())).value;
    await clock.advance(10 * MINUTE);
    model.secrets = new Set(['secret-2']);
    await clock.until(first.keeper.revokeLeaked(await first.target(), 'leak'));
    expect((await first.stored())?.leak?.confirmedIssues).toBe(0);
    await clock.advance(MINUTE);
    expect(model.accepts(leaked)).toBe(true);
    await first.accounts.update('app', { secrets: ['secret-2'] }, 'test');
    await clock.advance(MINUTE);
    expect(model.accepts(leaked)).toBe(false);
    expect((await first.stored())?.leak?.finishedAt).not.toBeNull();
  });

  test(`${mode}: a crash between the two steps changes nothing: the next process makes the second`, async () => {
    const world = await World.create({ mode });
    const { clock, first, model } = world;
    const leaked = (await first.read()).value;
    await clock.advance(10 * MINUTE);
    await first.keeper.revokeLeaked(await first.target(), 'leak');
    kill(first);
    const next = world.node();
    next.start();
    await clock.advance(MINUTE);
    expect(model.accepts(leaked)).toBe(false);
    expect(model.issues[mode]).toHaveLength(3);
    expect((await next.stored())?.leak?.finishedAt).not.toBeNull();
  });

  test(`${mode}: a crash with the first step's answer in the air: the step is made again, confirmed twice in the end`, async () => {
    const world = await World.create({ mode });
    const { clock, first, model, upstream } = world;
    const leaked = (await first.read()).value;
    await clock.advance(10 * MINUTE);
    upstream.hold();
    void first.keeper.revokeLeaked(await first.target(), 'leak').catch(() => undefined);
    await clock.advance(0);
    upstream.held[0]?.arrive();
    kill(first);
    upstream.fate = () => 'reply';
    const next = world.node();
    next.start();
    await clock.advance(LEASE_MS + 2 * MINUTE);
    expect((await next.stored())?.leak).toMatchObject({ confirmedIssues: 2 });
    expect(model.accepts(leaked)).toBe(false);
    expect(model.accepts((await next.read()).value)).toBe(true);
  });
}

test('a lost answer in the leak procedure is not waited out for the sake of the leaked value', async () => {
  const world = await World.create();
  const { clock, first, model, upstream } = world;
  first.start();
  const leaked = (await clock.until(first.read())).value;
  let lost = 0;
  upstream.fate = ({ path }) => (path === '/classic' && lost++ === 0 ? 'lose' : 'reply');
  await first.keeper.revokeLeaked(await first.target(), 'leak');
  await clock.advance(20_000);
  expect(model.accepts(leaked)).toBe(false);
  expect((await first.stored())?.leak).toMatchObject({ confirmedIssues: 2 });
});

test('a kind whose values no issue can end has no leak procedure: it would only ask for ever', async () => {
  const policy = { type: 'sliding', refreshWindowMs: 600_000, jitterMs: 0 } as const;
  const world = await World.create({ chain: { policy, forcible: false } });
  const { clock, first, model } = world;
  first.start();
  await clock.until(first.read());
  await expect(first.keeper.revokeLeaked(await first.target(), 'leak')).rejects.toMatchObject({ code: 'not_available' });
  await clock.advance(60_000);
  expect(model.calls.classic).toBe(1);
});
