/**
 * What `/readyz` and `/v1/status` say of the server. starting → ok ⇄ degraded, ok ⇄ blocked, any → draining; draining is
 * the end.
 *
 * The store is away (degraded) from the first call that fails until a ping, which really writes, succeeds: a full disk
 * lets reads pass. Memory serves on meanwhile. What this node must not or cannot work with is left to others (blocked).
 * While nothing is issued it is degraded as well, and not ready once another store has taken over.
 * Only a ping turns one trouble into another: calls that fail in different ways would have them flicker.
 */

import { ZhongkongError } from '../core/errors.ts';
import type { EventBus } from '../core/events.ts';
import type { Suspension } from '../core/standing.ts';
import { type StoreTrouble, type TroubleReport, troubleOf } from '../core/store-trouble.ts';
import type { HealthReport, ServerCause } from '../http/environment.ts';
import type { Alarms } from '../observe/alarms.ts';

/** Troubles of a store that answers and is still not ours to work with. */
const BLOCKING: ReadonlySet<string> = new Set<StoreTrouble>(['schema_newer', 'master_key_unknown']);
/**
 * How often the store is asked, ms, with one small write: how soon a store that can be written again, or that moved on,
 * or that another master key seals is noticed.
 */
export const LOOK_MS = 5000;
const LOOKING = 'asking whether it can be written';

export class Health {
  readonly #events: EventBus;
  readonly #suspended: () => Suspension | null;
  #phase: 'starting' | 'running' | 'draining' = 'starting';
  #trouble: ServerCause | null = null;
  #blocked: TroubleReport | null = null;

  /** `now`: store time, epoch ms. `suspended`: why nothing is issued, or null. */
  constructor(events: EventBus, now: () => number, suspended: () => Suspension | null = () => null) {
    this.#events = events;
    this.#suspended = suspended;
    events.on((event) => {
      if (event.type === 'store.failed' && (this.#trouble === null || event.during === LOOKING)) {
        const since = event.trouble.code === this.#trouble?.code ? this.#trouble.since : now();
        this.#trouble = { ...event.trouble, since };
      }
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
    const isAway = error instanceof ZhongkongError && error.code === 'store_unavailable';
    if (isAway && this.#trouble === null) this.#tell(during, error);
  }

  /** Ask the store. False = not ours to work with now. */
  async look(ask: () => Promise<void>): Promise<boolean> {
    try {
      await ask();
      this.#blocked = null;
      if (this.#trouble !== null) this.#events.emit({ type: 'store.recovered' });
    } catch (error) {
      const trouble = troubleOf(error);
      // A store that is away says nothing of whether it will be ours to work with.
      if (BLOCKING.has(trouble.code)) this.#blocked = trouble;
      if (trouble.code !== this.#trouble?.code) this.#tell(LOOKING, error);
    }
    return this.#blocked === null;
  }

  /** What a write is refused with while the store is not ours to work with; null = it is. */
  get refusal(): ZhongkongError | null {
    if (this.#blocked === null) return null;
    const { code, message, advice } = this.#blocked;
    return new ZhongkongError('store_unavailable', message, { trouble: code, advice });
  }

  #tell(during: string, error: unknown): void {
    this.#events.emit({ type: 'store.failed', during, trouble: troubleOf(error) });
  }

  report(): HealthReport {
    const suspension = this.#suspended();
    const causes = [...(this.#trouble === null ? [] : [this.#trouble]), ...(suspension === null ? [] : [causeOf(suspension)])];
    if (this.#phase !== 'running') return { ready: false, status: this.#phase, causes };
    const ready = this.#blocked === null && !suspension?.elsewhere;
    return { ready, status: causes.length === 0 ? 'ok' : 'degraded', causes };
  }
}

const causeOf = ({ code, message, since, advice }: Suspension): ServerCause => ({ code, message: message.en, since, advice });

/** The report, and what else the alarms know of the server as a whole: its clocks, faults of our own. */
export function withAlarms(report: HealthReport, alarms: Pick<Alarms, 'active'>): HealthReport {
  // The store's trouble is there already, by its own name.
  const others = alarms.active().filter(({ account, code }) => account === '' && code !== 'store_failed');
  return {
    ...report,
    causes: [...report.causes, ...others.map(({ code, cause: message, since, advice }) => ({ code, message, since, advice }))],
  };
}
