/** Callers say that WeChat rejects a value: what it costs, and who is believed. */

import { describe, expect, test } from 'vitest';
import { COOLDOWN_MS, World } from '../helpers/world.ts';

const MINUTE = 60_000;

test('classic: 100 reports of one dead token on two nodes cost one verification and one issue', async () => {
  const world = await World.create();
  const { clock, first, upstream, model } = world;
  const second = world.node();
  const { value } = await first.read();
  await second.read();
  model.rogue('classic');
  await clock.advance(6 * MINUTE);
  upstream.latencyMs = 300;
  const reports = Array.from({ length: 100 }, (_, index) => (index % 2 === 0 ? first : second).report(value));
  const results = await clock.until(Promise.all(reports));
  expect(model.calls).toMatchObject({ probe: 1, classic: 2 });
  expect(new Set(results.map(({ credential }) => credential?.value))).toEqual(new Set(['app-classic-3']));
  expect(new Set(results.map(({ outcome }) => outcome))).toEqual(new Set(['refreshed', 'superseded']));
  expect(first.events.count('refresh.foreign') + second.events.count('refresh.foreign')).toBe(1);
});

test('a report of a living token is verified once and answered alive, then cools down', async () => {
  const { clock, first, model } = await World.create();
  const { value } = await first.read();
  expect(await first.report(value)).toMatchObject({ outcome: 'alive', credential: { value } });
  const again = await first.report(value);
  expect(again).toMatchObject({ outcome: 'cooling_down', credential: { value } });
  expect(again.retryAfterMs).toBe(COOLDOWN_MS);
  await clock.advance(COOLDOWN_MS);
  expect((await first.report(value)).outcome).toBe('alive');
  expect(model.calls).toMatchObject({ probe: 2, classic: 1 });
});

test('a scheduled issue does not start a cool-down', async () => {
  const { first, model } = await World.create();
  const { value } = await first.read();
  model.revoke(value);
  expect((await first.report(value)).outcome).toBe('refreshed');
});

for (const errcode of [45009, -1, 48001, 60020]) {
  test(`a probe that answers ${errcode} says nothing: no issue, served on, asked to come back`, async () => {
    const { first, model } = await World.create();
    const { value } = await first.read();
    model.revoke(value);
    model.probeErrcode = errcode;
    const result = await first.report(value);
    expect(result).toMatchObject({ outcome: 'unverified', retryAfterMs: COOLDOWN_MS, credential: { value } });
    expect(model.calls.classic).toBe(1);
  });
}

test('a report of an older value gets the current one for nothing', async () => {
  const world = await World.create();
  const { clock, first, upstream } = world;
  const { value } = await first.read();
  await first.keeper.refresh(await first.target(), 1000);
  await clock.advance(6 * MINUTE);
  const sent = upstream.sent;
  expect(await first.report(value)).toMatchObject({ outcome: 'superseded', credential: { value: 'app-classic-2' } });
  expect(await first.report('never ours')).toMatchObject({ outcome: 'superseded', credential: { value: 'app-classic-2' } });
  expect(upstream.sent).toBe(sent);
});

test('a previous value rejected within its grace is answered at once, and the current is looked at once in the background', async () => {
  const { clock, first, model, upstream } = await World.create();
  const { value } = await first.read();
  await first.keeper.refresh(await first.target(), 1000);
  model.rogue('classic');
  upstream.hold('/probe');
  expect(await first.report(value)).toMatchObject({ outcome: 'superseded', credential: { value: 'app-classic-2' } });
  expect(await first.report(value)).toMatchObject({ outcome: 'superseded' });
  await clock.advance(0);
  expect(upstream.held).toHaveLength(1);
  upstream.held[0]?.reply();
  await clock.until(first.keeper.drain());
  expect(model.calls.probe).toBe(1);
});

test('a value that memory has never seen is looked up: another node may have made it', async () => {
  const world = await World.create();
  const { clock, first } = world;
  const second = world.node();
  await first.read();
  await second.read();
  await second.keeper.refresh(await second.target(), 1000);
  // The first node has not heard of it; WeChat's third is the rogue's.
  world.model.rogue('classic');
  await clock.advance(6 * MINUTE);
  const result = await first.report('app-classic-2');
  expect(result).toMatchObject({ outcome: 'refreshed', credential: { value: 'app-classic-4' } });
});

