/**
 * The simulator's only source of time. Every rule (expiry, grace, quota days, Date header) reads it,
 * so a test moves two hours in no time at all and two runs see the same instants.
 * Invariant: time never goes back; `advance` takes whole milliseconds >= 0.
 */
export interface SimClock {
  /** Epoch milliseconds. */
  now(): number;
  /** Moves time forward by `ms` (integer >= 0). */
  advance(ms: number): void;
}

/** A clock that runs from `source` (default `Date.now`) plus what was advanced: for programs and demos. */
export function createWallClock(source: () => number = Date.now): SimClock {
  let offsetMs = 0;
  let latest = Number.NEGATIVE_INFINITY; // the system's clock may be set back; this one stands still then
  return {
    now: () => {
      latest = Math.max(latest, source() + offsetMs);
      return latest;
    },
    advance: (ms) => {
      offsetMs += checkedStep(ms);
    },
  };
}

/** A clock that stands still until advanced: for tests. `startAt` is epoch milliseconds. */
export function createVirtualClock(startAt: number): SimClock {
  let nowMs = startAt;
  return {
    now: () => nowMs,
    advance: (ms) => {
      nowMs += checkedStep(ms);
    },
  };
}

function checkedStep(ms: number): number {
  if (!Number.isSafeInteger(ms) || ms < 0) throw new RangeError(`advance: ${ms} is not a whole number of milliseconds >= 0`);
  return ms;
}
