/**
 * What memory may still answer while the store is away: the last look, which is too old to be believed otherwise.
 *
 * The store is asked first, but for a moment after it failed: then it is not asked once for each read.
 */

import { ZhongkongError } from './errors.ts';

/** After the store failed: what the last look can answer does not ask it again for this long. */
const AWAY_MS = 1000;

export class StoreAway {
  readonly #now: () => number;
  #until = Number.NEGATIVE_INFINITY;

  /** `now`: store time, epoch ms. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** What `ask` says; while the store is away, what `last` knows, if it knows something. */
  async orLast<T>(ask: () => Promise<T>, last: () => T | undefined): Promise<T> {
    // A store's clock that was set back meanwhile must not keep us from asking.
    const leftMs = this.#until - this.#now();
    const known = leftMs > 0 && leftMs <= AWAY_MS ? last() : undefined;
    if (known !== undefined) return known;
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof ZhongkongError) || error.code !== 'store_unavailable') throw error;
      this.#until = this.#now() + AWAY_MS;
      const answer = last();
      if (answer === undefined) throw error;
      return answer;
    }
  }
}
