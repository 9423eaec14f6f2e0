/** At most so many at a time; the others wait in order of arrival, and not for ever. */

import { PoolExhausted } from './server-faults.ts';

interface Waiting {
  readonly proceed: () => void;
}

export class Slots {
  readonly #patienceMs: number;
  readonly #waiting = new Set<Waiting>();
  #free: number;

  constructor(count: number, patienceMs: number) {
    this.#free = count;
    this.#patienceMs = patienceMs;
  }

  /** Rejects with PoolExhausted when none came free in time. */
  async take(): Promise<void> {
    if (this.#free > 0) {
      this.#free -= 1;
      return;
    }
    await new Promise<void>((resolve, reject) => {
      const waiting = {
        proceed: () => {
          clearTimeout(timer);
          resolve();
        },
      };
      const timer = setTimeout(() => {
        this.#waiting.delete(waiting);
        reject(new PoolExhausted('no connection came free'));
      }, this.#patienceMs);
      this.#waiting.add(waiting);
    });
  }

  give(): void {
    const [next] = this.#waiting;
    if (next === undefined) {
      this.#free += 1;
      return;
    }
    this.#waiting.delete(next);
    next.proceed();
  }
}
