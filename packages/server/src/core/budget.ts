/** WeChat's limits on issues, counted in the record (so: in the store), and who may still spend of them. */

import { beijingDay, nextBeijingMidnight } from './backoff.ts';
import type { CredentialRecord, IssueCounters } from './credential.ts';
import type { IssueReason } from './events.ts';
import type { IssueLimits } from './kind.ts';
import { usable } from './schedule.ts';

/** The counters as of now: a new day or minute starts at zero. */
export function countersAt(counters: IssueCounters, now: number): IssueCounters {
  const day = beijingDay(now);
  const minute = Math.floor(now / 60_000);
  return {
    day,
    issuesToday: counters.day === day ? counters.issuesToday : 0,
    forcedToday: counters.day === day ? counters.forcedToday : 0,
    minute,
    callsThisMinute: counters.minute === minute ? counters.callsThisMinute : 0,
    lastForcedAt: counters.lastForcedAt,
  };
}

/** One call about to be sent. */
export function spend(counters: IssueCounters, now: number, forced: boolean): IssueCounters {
  const fresh = countersAt(counters, now);
  return {
    ...fresh,
    issuesToday: fresh.issuesToday + 1,
    callsThisMinute: fresh.callsThisMinute + 1,
    forcedToday: fresh.forcedToday + (forced ? 1 : 0),
    lastForcedAt: forced ? now : fresh.lastForcedAt,
  };
}

/** The call certainly issued nothing: the day's count is given back, the minute's and the spacing stay spent. */
export function refund(counters: IssueCounters, forced: boolean): IssueCounters {
  return {
    ...counters,
    issuesToday: Math.max(0, counters.issuesToday - 1),
    forcedToday: Math.max(0, counters.forcedToday - (forced ? 1 : 0)),
  };
}

/**
 * The instant from which this issue may be made; `now` or earlier = at once. A credential that nobody can use any
 * more is not kept from being issued by our own count of the day: upstream's answer decides then.
 */
export function allowedAt(record: CredentialRecord, limits: IssueLimits, reason: IssueReason, forced: boolean, now: number): number {
  const counters = countersAt(record.counters, now);
  const waits = [now];
  if (counters.callsThisMinute >= limits.callsPerMinute) waits.push((counters.minute + 1) * 60_000);
  const elective = reason === 'report' || reason === 'ordered';
  const dayLimit = limits.issuesPerDay - (elective ? limits.scheduledReserve : 0);
  if (counters.issuesToday >= dayLimit && (elective || usable(record, now))) waits.push(nextBeijingMidnight(now));
  if (forced) {
    const forcedLimit = limits.forcedPerDay - (reason === 'leak' ? 0 : limits.forcedLeakReserve);
    if (counters.forcedToday >= forcedLimit) waits.push(nextBeijingMidnight(now));
    // After a clock was set back the last one lies ahead: when it really was nobody knows, and upstream counts, too.
    if (counters.lastForcedAt <= now) waits.push(counters.lastForcedAt + limits.forcedSpacingMs);
  }
  return Math.max(...waits);
}
