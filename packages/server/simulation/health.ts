/**
 * When a credential could have been kept fresh, whatever the product did: the excuse for a gap, and its limit.
 *
 * Everything that goes wrong is written down as an impairment of one account or of all, from its start until the product
 * must have got over it. What is promised counts wherever enough unimpaired time was left.
 */

import { FAILURE_CLASSES, type FailureClass } from '../src/core/failure.ts';

/** How long a class of failure may keep the product from asking again once the cause is gone. */
export const PENALTY_MS = Object.fromEntries(
  Object.entries(FAILURE_CLASSES).map(([name, { backoffMs }]) => [name, (backoffMs.at(-1) ?? 0) * 1.25 + 5000]),
) as Readonly<Record<FailureClass, number>>;

interface Span {
  from: number;
  to: number;
}

export class Health {
  readonly #spans = new Map<string, Span[]>();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** From now until `until`; `account` null = every account. */
  impair(account: string | null, until: number): void {
    const key = account ?? '';
    const spans = this.#spans.get(key) ?? [];
    this.#spans.set(key, spans);
    const from = this.#now();
    const last = spans.at(-1);
    if (last && last.to >= from) last.to = Math.max(last.to, until);
    else spans.push({ from, to: until });
  }

  /** The longest unimpaired stretch of an account within [from, to], ms. */
  longestGood(account: string, from: number, to: number): number {
    const spans = [...(this.#spans.get('') ?? []), ...(this.#spans.get(account) ?? [])].sort((a, b) => a.from - b.from);
    let longest = 0;
    let good = from;
    for (const span of spans) {
      if (span.to <= good) continue;
      if (span.from >= to) break;
      longest = Math.max(longest, span.from - good);
      good = Math.max(good, span.to);
    }
    return Math.max(longest, to - good);
  }
}
