/**
 * How often a server that gives no connection is asked again: after 100 ms, then twice as long each time, up to 2 s, so
 * that its return is noticed soon and a hundred waiting callers do not storm it. In between, callers get the last
 * failure at once.
 */

const FIRST_MS = 100;
const LONGEST_MS = 2000;

export class Reconnect {
  readonly #now: () => number;
  readonly #unit: () => number;
  #waitMs = 0;
  #until = 0;
  #failure: Error | null = null;

  /** `now`: monotonic ms; `unit`: random from 0 to 1. */
  constructor(now: () => number, unit: () => number) {
    this.#now = now;
    this.#unit = unit;
  }

  /** Throws the last failure while it is too early to try again. */
  assertMayTry(): void {
    if (this.#failure !== null && this.#now() < this.#until) throw this.#failure;
  }

  failed(failure: Error): void {
    this.#waitMs = this.#waitMs === 0 ? FIRST_MS : Math.min(this.#waitMs * 2, LONGEST_MS);
    this.#until = this.#now() + this.#waitMs * (0.75 + this.#unit() / 2);
    this.#failure = failure;
  }

  /** What a failure would have to wait now, ms: for those that wait by themselves. */
  get waitMs(): number {
    return Math.max(0, this.#until - this.#now());
  }

  succeeded(): void {
    this.#waitMs = 0;
    this.#failure = null;
  }
}
