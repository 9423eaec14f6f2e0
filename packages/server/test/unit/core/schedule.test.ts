/** The product's rules, one table each. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  backingOff,
  coolingMs,
  honestRemaining,
  issuedInFuture,
  mustRefresh,
  nextAttemptAt,
  probeDue,
  refreshDueAt,
  shouldRefresh,
  stateOf,
  suspect,
  usable,
} from '../../../src/core/schedule.ts';
import { CLASSIC, STABLE } from '../../helpers/kinds.ts';
import { anyInstant, anyRecord, failure, record, T } from './records.ts';

const S = 1000;

describe('usable, mustRefresh', () => {
  test.each([
    ['nothing', record({ current: null }), 0, false],
    ['fresh', record(), 0, true],
    ['last millisecond', record(), 7_199_999, true],
    ['its end', record(), 7_200_000, false],
    ['a probe said dead', record({ dead: true }), 0, false],
    ['suspect is still usable', record({ suspectFrom: T }), 1, true],
  ])('%s', (_name, one, after, expected) => {
    expect(usable(one, T + after)).toBe(expected);
    expect(mustRefresh(one, T + after)).toBe(!expected);
  });
});

describe('shouldRefresh', () => {
  test.each([
    ['before the plan', record(), 6_299_999, false],
    ['as planned', record(), 6_300_000, true],
    ['nothing there', record({ current: null }), 0, true],
    ['dead', record({ dead: true }), 0, true],
    ['in the window, but within the grace of a lost answer', record({ suspectFrom: T + 6_600_000 }), 6_400_000, false],
    ['the grace of a lost answer is over', record({ suspectFrom: T + 6_600_000 }), 6_600_000, true],
    ['its own end comes before the end of that grace', record({ suspectFrom: T + 8_000_000 }), 7_200_000, true],
    ['suspect outside the window', record({ suspectFrom: T + 100 }), 100, true],
    ['issued in the future: the clock was set back', record(), -5001, true],
    ['a little in the future: clocks differ', record(), -5000, false],
  ])('%s', (_name, one, after, expected) => {
    expect(shouldRefresh(one, T + after)).toBe(expected);
  });
});

describe('backingOff', () => {
  test.each([
    ['no failure', record(), 1, 0, false],
    ['running', record({ failure: failure() }), 0, 999, true],
    ['over', record({ failure: failure() }), 0, 1000, false],
    ['the AppSecret changed since', record({ failure: failure() }), 1, 0, false],
    ['the clock was set back behind the failure', record({ failure: failure() }), 0, -5001, false],
    ['our budget is closed, whatever the secret', record({ budgetOpensAt: T + 1 }), 1, 0, true],
    ['our budget opens', record({ budgetOpensAt: T + 1 }), 1, 1, false],
  ])('%s', (_name, one, revision, after, expected) => {
    expect(backingOff(one, revision, T + after)).toBe(expected);
  });
});

describe('honestRemaining', () => {
  test.each([
    ['classic, fresh: no longer than 260 s after the planned refresh', CLASSIC, record(), 0, 6_560 * S],
    ['classic, due: the refresh may come any moment', CLASSIC, record(), 6_400 * S, 260 * S],
    ['classic, near its own end', CLASSIC, record(), 7_100 * S, 100 * S],
    ['stable lives to its own end, refreshed or not', STABLE, record(), 6_400 * S, 800 * S],
    ['an issue in the air', CLASSIC, record({ intent: { at: T + 10 * S, forced: false } }), 20 * S, 260 * S],
    ['a forced issue in the air', STABLE, record({ intent: { at: T + 10 * S, forced: true } }), 20 * S, 10 * S],
    ['before the end of a lost answer’s grace', CLASSIC, record({ suspectFrom: T + 270 * S }), 265 * S, 5 * S],
    ['suspect: come back soon', CLASSIC, record({ suspectFrom: T + 270 * S }), 271 * S, 10 * S],
    ['suspect at its very end', CLASSIC, record({ suspectFrom: T }), 7_197 * S, 3 * S],
    ['dead', CLASSIC, record({ dead: true }), 0, 0],
    ['over', CLASSIC, record(), 7_300 * S, 0],
    ['nothing', CLASSIC, record({ current: null }), 0, 0],
  ])('%s', (_name, policy, one, after, expected) => {
    expect(honestRemaining(one, policy, T + after)).toBe(expected);
  });

  test('without word from the store since before the plan, another node may have refreshed already', () => {
    expect(honestRemaining(record(), CLASSIC, T + 6_400 * S, T + 6_000 * S)).toBe(160 * S);
    expect(honestRemaining(record(), CLASSIC, T + 6_900 * S, T + 6_000 * S)).toBe(10 * S);
    expect(honestRemaining(record(), STABLE, T + 6_900 * S, T + 6_000 * S)).toBe(300 * S);
  });
});

describe('nextAttemptAt', () => {
  const at = (after: number): number => T + after;
  test.each([
    ['the plan', record(), at(6_300_000)],
    ['nothing there', record({ current: null }), 0],
    ['dead', record({ dead: true }), 0],
    ['dead, and a failure backs off', record({ dead: true, failure: failure() }), at(1000)],
    ['our budget opens later', record({ refreshAt: T, budgetOpensAt: at(5000) }), at(5000)],
    ['the end of a lost answer’s grace, not the plan', record({ refreshAt: T, suspectFrom: at(270_000) }), at(270_000)],
    ['its own end before that grace', record({ suspectFrom: at(8_000_000) }), at(7_200_000)],
    ['a probe is owed, whatever backs off', record({ refreshAt: T, failure: failure({ retryAt: at(9000) }), probeAt: at(10) }), at(10)],
    ['a stored intent: at once when its lease is over', record({ intent: { at: at(5), forced: false } }), at(5)],
    [
      'a leak step',
      record({ leak: { startedAt: T, reason: '', confirmedIssues: 1, neededIssues: 2, nextAt: at(30_000), finishedAt: null } }),
      at(30_000),
    ],
    [
      'a finished leak procedure',
      record({ leak: { startedAt: T, reason: '', confirmedIssues: 2, neededIssues: 2, nextAt: at(30_000), finishedAt: at(1) } }),
      at(6_300_000),
    ],
  ])('%s', (_name, one, expected) => {
    expect(nextAttemptAt(one)).toBe(expected);
  });

  test('there is work to do by then, whatever the record says: nobody comes too late, and nobody comes for nothing', () => {
    fc.assert(
      fc.property(anyRecord, (one) => {
        const due = nextAttemptAt(one);
        const leakDue = one.leak !== null && one.leak.finishedAt === null && due >= one.leak.nextAt;
        const now = Math.max(due, 0);
        const wanted = shouldRefresh(one, now) || (one.probeAt !== null && now >= one.probeAt) || leakDue || one.intent !== null;
        expect(wanted).toBe(true);
      }),
    );
  });
});

test('a probe is due when its time has come and there is something to ask about', () => {
  expect(probeDue(record({ probeAt: T + 1 }), T)).toBe(false);
  expect(probeDue(record({ probeAt: T + 1 }), T + 1)).toBe(true);
  expect(probeDue(record({ probeAt: T + 1, dead: true }), T + 1)).toBe(false);
  expect(probeDue(record({ probeAt: T + 1, current: null }), T + 1)).toBe(false);
});

test('a cool-down counts from the last verification; one that lies ahead is of another clock', () => {
  expect(coolingMs(record({ lastVerifiedAt: T }), 30_000, T + 10_000)).toBe(20_000);
  expect(coolingMs(record({ lastVerifiedAt: T }), 30_000, T + 30_000)).toBe(0);
  expect(coolingMs(record({ lastVerifiedAt: T + 3_600_000 }), 30_000, T)).toBe(0);
});

test('the states, each by its name', () => {
  const names = [
    stateOf(record({ current: null }), T),
    stateOf(record(), T),
    stateOf(record(), T + 6_300_000),
    stateOf(record({ suspectFrom: T }), T),
    stateOf(record({ suspectFrom: T }), T + 7_200_000),
    stateOf(record({ dead: true }), T),
  ];
  expect(names).toEqual(['missing', 'fresh', 'due', 'suspect', 'expired', 'dead']);
});

test('whatever the record: suspect is never unusable by itself, and a told life never exceeds the own one', () => {
  fc.assert(
    fc.property(anyRecord, anyInstant, fc.constantFrom(CLASSIC, STABLE), (one, now, policy) => {
      if (one.current && !one.dead && now < one.current.expiresAt) expect(usable(one, now)).toBe(true);
      expect(honestRemaining(one, policy, now)).toBeGreaterThanOrEqual(0);
      if (one.current) expect(now + honestRemaining(one, policy, now)).toBeLessThanOrEqual(Math.max(now, one.current.expiresAt));
      if (suspect(one, now) && usable(one, now)) expect(honestRemaining(one, policy, now)).toBeLessThanOrEqual(10_000);
      if (mustRefresh(one, now)) expect(shouldRefresh(one, now)).toBe(true);
      expect(refreshDueAt(one)).toBeLessThanOrEqual(one.current?.expiresAt ?? 0);
      if (issuedInFuture(one, now)) expect(shouldRefresh(one, now)).toBe(true);
    }),
  );
});
