/** A clock that nobody waits on: who sleeps wakes at once, and finds that the time has passed. */

import type { Clock } from '../../src/core/clock.ts';

export class HurriedClock implements Clock {
  #elapsed = 0;
  /** What else happens while somebody sleeps. */
  meanwhile: (ms: number) => Promise<void> = async () => undefined;

  monotonic(): number {
    return this.#elapsed;
  }

  wall(): number {
    return Date.UTC(2026, 2, 1) + this.#elapsed;
  }

  async sleep(ms: number): Promise<void> {
    await this.meanwhile(ms);
    this.#elapsed += ms;
  }
}
