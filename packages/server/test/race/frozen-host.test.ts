/** A host that freezes after each answer: reads start nothing, the timer refreshes, and the last minute is a read's own. */

import { expect, test } from 'vitest';
import { World } from '../helpers/world.ts';

const MINUTE = 60_000;

for (const mode of ['classic', 'stable'] as const) {
  test(`${mode}: with more than a minute left a read starts no refresh, with less it makes it`, async () => {
    const { first, clock, model } = await World.create({ mode, freezes: true });
    await first.read();
    await clock.advance(118 * MINUTE);
    expect(await first.read()).toMatchObject({ value: `app-${mode}-1`, state: 'due' });
    await clock.advance(30_000);
    expect(model.calls[mode]).toBe(1);
    await clock.advance(31_000);
    expect(first.keeper.peek(await first.target())).toBeNull();
    expect(await first.read()).toMatchObject({ value: `app-${mode}-2`, state: 'fresh' });
    expect(model.calls[mode]).toBe(2);
  });

  test(`${mode}: a hundred reads in the last minute cost one issue, and a timer before it leaves them nothing to do`, async () => {
    const { first, clock, model } = await World.create({ mode, freezes: true });
    await first.read();
    await clock.advance(119 * MINUTE + 1000);
    const reads = await clock.until(Promise.all(Array.from({ length: 100 }, () => first.read())));
    expect(new Set(reads.map(({ value }) => value))).toEqual(new Set([`app-${mode}-2`]));
    expect(model.calls[mode]).toBe(2);
    await clock.advance(118 * MINUTE);
    await clock.until(first.tick());
    await clock.advance(MINUTE);
    expect((await first.read()).value).toBe(`app-${mode}-3`);
    expect(model.calls[mode]).toBe(3);
  });
}

test('in the last minute, and WeChat does not answer: what is left is served, and WeChat is not asked for each read', async () => {
  const { first, clock, model, upstream } = await World.create({ mode: 'classic', freezes: true });
  await first.read();
  await clock.advance(119 * MINUTE + 1000);
  upstream.fate = () => 'lose';
  expect((await clock.until(first.read())).value).toBe('app-classic-1');
  const { classic } = model.calls;
  for (let read = 0; read < 5; read += 1) expect((await clock.until(first.read())).value).toBe('app-classic-1');
  expect(model.calls.classic).toBe(classic);
});
