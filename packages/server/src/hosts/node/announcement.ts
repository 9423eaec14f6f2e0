/**
 * Lets a load balancer hear from `/readyz` that this server is going away before the door closes.
 *
 * Only one that asks is waited for: with nobody asking lately the end comes at once.
 */

import type { IncomingMessage, ServerResponse } from 'node:http';

/** Asked within this long, ms, somebody is watching: load balancers ask every 1 to 30 s. */
const WATCHING_MS = 60_000;

export class Announcement {
  readonly #now: () => number;
  #askedAt = Number.NEGATIVE_INFINITY;
  #heard: (() => void) | null = null;

  /** `now`: monotonic ms. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** Every request passes here. */
  saw(request: IncomingMessage, response: ServerResponse): void {
    if (request.url !== '/readyz') return;
    this.#askedAt = this.#now();
    if (this.#heard) response.once('finish', this.#heard);
  }

  /** Resolves once somebody was told, after `ms` at the latest, or at once when nobody watches. */
  async made(ms: number): Promise<void> {
    if (this.#now() - this.#askedAt > WATCHING_MS) return;
    await new Promise<void>((resolve) => {
      const late = setTimeout(resolve, ms);
      this.#heard = () => {
        clearTimeout(late);
        resolve();
      };
    });
  }
}
