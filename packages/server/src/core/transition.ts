/**
 * Every way a record can change, as pure functions from record to record.
 *
 * Invariant: a failure, a doubt or a probe never removes `current`; only a newly issued value replaces it.
 */

import type { CredentialRecord } from './credential.ts';
import type { Failure } from './failure.ts';
import type { ProbeVerdict } from './kind.ts';
import { GRACE_MARGIN_MS, plannedRefreshAt, type RefreshPolicy, survivesIssueMs } from './policy.ts';

/** Asked inside our window, upstream still gave the same value: its window opens any moment. */
const SAME_VALUE_RETRY_MS = 5000;

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
  return { ...record, intent: null, unknownOutcomes, suspectFrom: record.current ? suspectFrom : null };
}

/** Two issues raced upstream: whichever is stored, the other may be the one that lives. */
export function raced(record: CredentialRecord, now: number): CredentialRecord {
  return { ...record, unknownOutcomes: record.unknownOutcomes + 1, suspectFrom: record.current ? now : null };
}

export interface Issued {
  readonly value: string;
  readonly fingerprint: string;
  /** When the request was sent. */
  readonly sentAt: number;
  readonly lifetimeMs: number;
  readonly forced: boolean;
  /** The lease was taken over from a holder that may still be acting. */
  readonly takenOver: boolean;
  /** Random in [0, 1), for the jitter of the next refresh. */
  readonly unit: number;
}

/** Upstream gave a value. The same value again is a longer look at the same generation, not a new one. */
export function issued(record: CredentialRecord, policy: RefreshPolicy, got: Issued): CredentialRecord {
  const same = record.current?.value === got.value;
  const expiresAt = got.sentAt + got.lifetimeMs;
  const issuedAt = same && record.current ? record.current.issuedAt : got.sentAt;
  const planned = plannedRefreshAt(policy, policy.type === 'sliding' ? got.sentAt : issuedAt, expiresAt, got.unit);
  const settled = {
    ...record,
    current: { value: got.value, fingerprint: got.fingerprint, issuedAt, expiresAt },
    refreshAt: same ? Math.max(planned, got.sentAt + SAME_VALUE_RETRY_MS) : planned,
    intent: null,
    unknownOutcomes: 0,
    suspectFrom: null,
    failure: null,
  };
  if (same) return settled;
  return {
    ...settled,
    generation: record.generation + 1,
    previous: record.current && { ...record.current, diesAt: previousDiesAt(record, policy, got) },
    dead: false,
    // A holder that lost its lease by time may still send: look once more before this value's grace could end.
    probeAt: got.takenOver && policy.type === 'rotate-with-grace' ? got.sentAt + policy.graceMs - GRACE_MARGIN_MS : null,
  };
}

/** How long the replaced value may still work. Upstream keeps only the latest two: after a lost answer, not at all. */
function previousDiesAt(record: CredentialRecord, policy: RefreshPolicy, got: Issued): number {
  const ownEnd = record.current?.expiresAt ?? got.sentAt;
  if (got.forced || record.dead) return got.sentAt;
  if (policy.type !== 'rotate-with-grace') return ownEnd;
  return record.unknownOutcomes > 0 ? got.sentAt : Math.min(ownEnd, got.sentAt + policy.graceMs);
}

/** An issue failed. While the current is within the grace of a single unknown outcome, wait that grace out. */
export function failed(record: CredentialRecord, failure: Failure): CredentialRecord {
  return { ...record, failure };
}

/**
 * What a probe said. `alive` settles a doubt only once the grace of the doubtful issue is over, for within it the
 * old value works either way.
 */
export function probed(record: CredentialRecord, verdict: ProbeVerdict, policy: RefreshPolicy, now: number): CredentialRecord {
  if (verdict === 'dead') return { ...record, dead: true, probeAt: null };
  if (verdict === 'unknown') return record;
  const graceMs = policy.type === 'rotate-with-grace' ? policy.graceMs + GRACE_MARGIN_MS : 0;
  const settled = record.suspectFrom !== null && now >= record.suspectFrom + graceMs;
  return {
    ...record,
    dead: false,
    probeAt: null,
    suspectFrom: settled ? null : record.suspectFrom,
    unknownOutcomes: settled ? 0 : record.unknownOutcomes,
  };
}
