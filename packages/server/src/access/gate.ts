/** Bounds how many pieces of work run at once and how many wait; whoever finds the waiting line full is refused. */

import { ZhongkongError } from '../core/errors.ts';

export class Gate {
  readonly #maxRunning: number;
  readonly #maxWaiting: number;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(maxRunning: number, maxWaiting: number) {
    this.#maxRunning = maxRunning;
    this.#maxWaiting = maxWaiting;
  }

  /** Throws `rate_limited` without starting when the line is full. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running < this.#maxRunning) this.#running += 1;
    else await this.#turn();
    try {
      return await work();
    } finally {
      // The place goes to the next in line, or is given up.
      const next = this.#waiting.shift();
      if (next) next();
      else this.#running -= 1;
    }
  }

  #turn(): Promise<void> {
    if (this.#waiting.length >= this.#maxWaiting) {
      throw new ZhongkongError('rate_limited', 'too many calls with unknown keys or accounts at the moment', { retryAfterSeconds: 1 });
    }
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }
}
