/** How a record may change, and what no change may ever do. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { spend } from '../../../src/core/budget.ts';
import type { CredentialRecord } from '../../../src/core/credential.ts';
import type { RefreshPolicy } from '../../../src/core/policy.ts';
import { nextAttemptAt, suspect, usable } from '../../../src/core/schedule.ts';
import {
  failed,
  heldBack,
  type Issued,
  issued,
  onlyCountedLost,
  outcomeUnknown,
  probed,
  raced,
  restored,
  storedLate,
  takenOver,
  withIntent,
  withoutIntent,
} from '../../../src/core/transition.ts';
import { CLASSIC, STABLE } from '../../helpers/kinds.ts';
import { anyInstant, anyRecord, failure, record, T } from './records.ts';

const SLIDING: RefreshPolicy = { type: 'sliding', refreshWindowMs: 600_000, jitterMs: 0 };
const got = (changes: Partial<Issued> = {}): Issued => ({
  value: 'v4',
  fingerprint: 'f4',
  sentAt: T + 6_300_000,
  lifetimeMs: 7_200_000,
  forced: false,
  unit: 0,
  ...changes,
});

test('a failure, a doubt, an intent or a probe never removes the current, and never changes a value', () => {
  const change: fc.Arbitrary<(before: CredentialRecord, policy: RefreshPolicy, now: number) => CredentialRecord> = fc.constantFrom(
    (before: CredentialRecord) => failed(before, failure()),
    (before: CredentialRecord, _policy: RefreshPolicy, now: number) => heldBack(before, now),
    (before: CredentialRecord, _policy: RefreshPolicy, now: number) => withIntent(before, now, true),
    (before: CredentialRecord) => withoutIntent(before),
    (before: CredentialRecord, policy: RefreshPolicy) => outcomeUnknown(before, policy),
    raced,
    takenOver,
    (before: CredentialRecord, policy: RefreshPolicy, now: number) => probed(before, 'alive', policy, now),
    (before: CredentialRecord, policy: RefreshPolicy, now: number) => probed(before, 'dead', policy, now),
    (before: CredentialRecord, policy: RefreshPolicy, now: number) => probed(before, 'unknown', policy, now),
  );
  fc.assert(
    fc.property(
      anyRecord,
      fc.array(change, { maxLength: 8 }),
      fc.constantFrom(CLASSIC, STABLE),
      anyInstant,
      (before, changes, policy, now) => {
        const after = changes.reduce((one, apply) => apply(one, policy, now), before);
        expect(after.current).toEqual(before.current);
        expect(after.previous).toEqual(before.previous);
        expect(after.generation).toBe(before.generation);
        expect(after.counters).toEqual(before.counters);
      },
    ),
  );
});

test('only a probe that says dead makes a living credential unusable', () => {
  fc.assert(
    fc.property(anyRecord, fc.constantFrom(CLASSIC, STABLE), anyInstant, (before, policy, now) => {
      fc.pre(usable(before, now));
      const all = [
        failed(before, failure()),
        outcomeUnknown(before, policy),
        raced(before, policy, now),
        probed(before, 'unknown', policy, now),
      ];
      for (const after of all) expect(usable(after, now)).toBe(true);
      expect(usable(probed(before, 'dead', policy, now), now)).toBe(false);
    }),
  );
});

test('a new value: one generation on, every doubt settled, the former kept aside', () => {
  fc.assert(
    fc.property(anyRecord, fc.constantFrom(CLASSIC, STABLE), fc.boolean(), (before, policy, forced) => {
      const after = issued(before, policy, got({ value: 'quite new', forced }));
      expect(after).toMatchObject({
        generation: before.generation + 1,
        intent: null,
        unknownOutcomes: 0,
        suspectFrom: null,
        dead: false,
        failure: null,
        budgetOpensAt: 0,
      });
      expect(after.previous?.value).toBe(before.current?.value);
      expect(after.refreshAt).toBeGreaterThan(got().sentAt);
      expect(after.refreshAt).toBeLessThanOrEqual(after.current?.expiresAt ?? 0);
    }),
  );
});

describe('a new value: until when the former may work', () => {
  test.each([
    ['classic: for the grace', record(), CLASSIC, got(), 6_600_000],
    ['classic: not beyond its own end', record(), CLASSIC, got({ sentAt: T + 7_100_000 }), 7_200_000],
    ['classic: after a lost answer it is the third, and evicted', record({ unknownOutcomes: 1 }), CLASSIC, got(), 6_300_000],
    ['dead already', record({ dead: true }), CLASSIC, got(), 6_300_000],
    ['stable hand-over: to its own end', record(), STABLE, got({ sentAt: T + 6_905_000 }), 7_200_000],
    ['stable, replaced long before by somebody else: for a grace at most', record(), STABLE, got(), 6_600_000],
    ['stable, after a forced issue was lost: it may be dead already', record({ unknownOutcomes: 1 }), STABLE, got(), 6_300_000],
    ['stable, forced: at once', record(), STABLE, got({ forced: true }), 6_300_000],
  ])('%s', (_name, before, policy, answer, expected) => {
    expect(issued(before, policy, answer).previous?.diesAt).toBe(T + expected);
  });
});

describe('the same value again', () => {
  test('stable: not a new generation; asked again 5 s later, when it is inside the window', () => {
    const after = issued(record({ failure: failure() }), STABLE, got({ value: 'v3', sentAt: T + 6_905_000, lifetimeMs: 295_000 }));
    expect(after).toMatchObject({
      generation: 3,
      failure: null,
      refreshAt: T + 6_910_000,
      current: { issuedAt: T, expiresAt: T + 7_200_000 },
    });
  });

  test('stable: a value that a probe called dead stays dead', () => {
    expect(issued(record({ dead: true }), STABLE, got({ value: 'v3', lifetimeMs: 900_000 })).dead).toBe(true);
  });

  test('sliding: its life is renewed from now', () => {
    const after = issued(record(), SLIDING, got({ value: 'v3' }));
    expect(after).toMatchObject({ generation: 3, refreshAt: T + 6_300_000 + 6_600_000, current: { expiresAt: T + 13_500_000 } });
  });

  test('after a clock was set back its issue does not stay in the future', () => {
    expect(issued(record(), STABLE, got({ value: 'v3', sentAt: T - 60_000 })).current?.issuedAt).toBe(T - 60_000);
  });
});

describe('a lost answer', () => {
  const lost = (before: CredentialRecord, at: number, policy: RefreshPolicy = CLASSIC, forced = false): CredentialRecord =>
    outcomeUnknown(withIntent(before, T + at, forced), policy);

  test('classic, the first: suspect from the grace less the margin on', () => {
    expect(lost(record(), 6_300_000)).toMatchObject({ intent: null, unknownOutcomes: 1, suspectFrom: T + 6_570_000 });
  });
  test('classic, the second: at once', () => {
    expect(lost(lost(record(), 6_300_000), 6_400_000)).toMatchObject({ unknownOutcomes: 2, suspectFrom: T + 6_400_000 });
  });
  test('a second one later does not put the doubt off', () => {
    expect(lost(lost(record(), 6_300_000), 6_700_000).suspectFrom).toBe(T + 6_570_000);
  });
  test('stable, forced: at once', () => {
    expect(lost(record(), 100, STABLE, true)).toMatchObject({ unknownOutcomes: 1, suspectFrom: T + 100 });
  });
  test('with nothing to lose there is nothing to doubt', () => {
    expect(lost(record({ current: null }), 0).suspectFrom).toBeNull();
  });
  test('without an intent nothing was lost', () => {
    expect(outcomeUnknown(record(), CLASSIC)).toEqual(record());
  });
  test('alive settles it only when the grace of the last one is over', () => {
    const doubtful = lost(lost(record(), 0), 400_000);
    expect(probed(doubtful, 'alive', CLASSIC, T + 729_999)).toMatchObject({ unknownOutcomes: 2 });
    expect(suspect(probed(doubtful, 'alive', CLASSIC, T + 729_999), T + 729_999)).toBe(true);
    expect(probed(doubtful, 'alive', CLASSIC, T + 730_000)).toMatchObject({ unknownOutcomes: 0, suspectFrom: null });
  });
});

describe('an issue that is stored late', () => {
  const sent = withIntent(record({ counters: spend(record().counters, T, false) }), T + 6_300_000, false);
  const ours = issued(sent, CLASSIC, got({ value: 'v4' }));
  const counted = outcomeUnknown(sent, CLASSIC);

  test('may be when all that happened since is that it was counted as lost, or not even that', () => {
    expect(onlyCountedLost(ours, counted)).toBe(true);
    expect(onlyCountedLost(ours, sent)).toBe(true);
    expect(onlyCountedLost(ours, withIntent(counted, T + 6_350_000, false))).toBe(false);
    expect(onlyCountedLost(ours, withoutIntent(sent))).toBe(false);
    expect(onlyCountedLost(ours, { ...counted, counters: spend(counted.counters, T + 6_350_000, false) })).toBe(false);
    expect(onlyCountedLost(ours, issued(counted, CLASSIC, got({ value: 'v5' })))).toBe(false);
    expect(onlyCountedLost(ours, raced(counted, CLASSIC, T + 6_400_000))).toBe(false);
  });
  test('settles the doubt and keeps what others stored meanwhile', () => {
    const leak = { startedAt: T + 6_310_000, reason: 'seen', confirmedIssues: 0, neededIssues: 2, nextAt: T, finishedAt: null };
    const since = probed({ ...counted, leak, lastVerifiedAt: T + 5, saves: 12 }, 'dead', CLASSIC, T + 6_700_000);
    expect(storedLate(ours, since)).toMatchObject({
      ...{ generation: 4, saves: 12, dead: false, unknownOutcomes: 0, suspectFrom: null, lastVerifiedAt: T + 5, leak },
      current: { value: 'v4' },
      previous: { value: 'v3' },
    });
  });
  test('counts the step of a leak procedure that it was', () => {
    const leak = { startedAt: T, reason: 'seen', confirmedIssues: 0, neededIssues: 2, nextAt: T, finishedAt: null };
    const step = { ...ours, leak: { ...leak, confirmedIssues: 1 } };
    expect(storedLate(step, { ...counted, leak }).leak).toMatchObject({ confirmedIssues: 1 });
  });
});

describe('looks after a takeover', () => {
  const over = takenOver(record(), CLASSIC, T);
  test('begin when a kill could show, and move on to the value that replaces', () => {
    expect(over.probeAt).toBe(T + 330_000);
    expect(issued(over, CLASSIC, got()).probeAt).toBe(T + 6_300_000 + 330_000);
    expect(issued(record(), CLASSIC, got()).probeAt).toBeNull();
  });
  test('that are owed are not put off by one more takeover', () => {
    expect(takenOver(over, CLASSIC, T + 329_000).probeAt).toBe(T + 330_000);
    expect(takenOver({ ...over, probeAt: T + 900_000 }, CLASSIC, T).probeAt).toBe(T + 330_000);
  });
  test('go on each minute until a third grace is over', () => {
    expect(probed(over, 'alive', CLASSIC, T + 330_000).probeAt).toBe(T + 390_000);
    expect(probed(over, 'alive', CLASSIC, T + 989_999).probeAt).toBe(T + 1_049_999);
    expect(probed(over, 'alive', CLASSIC, T + 990_000).probeAt).toBeNull();
  });
  test('go on for an old value too, when a lost call may still kill it', () => {
    const old = takenOver(outcomeUnknown(withIntent(record(), T + 7_000_000, false), CLASSIC), CLASSIC, T + 7_000_000);
    expect(probed(old, 'alive', CLASSIC, T + 7_330_000).probeAt).toBe(T + 7_390_000);
    expect(probed(old, 'alive', CLASSIC, T + 7_990_000).probeAt).toBeNull();
  });
  test('begin anew with the value that replaces the dead one', () => {
    const dead = probed(over, 'dead', CLASSIC, T + 100_000);
    expect(nextAttemptAt(dead)).toBe(0);
    expect(issued(dead, CLASSIC, got({ sentAt: T + 100_000 })).probeAt).toBe(T + 430_000);
  });
  test('of a restored copy are not hurried by a doubt that lasts as long as its value', () => {
    const copy = takenOver(restored(record(), T), CLASSIC, T);
    expect(probed(copy, 'alive', CLASSIC, T + 990_000).probeAt).toBeNull();
  });
  test('find the dead', () => {
    expect(probed(over, 'dead', CLASSIC, T + 330_000)).toMatchObject({ probeAt: T + 330_000, dead: true });
  });
  test('that said nothing come again, ever more seldom', () => {
    expect(probed(over, 'unknown', CLASSIC, T + 330_000).probeAt).toBe(T + 340_000);
    expect(probed(over, 'unknown', CLASSIC, T + 3_600_000).probeAt).toBe(T + 5_400_000);
    expect(probed(over, 'unknown', CLASSIC, T + 1).probeAt).toBe(T + 330_000);
  });
  test('are not owed where no issue kills', () => {
    expect(takenOver(record(), STABLE, T).probeAt).toBeNull();
    expect(takenOver(record({ intent: { at: T, forced: true } }), STABLE, T).probeAt).toBe(T + 330_000);
  });
});
