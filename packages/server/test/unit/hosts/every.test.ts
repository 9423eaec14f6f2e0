/** The loop of the hosts: its rhythm, and rounds that are brought forward. Time is vitest's. */

import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { every } from '../../../src/hosts/every.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const never = (error: unknown): void => {
  throw error;
};

test('a round after each interval, counted from the end of the one before; a failure does not end it', async () => {
  const failures: unknown[] = [];
  let rounds = 0;
  const loop = every(
    1000,
    async () => {
      rounds += 1;
      if (rounds === 1) throw new Error('once');
    },
    (error) => failures.push(error),
  );
  await vi.advanceTimersByTimeAsync(999);
  expect(rounds).toBe(0);
  await vi.advanceTimersByTimeAsync(1);
  expect(failures).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(1000);
  expect(rounds).toBe(2);
  await loop.stop();
  await vi.advanceTimersByTimeAsync(5000);
  expect(rounds).toBe(2);
});

test('soon: within 10 ms, once for a burst, and the rhythm goes on from there', async () => {
  let rounds = 0;
  const loop = every(1000, async () => void (rounds += 1), never);
  for (let call = 0; call < 100; call += 1) loop.soon();
  await vi.advanceTimersByTimeAsync(10);
  expect(rounds).toBe(1);
  await vi.advanceTimersByTimeAsync(999);
  expect(rounds).toBe(1);
  await vi.advanceTimersByTimeAsync(1);
  expect(rounds).toBe(2);
  await loop.stop();
});

test('soon during a round: one more right after it, since it may have looked too early', async () => {
  let rounds = 0;
  let end = (): void => undefined;
  const loop = every(
    1000,
    () => {
      rounds += 1;
      return new Promise<void>((resolve) => {
        end = resolve;
      });
    },
    never,
  );
  loop.soon();
  await vi.advanceTimersByTimeAsync(10);
  loop.soon();
  loop.soon();
  await vi.advanceTimersByTimeAsync(500);
  expect(rounds).toBe(1);
  end();
  await vi.advanceTimersByTimeAsync(10);
  expect(rounds).toBe(2);
  end();
  await vi.advanceTimersByTimeAsync(999);
  expect(rounds).toBe(2);
  loop.soon();
  await loop.stop();
  await vi.advanceTimersByTimeAsync(5000);
  expect(rounds).toBe(2);
});
