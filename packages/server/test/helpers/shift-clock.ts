/**
 * The machine's clock, moved forward by hand: real sockets and timers go on as always, and hours pass in no time.
 *
 * Whoever sleeps wakes when its time has come, be it by waiting or by a shift.
 */

import { performance } from 'node:perf_hooks';
import type { Clock } from '../../src/core/clock.ts';

interface Sleeper {
  readonly at: number;
  readonly wake: () => void;
}

export class ShiftClock implements Clock {
  #shiftMs = 0;
  /** How far the wall clock was set ahead of time itself. */
  wallAheadMs = 0;
  readonly #sleepers = new Set<Sleeper>();

  monotonic(): number {
    return performance.now() + this.#shiftMs;
  }

  wall(): number {
    return Date.now() + this.#shiftMs + this.wallAheadMs;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        this.#sleepers.delete(sleeper);
        clearTimeout(timer);
        signal?.removeEventListener('abort', wake);
        resolve();
      };
      const sleeper = { at: this.monotonic() + ms, wake };
      const timer = setTimeout(wake, ms);
      this.#sleepers.add(sleeper);
      signal?.addEventListener('abort', wake);
    });
  }

  shift(ms: number): void {
    this.#shiftMs += ms;
    const now = this.monotonic();
    for (const sleeper of [...this.#sleepers]) if (sleeper.at <= now) sleeper.wake();
  }
}
