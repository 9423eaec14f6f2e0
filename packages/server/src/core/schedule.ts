/**
 * The rules of the product, as named predicates: pure functions of (record, policy, now).
 *
 * `now` is store time. I/O is around these, never in them.
 */

import type { CredentialRecord } from './credential.ts';
import type { CredentialState } from './events.ts';
import { type RefreshPolicy, survivesIssueMs } from './policy.ts';

/** What a suspect credential is said to live: come back soon, but do not spin. */
export const SUSPECT_LIFETIME_MS = 10_000;

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

/** Inside the refresh window, or in doubt: refresh in the background, serve on. */
export function shouldRefresh(record: CredentialRecord, now: number): boolean {
  return mustRefresh(record, now) || now >= record.refreshAt || suspect(record, now);
}

/** A failure's backoff is still running. A changed AppSecret ends it: what failed may work now. */
export function backingOff(record: CredentialRecord, secretRevision: number, now: number): boolean {
  return record.failure !== null && now < record.failure.retryAt && record.secret.revision === secretRevision;
}

/**
 * The instant up to which a caller may cache blindly. The planned refresh counts as happening at `refreshAt`,
 * or any moment from now on when that has passed; an issue in the air counts from its intent.
 */
export function honestUntil(record: CredentialRecord, policy: RefreshPolicy, now: number): number {
  if (record.current === null || record.dead) return now;
  const { expiresAt } = record.current;
  const bySchedule = Math.max(record.refreshAt, now) + survivesIssueMs(policy, false);
  const byIntent = record.intent ? record.intent.at + survivesIssueMs(policy, record.intent.forced) : bySchedule;
  const byDoubt = record.suspectFrom ?? bySchedule;
  const honest = Math.min(expiresAt, bySchedule, byIntent, byDoubt);
  return Math.max(honest, Math.min(expiresAt, now + SUSPECT_LIFETIME_MS));
}

/** What is left of `honestUntil`, never negative. */
export function honestRemaining(record: CredentialRecord, policy: RefreshPolicy, now: number): number {
  return Math.max(0, honestUntil(record, policy, now) - now);
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
  const { current, dead, refreshAt, suspectFrom, probeAt, failure, leak } = record;
  const wanted =
    current === null || dead ? 0 : Math.min(refreshAt, suspectFrom ?? Number.POSITIVE_INFINITY, probeAt ?? Number.POSITIVE_INFINITY);
  const allowed = Math.max(wanted, failure?.retryAt ?? 0);
  return leak && leak.finishedAt === null ? Math.min(allowed, leak.nextAt) : allowed;
}
