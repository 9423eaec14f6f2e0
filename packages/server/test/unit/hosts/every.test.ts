/** Rounds of a loop: at their distance, brought forward on request, never two at once. */

import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { every } from '../../../src/hosts/every.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function loopOf(ms: number) {
  const rounds: number[] = [];
  const ends: (() => void)[] = [];
  const loop = every(
    ms,
    () => {
      rounds.push(performance.now());
      return new Promise<void>((resolve) => ends.push(resolve));
    },
    () => undefined,
  );
  const end = async (): Promise<void> => {
    ends.shift()?.();
    await vi.advanceTimersByTimeAsync(0);
  };
  return { loop, rounds, end };
}

test('a round comes `ms` after the end of the one before', async () => {
  const { loop, rounds, end } = loopOf(1000);
  await vi.advanceTimersByTimeAsync(999);
  expect(rounds).toHaveLength(0);
  await vi.advanceTimersByTimeAsync(1);
  expect(rounds).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(5000);
  await end();
  await vi.advanceTimersByTimeAsync(999);
  expect(rounds).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(1);
  expect(rounds).toHaveLength(2);
  await end();
  await loop.stop();
});

test('asked for, it comes at once; asked for again and again, every 30 ms', async () => {
  const { loop, rounds, end } = loopOf(1000);
  loop.soon();
  await vi.advanceTimersByTimeAsync(0);
  expect(rounds).toHaveLength(1);
  await end();
  for (let count = 0; count < 10; count += 1) loop.soon();
  await vi.advanceTimersByTimeAsync(29);
  expect(rounds).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(1);
  expect(rounds).toHaveLength(2);
  await end();
  await loop.stop();
});

test('asked for while one runs, another follows it: what that one saw may be older than the wish', async () => {
  const { loop, rounds, end } = loopOf(1000);
  loop.soon();
  await vi.advanceTimersByTimeAsync(0);
  loop.soon();
  await vi.advanceTimersByTimeAsync(500);
  expect(rounds).toHaveLength(1);
  await end();
  await vi.advanceTimersByTimeAsync(30);
  expect(rounds).toHaveLength(2);
  await end();
  await loop.stop();
});

test('stopped, no wish brings it back', async () => {
  const { loop, rounds } = loopOf(1000);
  await loop.stop();
  loop.soon();
  await vi.advanceTimersByTimeAsync(5000);
  expect(rounds).toHaveLength(0);
});
