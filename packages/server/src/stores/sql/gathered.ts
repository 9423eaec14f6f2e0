/**
 * Single look-ups that arrive in one turn of the event loop, answered by one query.
 *
 * A refresher that has claimed sixteen credentials wants sixteen accounts at once; one by one they were the dearest
 * part of a refresh (a quarter of its CPU time on PostgreSQL). A look-up alone waits for nothing but the turn's end.
 * Each is made after it was asked for, so it sees every write that was acknowledged before. A query that fails, fails
 * for all who share it.
 */

/** Most keys of one query: a claim's worth, and few enough that the statement of each length stays prepared. */
const MOST_KEYS = 16;

interface Waiting<V> {
  readonly key: string;
  readonly resolve: (value: V | null) => void;
  readonly reject: (error: unknown) => void;
}

export class Gathered<V> {
  readonly #load: (keys: readonly string[]) => Promise<ReadonlyMap<string, V>>;
  #waiting: Waiting<V>[] = [];

  /** `load` gets distinct keys, `MOST_KEYS` at most; a key that is not in its answer is null to who asked. */
  constructor(load: (keys: readonly string[]) => Promise<ReadonlyMap<string, V>>) {
    this.#load = load;
  }

  get(key: string): Promise<V | null> {
    return new Promise((resolve, reject) => {
      if (this.#waiting.length === 0) setImmediate(() => this.#send());
      this.#waiting.push({ key, resolve, reject });
    });
  }

  #send(): void {
    const all = this.#waiting;
    this.#waiting = [];
    for (let from = 0; from < all.length; from += MOST_KEYS) void this.#answer(all.slice(from, from + MOST_KEYS));
  }

  async #answer(some: readonly Waiting<V>[]): Promise<void> {
    try {
      const found = await this.#load([...new Set(some.map(({ key }) => key))]);
      for (const { key, resolve } of some) resolve(found.get(key) ?? null);
    } catch (error) {
      for (const { reject } of some) reject(error);
    }
  }
}
