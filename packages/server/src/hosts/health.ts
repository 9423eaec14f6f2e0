/**
 * What `/readyz` says. starting → ok ⇄ degraded, ok → blocked, any → draining; draining is the end.
 *
 * The store is away (degraded) from the first call that fails until a ping, which really writes, succeeds: a full disk
 * lets reads pass. Memory serves on meanwhile. A schema that newer code has moved on is not ours to touch (blocked).
 */

import { ZhongkongError } from '../core/errors.ts';
import type { EventBus } from '../core/events.ts';
import type { HealthReport } from '../http/environment.ts';

export class Health {
  readonly #events: EventBus;
  #phase: 'starting' | 'running' | 'draining' = 'starting';
  #trouble: string | null = null;
  #blocked: string | null = null;

  constructor(events: EventBus) {
    this.#events = events;
    events.on((event) => {
      if (event.type === 'store.failed') this.#trouble = `store failed while ${event.during}`;
      if (event.type === 'store.recovered') this.#trouble = null;
    });
  }

  started(): void {
    this.#phase = 'running';
  }

  draining(): void {
    this.#phase = 'draining';
  }

  /** Some call to the store failed; only what says that the store is away counts. */
  storeFailed(during: string, error: unknown): void {
    if (this.#trouble !== null || !(error instanceof ZhongkongError) || error.code !== 'store_unavailable') return;
    this.#events.emit({ type: 'store.failed', during, cause: error.message });
  }

  /** Ask the store. False = not ours to work with any more. */
  async look(ping: () => Promise<void>): Promise<boolean> {
    try {
      await ping();
      if (this.#trouble !== null) this.#events.emit({ type: 'store.recovered' });
      this.#blocked = null;
    } catch (error) {
      this.storeFailed('asking whether it can be written', error);
      if (error instanceof ZhongkongError && error.code !== 'store_unavailable') this.#blocked = error.message;
    }
    return this.#blocked === null;
  }

  report(): HealthReport {
    if (this.#phase !== 'running') return { ready: false, status: this.#phase };
    if (this.#blocked !== null) return { ready: false, status: 'degraded', reason: this.#blocked };
    if (this.#trouble !== null) return { ready: true, status: 'degraded', reason: this.#trouble };
    return { ready: true, status: 'ok' };
  }
}
