/** The age of a credential under clocks that misbehave: the larger age wins, so that the client asks too early, never too late. */

import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { stopwatches } from '../../src/stopwatch.ts';

let wall = 1_000_000;
let monotonic = 0;

beforeEach(() => {
  vi.spyOn(Date, 'now').mockImplementation(() => wall);
  vi.spyOn(performance, 'now').mockImplementation(() => monotonic);
});

afterEach(() => {
  vi.restoreAllMocks();
});

it('counts on when the wall clock is set back', () => {
  const age = stopwatches(undefined)();
  wall -= 3_600_000;
  monotonic += 500;
  expect(age()).toBe(500);
});

it('counts the time a machine slept, which its monotonic clock does not', () => {
  const age = stopwatches(undefined)();
  wall += 3_600_000;
  expect(age()).toBe(3_600_000);
});

it('follows the given clock alone', () => {
  let now = 5;
  const age = stopwatches(() => now)();
  wall += 3_600_000;
  now = 12;
  expect(age()).toBe(7);
});
