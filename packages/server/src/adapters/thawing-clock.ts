/**
 * A clock for hosts that freeze a process between two requests, where the monotonic clock may stand still meanwhile.
 *
 * When the wall clock has gone on by more than the monotonic one, the process was frozen for the difference, and that is
 * added. A wall clock that was set ahead looks the same: values then count as older than they are until the store is asked
 * again, which is the safe side. One that was set back changes nothing.
 */

import type { Clock } from '../core/clock.ts';

/** Clocks that run drift apart by less than this between two looks. */
const SLACK_MS = 1000;

export function thawingClock(clock: Clock): Clock {
  let frozenMs = 0;
  let aheadMs = clock.wall() - clock.monotonic();
  return {
    wall: () => clock.wall(),
    monotonic() {
      const nowAheadMs = clock.wall() - clock.monotonic();
      if (nowAheadMs - aheadMs > SLACK_MS) frozenMs += nowAheadMs - aheadMs;
      aheadMs = nowAheadMs;
      return clock.monotonic() + frozenMs;
    },
    sleep: (ms, signal) => clock.sleep(ms, signal),
  };
}
