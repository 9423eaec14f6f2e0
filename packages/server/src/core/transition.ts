/**
 * Every way a record can change, as pure functions from record to record.
 *
 * Invariant: a failure, a doubt or a probe never removes `current`; only a newly issued value replaces it.
 */

import type { CredentialRecord } from './credential.ts';
import type { Failure } from './failure.ts';
import type { ProbeVerdict } from './kind.ts';
import { doubtLastsMs, lookAgainMs, plannedRefreshAt, type RefreshPolicy, survivesIssueMs } from './policy.ts';

/** Asked inside our window, upstream still gave the same value: its window opens any moment. */
const SAME_VALUE_RETRY_MS = 5000;
/** A probe that said nothing: again this soon while the grace it guards may be running. */
const PROBE_RETRY_MS = 10_000;
const YOUNG_MS = 330_000;

/** About to send a call that may kill the current. */
export function withIntent(record: CredentialRecord, at: number, forced: boolean): CredentialRecord {
  return { ...record, intent: { at, forced } };
}

/** The call certainly issued nothing. */
export function withoutIntent(record: CredentialRecord): CredentialRecord {
  return { ...record, intent: null };
}

/**
 * Nobody knows whether the call of the intent issued. The first such call leaves the current alive for its grace;
 * a second, or a forced one, may have killed it already.
 */
export function outcomeUnknown(record: CredentialRecord, policy: RefreshPolicy): CredentialRecord {
  const { intent } = record;
  if (intent === null) return record;
  const unknownOutcomes = record.unknownOutcomes + 1;
  const doubtFrom = intent.at + (unknownOutcomes > 1 ? 0 : survivesIssueMs(policy, intent.forced));
  const suspectFrom = Math.min(doubtFrom, record.suspectFrom ?? Number.POSITIVE_INFINITY);
  return {
    ...record,
    intent: null,
    unknownOutcomes,
    suspectFrom: record.current ? suspectFrom : null,
    doubtEndsAt: Math.max(record.doubtEndsAt, intent.at + doubtLastsMs(policy)),
  };
}

/** Two issues raced upstream: whichever is stored, the other may be the one that lives. */
export function raced(record: CredentialRecord, policy: RefreshPolicy, now: number): CredentialRecord {
  return {
    ...record,
    unknownOutcomes: record.unknownOutcomes + 1,
    suspectFrom: record.current ? now : null,
    doubtEndsAt: Math.max(record.doubtEndsAt, now + doubtLastsMs(policy)),
  };
}

/**
 * The lease was taken over from a holder that may only be paused, and may still send: look at the current once more
 * before the grace of such an issue could end. Only where an issue kills.
 */
export function takenOver(record: CredentialRecord, policy: RefreshPolicy, now: number): CredentialRecord {
  const canKill = policy.type === 'rotate-with-grace' || record.intent?.forced === true;
  return canKill ? { ...record, probeAt: now + lookAgainMs(policy) } : record;
}

export interface Issued {
  readonly value: string;
  readonly fingerprint: string;
  /** When the request was sent. */
  readonly sentAt: number;
  readonly lifetimeMs: number;
  readonly forced: boolean;
  /** Random in [0, 1), for the jitter of the next refresh. */
  readonly unit: number;
}

/** Upstream gave a value. The same value again is a longer look at the same generation, not a new one. */
export function issued(record: CredentialRecord, policy: RefreshPolicy, got: Issued): CredentialRecord {
  const same = record.current?.value === got.value;
  const expiresAt = got.sentAt + got.lifetimeMs;
  // Never later than now: the clock may have been set back since.
  const issuedAt = same && record.current ? Math.min(record.current.issuedAt, got.sentAt) : got.sentAt;
  const planned = plannedRefreshAt(policy, policy.type === 'sliding' ? got.sentAt : issuedAt, expiresAt, got.unit);
  const settled = {
    ...record,
    current: { value: got.value, fingerprint: got.fingerprint, issuedAt, expiresAt },
    refreshAt: same ? Math.max(planned, got.sentAt + SAME_VALUE_RETRY_MS) : planned,
    intent: null,
    unknownOutcomes: 0,
    suspectFrom: null,
    failure: null,
    budgetOpensAt: 0,
  };
  if (same) return settled;
  return {
    ...settled,
    generation: record.generation + 1,
    previous: record.current && { ...record.current, diesAt: previousDiesAt(record, policy, got) },
    dead: false,
    // A look that is still owed moves on to the new value: that is the one a paused holder would kill.
    probeAt: record.probeAt === null ? null : got.sentAt + lookAgainMs(policy),
  };
}

/** How long the replaced value may still work. Upstream keeps only the latest two: after a lost answer, not at all. */
function previousDiesAt(record: CredentialRecord, policy: RefreshPolicy, got: Issued): number {
  const ownEnd = record.current?.expiresAt ?? got.sentAt;
  if (got.forced || record.dead) return got.sentAt;
  if (policy.type !== 'rotate-with-grace') return ownEnd;
  return record.unknownOutcomes > 0 ? got.sentAt : Math.min(ownEnd, got.sentAt + policy.graceMs);
}

/** An issue failed. */
export function failed(record: CredentialRecord, failure: Failure): CredentialRecord {
  return { ...record, failure };
}

/** Our own limits allow no issue before `until`. */
export function heldBack(record: CredentialRecord, until: number): CredentialRecord {
  return { ...record, budgetOpensAt: until };
}

/**
 * What a probe said. `alive` settles a doubt only once the grace of the doubtful issue is over, for within it the
 * old value works either way. `unknown` changes nothing but when to look again.
 */
export function probed(record: CredentialRecord, verdict: ProbeVerdict, now: number): CredentialRecord {
  if (verdict === 'dead') return { ...record, dead: true, probeAt: null };
  if (verdict === 'unknown') return { ...record, probeAt: lookAgainAt(record, now) };
  const settled = record.suspectFrom !== null && now >= record.doubtEndsAt;
  return {
    ...record,
    dead: false,
    probeAt: null,
    suspectFrom: settled ? null : record.suspectFrom,
    unknownOutcomes: settled ? 0 : record.unknownOutcomes,
  };
}

/** A look that is owed and said nothing: soon again while the value is young, then more and more seldom. */
function lookAgainAt(record: CredentialRecord, now: number): number | null {
  if (record.probeAt === null || now < record.probeAt) return record.probeAt;
  const ageMs = now - (record.current?.issuedAt ?? now);
  return now + (ageMs < YOUNG_MS ? PROBE_RETRY_MS : Math.floor(ageMs / 2));
}
