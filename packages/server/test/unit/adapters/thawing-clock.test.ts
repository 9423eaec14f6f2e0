import { beforeEach, expect, test } from 'vitest';
import { thawingClock } from '../../../src/adapters/thawing-clock.ts';
import type { Clock } from '../../../src/core/clock.ts';

let wall: number;
let monotonic: number;
let clock: Clock;

beforeEach(() => {
  wall = 1_000_000;
  monotonic = 50;
  clock = thawingClock({ wall: () => wall, monotonic: () => monotonic, sleep: () => Promise.resolve() });
});

const pass = (ms: number, frozen = false): void => {
  wall += ms;
  if (!frozen) monotonic += ms;
};

test('runs with the clock that it corrects', () => {
  pass(5000);
  expect([clock.monotonic(), clock.wall()]).toEqual([5050, 1_005_000]);
});

test('counts the time in which the process was frozen, each time', () => {
  pass(600_000, true);
  expect(clock.monotonic()).toBe(600_050);
  pass(1000);
  expect(clock.monotonic()).toBe(601_050);
  pass(7_200_000, true);
  pass(10);
  expect(clock.monotonic()).toBe(7_801_060);
});

test('takes a drift for what it is, and a wall clock that was set back for nothing', () => {
  for (let minute = 0; minute < 60; minute += 1) {
    pass(60_000);
    wall += 20;
    clock.monotonic();
  }
  expect(clock.monotonic()).toBe(3_600_050);
  wall -= 300_000;
  expect(clock.monotonic()).toBe(3_600_050);
  pass(1000);
  expect(clock.monotonic()).toBe(3_601_050);
});
