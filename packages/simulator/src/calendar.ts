/**
 * Quota windows as plain numbers and keys. WeChat's quota day is taken to begin at 00:00 +08:00
 * (assumed, knob `dayOffsetMinutes`); a month is the calendar month in that zone.
 */
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/** Number of the minute since the epoch. */
export const minuteOf = (now: number): number => Math.floor(now / MINUTE_MS);

/** Number of the quota day since the epoch. */
export const dayOf = (now: number, offsetMinutes: number): number => Math.floor((now + offsetMinutes * MINUTE_MS) / DAY_MS);

/** Number of the calendar month since year 0. */
export function monthOf(now: number, offsetMinutes: number): number {
  const local = new Date(now + offsetMinutes * MINUTE_MS);
  return local.getUTCFullYear() * 12 + local.getUTCMonth();
}
