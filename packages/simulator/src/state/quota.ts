/**
 * Quotas per account: a counter per path with its day and minute, a day's forced stable issues, a
 * month's clears. A counter belongs to the window it names and is read as 0 in any other, so nothing
 * has to be reset at midnight. Built-in limits: token 2000 a day (test accounts 200), stable_token
 * 500 000 a day and 10 000 a minute; nothing is published for the other paths.
 */
import { dayOf, minuteOf, monthOf } from '../calendar.ts';
import type { Knobs, Limit } from '../knobs.ts';

interface Used {
  day: number;
  dayCount: number;
  minute: number;
  minuteCount: number;
}

const DEFAULT_LIMITS: Readonly<Record<string, Limit>> = {
  '/cgi-bin/token': { day: 2000 },
  '/cgi-bin/stable_token': { day: 500_000, minute: 10_000 },
};
const SANDBOX_LIMITS: Readonly<Record<string, Limit>> = { '/cgi-bin/token': { day: 200 } };
const NO_LIMIT: Limit = {};

/** The account's own limit over the knob's over the built-in one, field by field. */
export function limitFor(path: string, knobs: Knobs, own: Record<string, Limit> | null, sandbox: boolean): Limit {
  const base = (sandbox ? SANDBOX_LIMITS[path] : undefined) ?? DEFAULT_LIMITS[path] ?? NO_LIMIT;
  const byKnob = knobs.limits[path];
  const byAccount = own?.[path];
  return byKnob || byAccount ? { ...base, ...byKnob, ...byAccount } : base;
}

export class Quota {
  readonly #used = new Map<string, Used>();
  #forceDay = -1;
  #forceCount = 0;
  #clearMonth = -1;
  #clearCount = 0;

  /** 45011 or 45009 when the window is full, else 0. */
  minuteRefusal(path: string, limit: Limit, now: number): 0 | 45011 {
    return limit.minute != null && this.usedInMinute(path, now) >= limit.minute ? 45011 : 0;
  }

  dayRefusal(path: string, limit: Limit, now: number, offset: number): 0 | 45009 {
    return limit.day != null && this.usedInDay(path, now, offset) >= limit.day ? 45009 : 0;
  }

  use(path: string, now: number, offset: number): void {
    let used = this.#used.get(path);
    if (!used) {
      used = { day: -1, dayCount: 0, minute: -1, minuteCount: 0 };
      this.#used.set(path, used);
    }
    const day = dayOf(now, offset);
    const minute = minuteOf(now);
    used.dayCount = used.day === day ? used.dayCount + 1 : 1;
    used.minuteCount = used.minute === minute ? used.minuteCount + 1 : 1;
    used.day = day;
    used.minute = minute;
  }

  usedInDay(path: string, now: number, offset: number): number {
    const used = this.#used.get(path);
    return used && used.day === dayOf(now, offset) ? used.dayCount : 0;
  }

  usedInMinute(path: string, now: number): number {
    const used = this.#used.get(path);
    return used && used.minute === minuteOf(now) ? used.minuteCount : 0;
  }

  forcedInDay(now: number, offset: number): number {
    return this.#forceDay === dayOf(now, offset) ? this.#forceCount : 0;
  }

  useForce(now: number, offset: number): void {
    this.#forceCount = this.forcedInDay(now, offset) + 1;
    this.#forceDay = dayOf(now, offset);
  }

  clearsInMonth(now: number, offset: number): number {
    return this.#clearMonth === monthOf(now, offset) ? this.#clearCount : 0;
  }

  /** Day counters and the forced issues of the day go to zero; minute counters stay. */
  clear(now: number, offset: number): void {
    this.#clearCount = this.clearsInMonth(now, offset) + 1;
    this.#clearMonth = monthOf(now, offset);
    for (const used of this.#used.values()) used.dayCount = 0;
    this.#forceCount = 0;
  }

  view(
    now: number,
    offset: number,
  ): { used: Record<string, { day: number; minute: number }>; forced_today: number; clears_this_month: number } {
    const paths = [...this.#used.keys()].map((path) => [
      path,
      { day: this.usedInDay(path, now, offset), minute: this.usedInMinute(path, now) },
    ]);
    return {
      used: Object.fromEntries(paths),
      forced_today: this.forcedInDay(now, offset),
      clears_this_month: this.clearsInMonth(now, offset),
    };
  }
}
