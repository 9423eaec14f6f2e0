/**
 * Every way a record can change, as pure functions from record to record.
 *
 * Invariant: a failure, a doubt or a probe never removes `current`; only a newly issued value replaces it.
 */

import type { CredentialRecord } from './credential.ts';
import type { Failure } from './failure.ts';
import type { ProbeVerdict } from './kind.ts';
import { graceOverMs, plannedRefreshAt, type RefreshPolicy, STABLE_GRACE_MS, survivesIssueMs } from './policy.ts';

/** Asked inside our window, upstream still gave the same value: its window opens any moment. */
const SAME_VALUE_RETRY_MS = 5000;
/** A probe that said nothing: again this soon while the grace it guards may be running. */
const PROBE_RETRY_MS = 10_000;
/** After a takeover: look this often, from the end of the first grace to the end of a second. */
const LOOK_EVERY_MS = 60_000;

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
  const suspectFrom = Math.min(doubtFrom(record, policy, intent), record.suspectFrom ?? Number.POSITIVE_INFINITY);
  return {
    ...record,
    intent: null,
    unknownOutcomes,
    suspectFrom: record.current ? suspectFrom : null,
    doubtEndsAt: Math.max(record.doubtEndsAt, intent.at + graceOverMs(policy)),
  };
}

/** From when on a call whose outcome is lost puts this record's current in doubt. */
export function doubtFrom(
  record: CredentialRecord,
  policy: RefreshPolicy,
  call: { readonly at: number; readonly forced: boolean },
): number {
  return call.at + (record.unknownOutcomes > 0 ? 0 : survivesIssueMs(policy, call.forced));
}

/** Two issues raced upstream: whichever is stored, the other may be the one that lives. */
export function raced(record: CredentialRecord, policy: RefreshPolicy, now: number): CredentialRecord {
  return {
    ...record,
    unknownOutcomes: record.unknownOutcomes + 1,
    suspectFrom: record.current ? now : null,
    doubtEndsAt: Math.max(record.doubtEndsAt, now + graceOverMs(policy)),
  };
}

/**
 * Whether all that a later holder stored is that our issue counts as lost. Every issue that may kill is counted before it
 * is sent, so nobody has asked since, and ours is the last issued. A second doubt may be somebody else's race: not ours to
 * settle.
 */
export function onlyCountedLost(ours: CredentialRecord, stored: CredentialRecord): boolean {
  const { issuesToday, callsThisMinute, minute, lastForcedAt } = stored.counters;
  const isCounted = issuesToday === ours.counters.issuesToday && callsThisMinute === ours.counters.callsThisMinute;
  const isSameTime = minute === ours.counters.minute && lastForcedAt === ours.counters.lastForcedAt;
  // Counted as lost, or its intent still stands: whoever had the lease then stored nothing at all.
  const isOneDoubt = stored.unknownOutcomes + (stored.intent === null ? 0 : 1) === 1;
  return stored.generation + 1 === ours.generation && isOneDoubt && isCounted && isSameTime;
}

/** Our issue stored after all, on what was stored since: a leak procedure that began meanwhile goes on. */
export function storedLate(ours: CredentialRecord, stored: CredentialRecord): CredentialRecord {
  const { current, previous, generation, refreshAt, secret } = ours;
  const sameLeak = ours.leak !== null && ours.leak.startedAt === stored.leak?.startedAt;
  return {
    ...stored,
    ...{ current, previous, generation, refreshAt, secret },
    ...{ dead: false, intent: null, unknownOutcomes: 0, suspectFrom: null, failure: null, budgetOpensAt: 0 },
    leak: sameLeak ? ours.leak : stored.leak,
  };
}

/**
 * The record is a copy of before: the original may have replaced the current since, and may do so any moment. No probe
 * ends that doubt for this value, only an issue does; nothing of before keeps one back.
 */
export function restored(record: CredentialRecord, now: number): CredentialRecord {
  const { current } = record;
  return {
    ...record,
    saves: record.saves + 1,
    unknownOutcomes: record.unknownOutcomes + 1,
    suspectFrom: current ? now : null,
    doubtEndsAt: Math.max(record.doubtEndsAt, current?.expiresAt ?? 0),
    failure: null,
    budgetOpensAt: 0,
  };
}

/**
 * The lease was taken over from a holder that may only be paused, and may still send. What it replaces works on for the
 * grace, so a probe can tell only after that: look then, and a few times more. Only where an issue kills.
 */
export function takenOver(record: CredentialRecord, policy: RefreshPolicy, now: number): CredentialRecord {
  const canKill = policy.type === 'rotate-with-grace' || record.intent?.forced === true;
  // A look that is owed already stays where it is: holders that die one after the other must not put it off.
  return canKill ? { ...record, probeAt: Math.min(record.probeAt ?? Number.POSITIVE_INFINITY, now + graceOverMs(policy)) } : record;
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
    // Looks that are still owed move on to the new value: that is the one a paused holder would kill.
    probeAt: record.probeAt === null ? null : got.sentAt + graceOverMs(policy),
  };
}

/** How long the replaced value may still work. Upstream keeps only the latest two: after a lost answer, not at all. */
function previousDiesAt(record: CredentialRecord, policy: RefreshPolicy, got: Issued): number {
  const ownEnd = record.current?.expiresAt ?? got.sentAt;
  if (got.forced || record.dead || record.unknownOutcomes > 0) return got.sentAt;
  if (policy.type === 'rotate-with-grace') return Math.min(ownEnd, got.sentAt + policy.graceMs);
  return policy.type === 'stable-window' ? Math.min(ownEnd, got.sentAt + STABLE_GRACE_MS) : ownEnd;
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
export function probed(record: CredentialRecord, verdict: ProbeVerdict, policy: RefreshPolicy, now: number): CredentialRecord {
  // Looks that are owed go on with the value that replaces it: a paused holder may still send.
  if (verdict === 'dead') return { ...record, dead: true };
  if (verdict === 'unknown') return { ...record, probeAt: lookAgainAt(record, policy, now) };
  const settled = record.suspectFrom !== null && now >= record.doubtEndsAt;
  // A holder that was paused for two graces and then sends is found out by the end of the third.
  const isLookedAfter = lookedForMs(record, policy, now) < 3 * graceOverMs(policy);
  return {
    ...record,
    dead: false,
    probeAt: record.probeAt !== null && isLookedAfter ? Math.max(record.probeAt, now + LOOK_EVERY_MS) : null,
    suspectFrom: settled ? null : record.suspectFrom,
    unknownOutcomes: settled ? 0 : record.unknownOutcomes,
  };
}

/** A look that is owed and said nothing: soon again while the value is young, then more and more seldom. */
function lookAgainAt(record: CredentialRecord, policy: RefreshPolicy, now: number): number | null {
  if (record.probeAt === null || now < record.probeAt) return record.probeAt;
  const lookedFor = lookedForMs(record, policy, now);
  return now + (lookedFor < 3 * graceOverMs(policy) ? PROBE_RETRY_MS : Math.floor(lookedFor / 2));
}

/** For how long a paused holder's kill has been looked for: since the value was issued, or the lost call was counted. */
function lookedForMs(record: CredentialRecord, policy: RefreshPolicy, now: number): number {
  const lostAt = record.doubtEndsAt - graceOverMs(policy);
  // The doubt of a restored copy lasts as long as its value, and says nothing of when a call was lost.
  return now - Math.max(record.current?.issuedAt ?? now, lostAt <= now ? lostAt : 0);
}
