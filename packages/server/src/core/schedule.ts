/**
 * The rules of the product, as named predicates: pure functions of (record, policy, now).
 *
 * `now` is store time. I/O is around these, never in them.
 */

import type { CredentialRecord } from './credential.ts';
import type { CredentialState } from './events.ts';
import { INTENT_LAG_MS, type RefreshPolicy, survivesIssueMs } from './policy.ts';

/** What a credential in doubt is said to live: come back soon, but do not spin. */
export const SUSPECT_LIFETIME_MS = 10_000;
/** An instant this far ahead of now was not written by a clock that agrees with ours. */
const CLOCK_TOLERANCE_MS = 5000;
const NEVER = Number.POSITIVE_INFINITY;

/** There is a current value, no probe called it dead, and its own life is not over. */
export function usable(record: CredentialRecord, now: number): boolean {
  return record.current !== null && !record.dead && now < record.current.expiresAt;
}

/** An unknown outcome may have killed the current by now. */
export function suspect(record: CredentialRecord, now: number): boolean {
  return record.suspectFrom !== null && now >= record.suspectFrom;
}

/** Nothing usable: callers have to wait for a refresh. */
export function mustRefresh(record: CredentialRecord, now: number): boolean {
  return !usable(record, now);
}

/** The clock was set back behind the issue: the life that the record tells of is longer than the real one. */
export function issuedInFuture(record: CredentialRecord, now: number): boolean {
  return record.current !== null && record.current.issuedAt > now + CLOCK_TOLERANCE_MS;
}

/**
 * When the next refresh is wanted: as planned, or once the grace of a lost answer is over. Asking earlier would kill a
 * current that is still alive for that grace.
 */
export function refreshDueAt(record: CredentialRecord): number {
  if (record.current === null || record.dead) return 0;
  return Math.min(record.suspectFrom ?? record.refreshAt, record.current.expiresAt);
}

/** Inside the refresh window, or in doubt: refresh in the background, serve on. */
export function shouldRefresh(record: CredentialRecord, now: number): boolean {
  return now >= refreshDueAt(record) || issuedInFuture(record, now);
}

/**
 * A failure's backoff is still running, or our own budget is closed. A changed AppSecret ends a backoff: what failed
 * may work now. So does a clock set back behind the failure.
 */
export function backingOff(record: CredentialRecord, secretRevision: number, now: number): boolean {
  return now < record.budgetOpensAt || failureHolds(record, secretRevision, now);
}

/** The failure half of it. */
export function failureHolds(record: CredentialRecord, secretRevision: number, now: number): boolean {
  const { failure } = record;
  return failure !== null && now < failure.retryAt && now >= failure.at - CLOCK_TOLERANCE_MS && record.secret.revision === secretRevision;
}

/** A probe is owed and its time has come. */
export function probeDue(record: CredentialRecord, now: number): boolean {
  return record.probeAt !== null && now >= record.probeAt && usable(record, now);
}

/** What is left of the cool-down after the last verification, ms; 0 or less = over. */
export function coolingMs(record: CredentialRecord, cooldownMs: number, now: number): number {
  return record.lastVerifiedAt > now + CLOCK_TOLERANCE_MS ? 0 : record.lastVerifiedAt + cooldownMs - now;
}

/**
 * The instant up to which a caller may cache blindly. The planned refresh counts as happening at `refreshAt`, or any
 * moment after `knownAt` when that has passed; an issue in the air counts from its intent.
 * `knownAt`: up to then we know that nobody has refreshed; before now only while the store is away.
 */
export function honestUntil(record: CredentialRecord, policy: RefreshPolicy, now: number, knownAt = now): number {
  const { current, intent, suspectFrom } = record;
  if (current === null || record.dead) return now;
  // Nobody knows how much of its life is left until it was asked for again, which is being done.
  if (issuedInFuture(record, now)) return Math.min(current.expiresAt, now + SUSPECT_LIFETIME_MS);
  const bySchedule = Math.max(record.refreshAt, Math.min(knownAt, now)) + survivesIssueMs(policy, false) - INTENT_LAG_MS;
  const byIntent = intent ? intent.at + survivesIssueMs(policy, intent.forced) : NEVER;
  const honest = Math.min(current.expiresAt, bySchedule, byIntent, suspectFrom ?? NEVER);
  return honest > now ? honest : Math.min(current.expiresAt, now + SUSPECT_LIFETIME_MS);
}

/**
 * Who knows nothing later than `knownAt` must take it that the current is dead by now: its planned refresh has passed,
 * and so has what a value lives on after one.
 */
export function outlived(record: CredentialRecord, policy: RefreshPolicy, now: number, knownAt: number): boolean {
  return now >= Math.max(record.refreshAt, Math.min(knownAt, now)) + survivesIssueMs(policy, false) - INTENT_LAG_MS;
}

/** A value that is not stored, as the others treat it: they issue again from `othersFrom` on. */
export function asOthersPlan(record: CredentialRecord, othersFrom: number): CredentialRecord {
  return { ...record, refreshAt: Math.min(record.refreshAt, othersFrom) };
}

/** What is left of `honestUntil`, never negative. */
export function honestRemaining(record: CredentialRecord, policy: RefreshPolicy, now: number, knownAt = now): number {
  return Math.max(0, honestUntil(record, policy, now, knownAt) - now);
}

/** The state a person would name. */
export function stateOf(record: CredentialRecord, now: number): CredentialState {
  if (record.current === null) return 'missing';
  if (record.dead) return 'dead';
  if (now >= record.current.expiresAt) return 'expired';
  if (suspect(record, now)) return 'suspect';
  return now >= record.refreshAt ? 'due' : 'fresh';
}

/** When the credential wants work again; 0 = at once. */
export function nextAttemptAt(record: CredentialRecord): number {
  const { failure, intent, leak } = record;
  const allowedAt = Math.max(refreshDueAt(record), failure?.retryAt ?? 0, record.budgetOpensAt);
  const probeAt = record.dead ? NEVER : (record.probeAt ?? NEVER);
  const leakAt = leak && leak.finishedAt === null ? Math.max(leak.nextAt, failure?.retryAt ?? 0) : NEVER;
  // A stored intent is due as soon as its lease is over: its holder died, and somebody has to count the lost answer.
  return Math.min(intent?.at ?? NEVER, allowedAt, probeAt, leakAt);
}
