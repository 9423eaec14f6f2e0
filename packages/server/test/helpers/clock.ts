/** A clock that stands still until the test moves it. Sleepers wake in order, with everything they cause done between. */

import type { Clock } from '../../src/core/clock.ts';

interface Sleeper {
  readonly at: number;
  readonly wake: () => void;
}

/** Everything that can happen without time passing has happened. */
export const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** 2026-03-01T00:00:00Z, 08:00 in Beijing. */
export const START = Date.UTC(2026, 2, 1);

export class VirtualClock implements Clock {
  #elapsed = 0;
  #wallOffset = START;
  readonly #sleepers = new Set<Sleeper>();

  monotonic(): number {
    return this.#elapsed;
  }

  wall(): number {
    return this.#elapsed + this.#wallOffset;
  }

  /** Somebody sets the wall clock; durations do not change. */
  setBack(ms: number): void {
    this.#wallOffset -= ms;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        this.#sleepers.delete(sleeper);
        signal?.removeEventListener('abort', wake);
        resolve();
      };
      const sleeper = { at: this.#elapsed + Math.max(0, ms), wake };
      this.#sleepers.add(sleeper);
      signal?.addEventListener('abort', wake);
    });
  }

  get sleeping(): number {
    return this.#sleepers.size;
  }

  async advance(ms: number): Promise<void> {
    const until = this.#elapsed + ms;
    await settled();
    for (let next = this.#next(until); next; next = this.#next(until)) {
      this.#elapsed = Math.max(this.#elapsed, next.at);
      next.wake();
      await settled();
    }
    this.#elapsed = until;
    await settled();
  }

  /** A paused process: time goes by and nothing of it happens; sleepers wake at the next `advance`. */
  jump(ms: number): void {
    this.#elapsed += ms;
  }

  /** Move time as far as `work` needs; at most `limitMs`. */
  async until<T>(work: Promise<T>, limitMs = 600_000): Promise<T> {
    const endsAt = this.#elapsed + limitMs;
    let done = false;
    const finished = (): void => {
      done = true;
    };
    work.then(finished, finished);
    await settled();
    while (!done) {
      const next = this.#next(endsAt);
      if (!next) throw new Error(`still running after ${limitMs} ms, or nothing left that could end it`);
      await this.advance(Math.max(0, next.at - this.#elapsed));
    }
    return work;
  }

  #next(until: number): Sleeper | undefined {
    let first: Sleeper | undefined;
    for (const sleeper of this.#sleepers) if (sleeper.at <= until && (!first || sleeper.at < first.at)) first = sleeper;
    return first;
  }
}
