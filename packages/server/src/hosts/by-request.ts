/**
 * What the loops of a server do, done at a request: for hosts that run only while somebody waits for an answer.
 *
 * `attend` before each request keeps memory honest, `tick` refreshes what is due. Both are cheap when there is nothing to
 * do, and right when late, doubled or skipped: the store decides what is due and who works on it.
 */

import type { Clock } from '../core/clock.ts';
import { within } from '../core/deadline.ts';
import { ZhongkongError } from '../core/errors.ts';
import type { Refresher } from '../core/refresher.ts';
import type { DueQueue } from '../core/store.ts';
import type { StoreTime } from '../core/store-time.ts';
import type { AuditTrail } from '../observe/audit.ts';

/** What other processes changed is looked for this often, ms; the contract promises 5 s. */
export const WATCH_MS = 2000;
export const PRUNE_MS = 600_000;
/** A store that hangs must not keep those waiting whom memory can answer. */
const PATIENCE_MS = 1000;
/** A tick begins nothing new after this: platforms end a function after 30 s or more, and what is claimed has to land. */
const TICK_MS = 10_000;

const AWAY: ReadonlySet<string> = new Set(['store_unavailable', 'deadline_exceeded']);

export interface ByRequestDeps {
  /** It must not stand still while the host is frozen: see `adapters/thawing-clock.ts`. */
  readonly clock: Clock;
  readonly time: StoreTime;
  readonly due: DueQueue;
  readonly refresher: Pick<Refresher, 'tick' | 'idle'>;
  readonly auditTrail: Pick<AuditTrail, 'flush'>;
  readonly lookAround: () => Promise<void>;
  /** Throws when the store is not ours to work with. */
  readonly assertWorkable: () => Promise<void>;
  readonly prune: () => Promise<void>;
}

export interface TickReport {
  /** Credentials that were due and that this tick worked on. */
  readonly claimed: number;
  /** Store time, epoch ms; null = nothing is planned. In the past: others are at it, or there was more than one tick can do. */
  readonly nextDueAt: number | null;
}

export class ByRequest {
  readonly #deps: ByRequestDeps;
  #attendedAt = Number.NEGATIVE_INFINITY;
  #prunedAt = Number.NEGATIVE_INFINITY;
  #attending: Promise<void> | null = null;
  /** The store has not answered the look that is under way. */
  #isOverdue = false;

  constructor(deps: ByRequestDeps) {
    this.#deps = deps;
  }

  /** Hear of what others changed, and of the time. While the store is away memory serves on. */
  async attend(): Promise<void> {
    const { clock } = this.#deps;
    if (this.#isOverdue || clock.monotonic() - this.#attendedAt < WATCH_MS) return;
    this.#attending ??= this.#look().finally(() => {
      this.#attending = null;
      this.#isOverdue = false;
    });
    await within(clock, this.#attending, PATIENCE_MS).catch((error: unknown) => {
      if (!(error instanceof ZhongkongError) || !AWAY.has(error.code)) throw error;
      this.#isOverdue = this.#attending !== null;
    });
  }

  /** Refresh what is due. Throws `store_unavailable`: a timer that asks again is all that helps. */
  async tick(): Promise<TickReport> {
    const { clock, due, refresher, auditTrail, assertWorkable, prune } = this.#deps;
    const endsAt = clock.monotonic() + TICK_MS;
    await this.#look();
    await assertWorkable();
    let claimed = 0;
    for (let more = 1; more > 0 && clock.monotonic() < endsAt; claimed += more) {
      more = await refresher.tick();
      await refresher.idle();
    }
    if (clock.monotonic() - this.#prunedAt > PRUNE_MS) {
      await prune();
      this.#prunedAt = clock.monotonic();
    }
    await auditTrail.flush();
    return { claimed, nextDueAt: await due.nextDueAt() };
  }

  /** What a request noted is stored; while the store is away it waits for the next one. */
  async settle(): Promise<void> {
    const { clock, auditTrail } = this.#deps;
    if (!this.#isOverdue) await within(clock, auditTrail.flush(), PATIENCE_MS).catch(() => undefined);
  }

  async #look(): Promise<void> {
    const { clock, time, lookAround } = this.#deps;
    const at = clock.monotonic();
    // One after the other: what is heard of is heard of as of a time that is right.
    await time.sync();
    await lookAround();
    this.#attendedAt = at;
  }
}
