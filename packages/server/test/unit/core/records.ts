/** Records for tables, and random ones for properties. */

import fc from 'fast-check';
import { type CredentialRecord, emptyRecord } from '../../../src/core/credential.ts';

export const ID = { account: 'app', kind: 'access_token', chain: 'classic' };
export const T = 1_772_323_200_000;

/** Issued at T, lives two hours, refresh planned at 6300 s. */
export function record(changes: Partial<CredentialRecord> = {}): CredentialRecord {
  return {
    ...emptyRecord(ID),
    generation: 3,
    saves: 7,
    current: { value: 'v3', fingerprint: 'f3', issuedAt: T, expiresAt: T + 7_200_000 },
    refreshAt: T + 6_300_000,
    ...changes,
  };
}

export const failure = (changes: Partial<NonNullable<CredentialRecord['failure']>> = {}): NonNullable<CredentialRecord['failure']> => ({
  class: 'transient',
  message: 'told',
  advice: { en: 'a', zh: '甲' },
  at: T,
  attempts: 1,
  retryAt: T + 1000,
  ...changes,
});

const instant = fc.integer({ min: T - 10_000_000, max: T + 10_000_000 });
const maybe = <V>(value: fc.Arbitrary<V>): fc.Arbitrary<V | null> => fc.option(value, { nil: null });
const credential = fc.record({ value: fc.string({ minLength: 1 }), fingerprint: fc.string(), issuedAt: instant, expiresAt: instant });

/** Any record that could be stored, sensible or not. */
export const anyRecord: fc.Arbitrary<CredentialRecord> = fc.record({
  id: fc.constant(ID),
  generation: fc.nat(1000),
  saves: fc.nat(1000),
  current: maybe(credential),
  previous: maybe(
    fc.record({ value: fc.string({ minLength: 1 }), fingerprint: fc.string(), issuedAt: instant, expiresAt: instant, diesAt: instant }),
  ),
  refreshAt: instant,
  intent: maybe(fc.record({ at: instant, forced: fc.boolean() })),
  unknownOutcomes: fc.nat(3),
  suspectFrom: maybe(instant),
  doubtEndsAt: instant,
  dead: fc.boolean(),
  failure: maybe(instant.map((at) => failure({ at, retryAt: at + 5000 }))),
  budgetOpensAt: fc.oneof(fc.constant(0), instant),
  probeAt: maybe(instant),
  lastVerifiedAt: fc.oneof(fc.constant(0), instant),
  counters: fc.record({
    day: fc.integer({ min: 20_500, max: 20_530 }),
    issuesToday: fc.nat(2100),
    forcedToday: fc.nat(25),
    minute: fc.integer({ min: 29_538_000, max: 29_540_000 }),
    callsThisMinute: fc.nat(11_000),
    lastForcedAt: fc.oneof(fc.constant(0), instant),
  }),
  secret: fc.record({ revision: fc.nat(5), slot: fc.nat(1), fallbackTried: fc.boolean() }),
  leak: maybe(
    fc.record({
      startedAt: instant,
      reason: fc.string(),
      confirmedIssues: fc.nat(2),
      neededIssues: fc.constant(2),
      nextAt: instant,
      finishedAt: maybe(instant),
    }),
  ),
  foreignRefreshAt: maybe(instant),
});

export const anyInstant = instant;