test('stable: another fetcher forced a new value: the unforced call finds it, nothing is forced', async () => {
  const { clock, first, model } = await World.create({ mode: 'stable' });
  const { value } = await first.read();
  await clock.advance(MINUTE);
  model.rogue('stable');
  model.revoke(value);
  expect(await first.report(value)).toMatchObject({ outcome: 'refreshed', credential: { value: 'app-stable-2' } });
  expect(model.calls).toMatchObject({ forced: 0, probe: 0, stable: 2 });
  expect(first.events.count('refresh.foreign')).toBe(1);
  expect((await first.stored())?.foreignRefreshAt).not.toBeNull();
});

test('a value that WeChat calls expired seconds before its own end was not fetched by anybody else', async () => {
  const { clock, first, model } = await World.create();
  const { value } = await first.read();
  for (const [leftMs, foreign] of [
    [31_000, 1],
    [29_000, 0],
  ] as const) {
    const before = first.events.count('refresh.foreign');
    const { current } = (await first.stored()) ?? {};
    const now = clock.wall();
    await clock.advance((current?.expiresAt ?? 0) - leftMs - now);
    model.revoke(current?.value ?? value);
    await clock.until(first.report(current?.value ?? value));
    expect(first.events.count('refresh.foreign') - before).toBe(foreign);
  }
});

test('stable: WeChat insists on a dead value: one forced issue, and the next only after 30 s', async () => {
  const { clock, first, model } = await World.create({ mode: 'stable' });
  const { value } = await first.read();
  await clock.advance(MINUTE);
  model.revoke(value);
  const forced = await first.report(value);
  expect(forced).toMatchObject({ outcome: 'refreshed', credential: { value: 'app-stable-2' } });
  expect(model.calls.forced).toBe(1);
});

test('stable: with 16 of 20 forced issues used a report forces no more, and nobody spins', async () => {
  const { clock, first, model, upstream } = await World.create({ mode: 'stable' });
  first.start();
  await clock.until(first.read());
  for (let used = 0; used < 16; used += 1) {
    await clock.advance(31_000);
    await first.keeper.refresh(await first.target(), 1000);
  }
  await clock.advance(31_000);
  const { value } = await first.read();
  model.revoke(value);
  const result = await first.report(value);
  expect(result).toMatchObject({ outcome: 'cooling_down', credential: null });
  // Until midnight in Beijing, which is 16 h away.
  expect(result.retryAfterMs).toBeGreaterThan(15 * 60 * MINUTE);
  expect(model.calls.forced).toBe(16);
  const sent = upstream.sent;
  for (let second = 0; second < 300; second += 1) {
    await first.read().catch(() => undefined);
    await clock.advance(1000);
  }
  // Asked once a minute whether WeChat has something else by now.
  expect(upstream.sent - sent).toBeLessThanOrEqual(6);
  model.rogue('stable');
  await clock.advance(2 * MINUTE);
  expect((await first.read()).value).toBe('app-stable-18');
  expect(model.calls.forced).toBe(16);
});

test('stable: upstream has no forced issue left for the day: reports are refused, the scheduled refresh goes on', async () => {
  const world = await World.create({ mode: 'stable' });
  const { clock, first, model } = world;
  first.start();
  const { value } = await clock.until(first.read());
  const stable = model.stable.bind(model);
  model.stable = (secret, force) => (force ? { errcode: 45009 } : stable(secret, force));
  await clock.advance(MINUTE);
  await expect(first.keeper.refresh(await first.target(), 1000)).rejects.toMatchObject({ code: 'refresh_budget_exhausted' });
  await clock.advance(2 * 60 * MINUTE);
  const served = await first.read();
  expect(served.value).not.toBe(value);
  expect(model.accepts(served.value)).toBe(true);
});

test('a kind without a probe: one issue by report in ten minutes', async () => {
  const { clock, first, model } = await World.create({ chain: { probe: null } });
  let { value } = await first.read();
  expect((await first.report(value)).outcome).toBe('refreshed');
  ({ value } = await first.read());
  const rejected = await first.report(value);
  expect(rejected).toMatchObject({ outcome: 'cooling_down', retryAfterMs: 10 * MINUTE });
  await clock.advance(10 * MINUTE);
  expect((await first.report(value)).outcome).toBe('refreshed');
  expect(model.calls).toMatchObject({ classic: 3, probe: 0 });
});

