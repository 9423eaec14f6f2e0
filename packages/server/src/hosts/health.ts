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
  #blocked = false;

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
    if (error instanceof ZhongkongError && error.code === 'store_unavailable') this.#tell(during, error);
  }

  /** Ask the store. False = not ours to work with any more. */
  async look(ping: () => Promise<void>): Promise<boolean> {
    try {
      await ping();
      this.#blocked = false;
      if (this.#trouble !== null) this.#events.emit({ type: 'store.recovered' });
    } catch (error) {
      this.#blocked = error instanceof ZhongkongError && error.code === 'config_invalid';
      this.#tell('asking whether it can be written', error);
    }
    return !this.#blocked;
  }

  #tell(during: string, error: unknown): void {
    if (this.#trouble !== null) return;
    this.#events.emit({ type: 'store.failed', during, cause: error instanceof Error ? error.message : 'unknown' });
  }

  report(): HealthReport {
    if (this.#phase !== 'running') return { ready: false, status: this.#phase };
    // Nobody needs a key to ask, so what the store is and where stays in the log.
    if (this.#blocked) return { ready: false, status: 'degraded', reason: 'a later version has changed the schema of the store' };
    if (this.#trouble !== null) return { ready: true, status: 'degraded', reason: this.#trouble };
    return { ready: true, status: 'ok' };
  }
}
