/**
 * What `/readyz` says. starting → ok ⇄ degraded, ok ⇄ blocked, any → draining; draining is the end.
 *
 * The store is away (degraded) from the first call that fails until a ping, which really writes, succeeds: a full disk
 * lets reads pass. Memory serves on meanwhile. What this node must not or cannot work with is left to others (blocked).
 */

import { ZhongkongError } from '../core/errors.ts';
import type { EventBus } from '../core/events.ts';
import type { HealthReport } from '../http/environment.ts';

/** Why a store that answers is still not ours to work with, by the code of what the look at it throws. */
const BLOCKS: Readonly<Record<string, Pick<HealthReport, 'cause' | 'reason'>>> = {
  config_invalid: { cause: 'schema_newer', reason: 'a later version has changed the schema of the store' },
  unseal_failed: { cause: 'master_key_unknown', reason: 'the store is sealed with a master key that this node does not have' },
};

/**
 * How often the store is asked, ms, with one small write: how soon a store that can be written again, or that moved on,
 * or that another master key seals is noticed.
 */
export const LOOK_MS = 5000;

export class Health {
  readonly #events: EventBus;
  #phase: 'starting' | 'running' | 'draining' = 'starting';
  #trouble: string | null = null;
  #block: (typeof BLOCKS)[string] | null = null;

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

  /** Ask the store. False = not ours to work with now. */
  async look(ask: () => Promise<void>): Promise<boolean> {
    try {
      await ask();
      this.#block = null;
      if (this.#trouble !== null) this.#events.emit({ type: 'store.recovered' });
    } catch (error) {
      // A store that is away says nothing of whether it will be ours to work with.
      this.#block = (error instanceof ZhongkongError && BLOCKS[error.code]) || this.#block;
      this.#tell('asking whether it can be written', error);
    }
    return this.#block === null;
  }

  #tell(during: string, error: unknown): void {
    if (this.#trouble !== null) return;
    this.#events.emit({ type: 'store.failed', during, cause: error instanceof Error ? error.message : 'unknown' });
  }

  report(): HealthReport {
    if (this.#phase !== 'running') return { ready: false, status: this.#phase };
    // Nobody needs a key to ask, so what the store is and where stays in the log.
    if (this.#block !== null) return { ready: false, status: 'degraded', ...this.#block };
    if (this.#trouble !== null) return { ready: true, status: 'degraded', reason: this.#trouble };
    return { ready: true, status: 'ok' };
  }
}