test('two operators order at once: one issue; an order during a scheduled flight still makes its own', async () => {
  const { clock, first, upstream, model } = await World.create();
  await first.read();
  upstream.latencyMs = 200;
  const target = await first.target();
  const both = await clock.until(Promise.all([first.keeper.refresh(target, 5000), first.keeper.refresh(target, 5000)]));
  expect(both.map(({ generation }) => generation)).toEqual([2, 2]);
  expect(model.calls.classic).toBe(2);
});

test('another node refreshed already: the compare under the lease finds out, nothing is verified', async () => {
  const world = await World.create();
  const { clock, first, model } = world;
  const second = world.node();
  const { value } = await first.read();
  await second.keeper.refresh(await second.target(), 1000);
  await clock.advance(6 * MINUTE);
  expect(await first.report(value)).toMatchObject({ outcome: 'superseded', credential: { value: 'app-classic-2' } });
  expect(model.calls).toMatchObject({ probe: 0, classic: 2 });
});

test('stable: the forced issue for a dead value failed: it is forced again as soon as the backoff and the spacing allow', async () => {
  const { clock, first, model, upstream } = await World.create({ mode: 'stable' });
  first.start();
  const { value } = await clock.until(first.read());
  await clock.advance(MINUTE);
  model.revoke(value);
  let refused = 0;
  upstream.fate = ({ query }) => (query?.force === '1' && refused++ === 0 ? 'refuse' : 'reply');
  expect(await first.report(value)).toMatchObject({ outcome: 'cooling_down', credential: null });
  await clock.advance(31_000);
  expect(model.calls.forced).toBe(0);
  await clock.advance(60_000);
  expect((await first.read()).value).toBe('app-stable-2');
  expect(model.calls.forced).toBe(1);
});

describe('a borrowed value', () => {
  const ADVICE = { en: 'at the lender', zh: '到出借方' };
  const policy = { type: 'sliding', refreshWindowMs: 200_000, jitterMs: 0, lookEveryMs: 5 * MINUTE } as const;
  /** The model's stable chain plays the lender: it gives the running value again, and replaces it only when forced. */
  const borrowing = () => World.create({ mode: 'stable', chain: { policy, forcible: false, probe: null, borrowed: { advice: ADVICE } } });

  test('a report is passed on and judged there, once per cool-down, without a look of our own', async () => {
    const { clock, first, model } = await borrowing();
    const { value } = await first.read();
    model.revoke(value);
    const results = await Promise.all([first.report(value), first.report(value)]);
    expect(results.map(({ outcome, credential }) => [outcome, credential?.value])).toEqual(Array(2).fill(['refreshed', 'app-stable-2']));
    expect(await first.report('app-stable-2')).toMatchObject({ outcome: 'cooling_down' });
    expect(model.calls).toMatchObject({ stable: 1, forced: 1, probe: 0 });
    expect(first.events.count('refresh.foreign')).toBe(0);
    await clock.advance(COOLDOWN_MS);
    expect((await first.report('app-stable-2')).outcome).toBe('refreshed');
  });

  test('a report whose answer is lost throws no doubt on the value: nothing that is asked kills it', async () => {
    const { clock, first, upstream } = await borrowing();
    const { value } = await first.read();
    upstream.fate = () => 'lose';
    expect(await first.report(value)).toMatchObject({ outcome: 'unverified', credential: { value } });
    await clock.advance(1);
    expect(await first.stored()).toMatchObject({ intent: null, suspectFrom: null, unknownOutcomes: 0 });
    expect((await first.read()).state).toBe('fresh');
  });

  test("orders and the leak procedure are the lender's", async () => {
    const { first, model } = await borrowing();
    await first.read();
    const target = await first.target();
    for (const order of [first.keeper.refresh(target, 1000), first.keeper.revokeLeaked(target, 'leaked')]) {
      await expect(order).rejects.toMatchObject({ code: 'not_available', advice: ADVICE });
    }
    expect(model.calls.stable).toBe(1);
  });
});
