/**
 * What `/readyz` says. starting → ok ⇄ degraded → draining; draining is the end.
 *
 * The store is away from its first failed contact to the next good one; memory serves on meanwhile.
 */

import type { EventBus } from '../core/events.ts';

export interface HealthReport {
  readonly ready: boolean;
  readonly status: 'ok' | 'starting' | 'degraded' | 'draining';
  readonly reason?: string;
}

export class Health {
  readonly #events: EventBus;
  #phase: 'starting' | 'running' | 'draining' = 'starting';
  #trouble: string | null = null;

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

  storeTrouble(during: string, error: unknown): void {
    if (this.#trouble !== null) return;
    this.#events.emit({ type: 'store.failed', during, cause: error instanceof Error ? error.message : 'unknown' });
  }

  storeContact(): void {
    if (this.#trouble !== null) this.#events.emit({ type: 'store.recovered' });
  }

  report(): HealthReport {
    if (this.#phase !== 'running') return { ready: false, status: this.#phase };
    if (this.#trouble !== null) return { ready: true, status: 'degraded', reason: this.#trouble };
    return { ready: true, status: 'ok' };
  }
}
