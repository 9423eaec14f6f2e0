/** WeChat's limits as the product must keep them: per +08:00 day of the store, in their spacing, and what is kept back. */

import type { IssueLimits } from '../src/core/kind.ts';
import type { Violated } from './rules.ts';
import type { Issue } from './wechat.ts';

const DAY_MS = 86_400_000;
const BEIJING_MS = 8 * 3_600_000;
/** The product counts WeChat's 30 s from intents, and an intent may be stored up to 10 s after its instant. */
const SPACING_MS = 20_000;

interface Counts {
  readonly day: number;
  made: number;
  forced: number;
  lastForcedAt: number;
}

export class BudgetRules {
  readonly #counts = new Map<string, Counts>();
  readonly #storeNow: () => number;
  readonly #violated: Violated;

  constructor(storeNow: () => number, violated: Violated) {
    this.#storeNow = storeNow;
    this.#violated = violated;
  }

  sending({ account, forced, askedAt, late }: Issue): void {
    if (!forced) return;
    const apartMs = askedAt - this.#of(account).lastForcedAt;
    if (apartMs < SPACING_MS && !late) this.#violated('budget: forced issues too close', account, `${Math.round(apartMs)} ms`);
  }

  /** A token was made. Who has nothing usable left is not kept from asking by our own count. */
  made({ account, forced, late, askedAt }: Issue, limits: IssueLimits, usable: boolean): void {
    const counts = this.#of(account);
    counts.made += 1;
    if (forced) counts.forced += 1;
    // Who was paused could not know of the others.
    if (forced && !late) counts.lastForcedAt = askedAt;
    const over = (what: string): void => this.#violated('budget: more issues than a day allows', account, what);
    if (usable && counts.made > limits.issuesPerDay) over(`${counts.made}`);
    if (counts.forced > limits.forcedPerDay) over(`${counts.forced} forced`);
  }

  /** The commit told why: reports and orders leave a reserve, and all but the leak procedure one of forced issues. */
  committed({ account, forced: wasForced }: Issue, limits: IssueLimits, reason: string): void {
    const { made, forced } = this.#of(account);
    const elective = reason === 'report' || reason === 'ordered';
    const touched = (what: string): void => this.#violated('budget: the reserve was touched', account, what);
    if (elective && made > limits.issuesPerDay - limits.scheduledReserve) touched(`${made} issues`);
    if (wasForced && reason !== 'leak' && forced > limits.forcedPerDay - limits.forcedLeakReserve) touched(`${forced} forced`);
  }

  /** Removed with its records, and so with its counters. */
  forget(account: string): void {
    this.#counts.delete(account);
  }

  #of(account: string): Counts {
    const day = Math.floor((this.#storeNow() + BEIJING_MS) / DAY_MS);
    const known = this.#counts.get(account);
    if (known?.day === day) return known;
    const counts = { day, made: 0, forced: 0, lastForcedAt: known?.lastForcedAt ?? Number.NEGATIVE_INFINITY };
    this.#counts.set(account, counts);
    return counts;
  }
}
