/** Planned refreshes, WeChat's budgets, and how long failures keep us back. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { backedOff, beijingDay, nextBeijingMidnight } from '../../../src/core/backoff.ts';
import { allowedAt, countersAt, refund, spend } from '../../../src/core/budget.ts';
import type { IssueReason } from '../../../src/core/events.ts';
import { FAILURE_CLASSES, type FailureClass } from '../../../src/core/failure.ts';
import { plannedRefreshAt, survivesIssueMs } from '../../../src/core/policy.ts';
import { CLASSIC, LIMITS, STABLE } from '../../helpers/kinds.ts';
import { failure, record, T } from './records.ts';

const unit = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const lifetime = fc.integer({ min: 1000, max: 7_200_000 });

describe('plannedRefreshAt', () => {
  test('classic at 900 s left, up to 60 s earlier; stable at 295 s left, up to 60 s later', () => {
    expect(plannedRefreshAt(CLASSIC, T, T + 7_200_000, 0)).toBe(T + 6_300_000);
    expect(plannedRefreshAt(CLASSIC, T, T + 7_200_000, 0.999_999)).toBeGreaterThanOrEqual(T + 6_240_000);
    expect(plannedRefreshAt(STABLE, T, T + 7_200_000, 0)).toBe(T + 6_905_000);
    expect(plannedRefreshAt(STABLE, T, T + 7_200_000, 0.999_999)).toBeLessThan(T + 6_965_000);
  });

  test('a stable value adopted with 345 s left is refreshed at 295 s left, not at its half', () => {
    expect(plannedRefreshAt(STABLE, T, T + 345_000, 0)).toBe(T + 50_000);
    // Below the hand-over every call makes a new one: then half of the life.
    expect(plannedRefreshAt(STABLE, T, T + 300_000, 0)).toBe(T + 150_000);
  });

  test('always inside the life, classic never earlier than its half less the jitter, never within 5 s of the issue', () => {
    fc.assert(
      fc.property(fc.constantFrom(CLASSIC, STABLE), lifetime, unit, (policy, life, random) => {
        const after = plannedRefreshAt(policy, T, T + life, random) - T;
        expect(after).toBeLessThanOrEqual(life);
        const half = policy === CLASSIC || life <= 300_000 ? Math.floor(life / 2) - 60_001 : 0;
        expect(after).toBeGreaterThanOrEqual(Math.min(life, Math.max(5000, half)));
        if (policy === STABLE) expect(life - after).toBeLessThanOrEqual(295_000);
      }),
    );
  });

  test('classic: whatever the lives and the jitters, the third value never evicts the first before its told end', () => {
    fc.assert(
      fc.property(lifetime, unit, unit, (life, first, second) => {
        const secondAt = plannedRefreshAt(CLASSIC, T, T + life, first);
        const thirdAt = plannedRefreshAt(CLASSIC, secondAt, secondAt + life, second);
        const told = Math.min(T + life, secondAt + survivesIssueMs(CLASSIC, false));
        // A flooring of each plan may take a millisecond.
        expect(thirdAt + 2).toBeGreaterThanOrEqual(told);
      }),
    );
  });
});

describe('budgets', () => {
  const midnight = nextBeijingMidnight(T);
  const used = (counters: Partial<ReturnType<typeof countersAt>>) =>
    record({ counters: { ...countersAt(record().counters, T), ...counters } });
  const wait = (one: ReturnType<typeof record>, reason: IssueReason, forced = false, now = T): number =>
    allowedAt(one, LIMITS, reason, forced, now) - now;

  test.each<[string, ReturnType<typeof record>, IssueReason, boolean, number]>([
    ['nothing used', used({}), 'scheduled', false, 0],
    ['reports leave a reserve for what is due by itself', used({ issuesToday: 1900 }), 'report', false, midnight - T],
    ['so do orders', used({ issuesToday: 1900 }), 'ordered', false, midnight - T],
    ['what is due by itself uses the reserve', used({ issuesToday: 1999 }), 'scheduled', false, 0],
    ['2,000 a day', used({ issuesToday: 2000 }), 'scheduled', false, midnight - T],
    ['unless nothing usable is left: then upstream decides', { ...used({ issuesToday: 2000 }), dead: true }, 'missing', false, 0],
    ['10,000 calls a minute', used({ callsThisMinute: 10_000 }), 'scheduled', false, 60_000],
    ['20 forced a day, 4 of them for leaks', used({ forcedToday: 16 }), 'report', true, midnight - T],
    ['the fifth-last is free', used({ forcedToday: 15 }), 'report', true, 0],
    ['a leak may use the last four', used({ forcedToday: 19 }), 'leak', true, 0],
    ['and no more', used({ forcedToday: 20 }), 'leak', true, midnight - T],
    ['30 s between forced issues', used({ lastForcedAt: T - 10_000 }), 'leak', true, 20_000],
    ['which do not keep unforced ones', used({ lastForcedAt: T - 10_000, forcedToday: 20 }), 'scheduled', false, 0],
    ['a last one that lies ahead is of another clock', used({ lastForcedAt: T + 3_600_000 }), 'report', true, 0],
  ])('%s', (_name, one, reason, forced, expected) => {
    expect(wait(one, reason, forced)).toBe(expected);
  });

  test('days are Beijing days', () => {
    expect(new Date(midnight).toISOString()).toBe('2026-03-01T16:00:00.000Z');
    expect(beijingDay(midnight)).toBe(beijingDay(midnight - 1) + 1);
    expect(countersAt(used({ issuesToday: 9, forcedToday: 3 }).counters, midnight)).toMatchObject({ issuesToday: 0, forcedToday: 0 });
  });

  test('over any sequence of tries no day sees more than its budget, and forced ones keep their distance', () => {
    const tries = fc.array(fc.record({ afterMs: fc.nat(4_000_000), forced: fc.boolean(), refunded: fc.boolean() }), { maxLength: 200 });
    const limits = { ...LIMITS, issuesPerDay: 30, scheduledReserve: 5 };
    fc.assert(
      fc.property(tries, (steps) => {
        let now = T;
        let one = record();
        let lastForced = Number.NEGATIVE_INFINITY;
        const byDay = new Map<number, { all: number; forced: number }>();
        for (const { afterMs, forced, refunded } of steps) {
          now += afterMs;
          one = { ...one, current: { value: 'v', fingerprint: 'f', issuedAt: now, expiresAt: now + 1 } };
          if (allowedAt(one, limits, 'report', forced, now) > now) continue;
          one = { ...one, counters: spend(one.counters, now, forced) };
          if (forced) {
            expect(now - lastForced).toBeGreaterThanOrEqual(30_000);
            lastForced = now;
          }
          if (refunded) {
            one = { ...one, counters: refund(one.counters, forced) };
            continue;
          }
          const day = byDay.get(beijingDay(now)) ?? { all: 0, forced: 0 };
          byDay.set(beijingDay(now), { all: day.all + 1, forced: day.forced + (forced ? 1 : 0) });
        }
        for (const { all, forced } of byDay.values()) {
          expect(all).toBeLessThanOrEqual(25);
          expect(forced).toBeLessThanOrEqual(16);
        }
      }),
    );
  });
});

describe('backoff', () => {
  const upstream = (name: FailureClass) => ({ class: name, message: 'told', advice: { en: 'a', zh: '甲' } });

  test('grows within a class, begins anew in another, is spread by at most a fifth', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...(Object.keys(FAILURE_CLASSES) as FailureClass[])),
        fc.integer({ min: 1, max: 20 }),
        unit,
        (name, attempts, random) => {
          const after = backedOff(upstream(name), failure({ class: name, attempts }), T, random);
          const again = backedOff(upstream(name), failure({ class: name === 'config' ? 'ticket' : 'config', attempts }), T, random);
          const table = FAILURE_CLASSES[name].backoffMs;
          const base = table[Math.min(attempts + 1, table.length) - 1] ?? 0;
          expect(after.attempts).toBe(attempts + 1);
          expect(again.attempts).toBe(1);
          if (name === 'rate-day') return;
          expect(after.retryAt - T).toBeGreaterThanOrEqual(base);
          expect(after.retryAt - T).toBeLessThanOrEqual(Math.ceil(base * 1.2));
        },
      ),
    );
  });

  test('the first waits of a stumble are 1, 2 and 4 s', () => {
    expect(FAILURE_CLASSES.transient.backoffMs.slice(0, 3)).toEqual([1000, 2000, 4000]);
  });

  test("a day's quota waits for midnight in Beijing and a little more, or an hour; WeChat's own word is kept", () => {
    const midnight = nextBeijingMidnight(T);
    const retryAt = (now: number, attempts: number): number =>
      backedOff(upstream('rate-day'), failure({ class: 'rate-day', attempts }), now, 0.5).retryAt;
    expect(retryAt(midnight - 300_000, 1)).toBe(midnight + 90_000);
    expect(retryAt(midnight - 300_000, 9)).toBe(midnight + 90_000);
    // Refused although a new day began: the next midnight is far.
    expect(retryAt(midnight + 1000, 9)).toBe(midnight + 1000 + 66 * 60_000);
    expect(backedOff({ ...upstream('admin'), retryAfterMs: 3_600_000 }, null, T, 0).retryAt).toBe(T + 3_600_000);
    expect(backedOff({ ...upstream('config'), retryWithinMs: 60_000 }, null, T, 0).retryAt).toBe(T + 60_000);
    expect(backedOff({ ...upstream('transient'), retryWithinMs: 60_000 }, null, T, 0).retryAt).toBe(T + 1000);
  });

  test('every class has a rule that waits and says when to alarm', () => {
    for (const rule of Object.values(FAILURE_CLASSES)) {
      expect(rule.backoffMs.length).toBeGreaterThan(0);
      expect(Math.min(...rule.backoffMs)).toBeGreaterThanOrEqual(1000);
      expect([...rule.backoffMs].sort((a, b) => a - b)).toEqual(rule.backoffMs);
      expect(rule.alarmAfter).toBeGreaterThanOrEqual(1);
    }
  });
});
