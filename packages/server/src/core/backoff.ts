/** How long a failure keeps us from asking again: the class's table, WeChat's own word, and the day's end for quotas. */

import { FAILURE_CLASSES, type Failure, type UpstreamFailure } from './failure.ts';

const DAY_MS = 86_400_000;
/** WeChat counts days in Beijing time; the reset at 00:00 +08:00 is assumed, not documented. */
const BEIJING_OFFSET_MS = 8 * 3_600_000;

/** Days since the epoch in +08:00. */
export const beijingDay = (now: number): number => Math.floor((now + BEIJING_OFFSET_MS) / DAY_MS);

/** The next 00:00 +08:00. */
export const nextBeijingMidnight = (now: number): number => (beijingDay(now) + 1) * DAY_MS - BEIJING_OFFSET_MS;

/**
 * The failure as the record keeps it. `unit` in [0, 1) spreads the waits by up to 20 %, so that accounts that
 * failed together do not knock together. A failure of the same class as before counts on.
 */
export function backedOff(upstream: UpstreamFailure, before: Failure | null, now: number, unit: number): Failure {
  const attempts = before?.class === upstream.class ? before.attempts + 1 : 1;
  const { backoffMs } = FAILURE_CLASSES[upstream.class];
  const step = backoffMs[Math.min(attempts, backoffMs.length) - 1] ?? 1000;
  const base = Math.min(step, upstream.retryWithinMs ?? step);
  const spread = Math.max(base, upstream.retryAfterMs ?? 0) * (1 + unit * 0.2);
  // A day's quota: past midnight if that comes first, but not everybody at 00:00:00.
  const untilReset = nextBeijingMidnight(now) - now + 60_000 * (1 + unit);
  return {
    ...upstream,
    at: now,
    attempts,
    retryAt: Math.ceil(now + (upstream.class === 'rate-day' ? Math.min(spread, untilReset) : spread)),
  };
}
