/**
 * Drives the due queue: claims what is due and lets the keeper work on it, so many at a time.
 *
 * `tick` is idempotent and safe when late, doubled or skipped: the store decides what is due and who works on it.
 */

import type { Accounts } from './accounts.ts';
import type { Clock } from './clock.ts';
import { ZhongkongError } from './errors.ts';
import type { EventSink } from './events.ts';
import type { Keeper } from './keeper.ts';
import type { Catalog } from './kind.ts';
import type { Suspension } from './standing.ts';
import type { Acquired, CredentialStore, DueQueue } from './store.ts';
import { troubleOf } from './store-trouble.ts';

export interface RefresherDeps {
  readonly due: DueQueue;
  readonly credentials: CredentialStore;
  readonly keeper: Keeper;
  readonly accounts: Accounts;
  readonly catalog: Catalog;
  readonly clock: Clock;
  readonly events: EventSink;
  readonly holder: string;
  readonly leaseMs: number;
  /** Most refreshes in the air at once on this node. */
  readonly concurrency: number;
  /** As in `SessionDeps`: what nothing may be issued for is not claimed either. */
  readonly suspended?: () => Suspension | null;
}

/** With nothing due, look again this often: another process may have added work. */
const IDLE_MS = 1000;
/** After the store failed. */
const TROUBLE_MS = 2000;

export class Refresher {
  readonly #deps: RefresherDeps;
  readonly #running = new Set<Promise<void>>();
  readonly #stopping = new AbortController();
  #loop: Promise<void> | null = null;
  #claiming: Promise<unknown> = Promise.resolve();
  #failing = false;
  /** Claimed work met a store that failed, since the last tick. */
  #stumbled = false;
  /** Claim nothing: what is due is left to nodes that can do it. */
  paused = false;

  constructor(deps: RefresherDeps) {
    this.#deps = deps;
  }

  /** Refreshes in the air. */
  get inFlight(): number {
    return this.#running.size;
  }

  /** Claim what is due, up to the free capacity, and start on it. Resolves with how many were claimed. */
  async tick(): Promise<number> {
    const { due, clock, holder, leaseMs, concurrency, credentials } = this.#deps;
    const free = concurrency - this.#running.size;
    if (free <= 0 || this.paused || this.#deps.suspended?.()) return 0;
    const leaseEndsAt = clock.monotonic() + leaseMs;
    const claiming = due.claim(holder, leaseMs, free);
    this.#claiming = claiming.catch(() => undefined);
    const claimed = await claiming;
    if (this.#stopping.signal.aborted) {
      // Too late to begin: others may have it at once; but a lease that is given back hides that it was a takeover.
      const givenBack = Promise.all(claimed.filter(({ lease }) => !lease.takenOver).map(({ lease }) => credentials.release(lease)));
      this.#claiming = givenBack.catch(() => undefined);
      await givenBack;
      return 0;
    }
    for (const one of claimed) {
      const work = this.#work(one, leaseEndsAt).finally(() => this.#running.delete(work));
      this.#running.add(work);
    }
    return claimed.length;
  }

  /** Tick until stopped. A second call is the same loop. */
  start(): void {
    this.#loop ??= this.#run();
  }

  /** No new claims; resolves when what was claimed is done. There is no way back. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#claiming;
    // Once more: a claim that came back too late is being given back.
    await this.#claiming;
    await this.idle();
  }

  /** Everything claimed so far is done. */
  async idle(): Promise<void> {
    await Promise.allSettled([...this.#running]);
  }

  async #run(): Promise<void> {
    const { clock, concurrency } = this.#deps;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        this.#stumbled = false;
        const claimed = await this.tick();
        // A claim is a store transaction: make one for a quarter of the capacity, not for each place that comes free.
        if (this.#running.size >= concurrency) while (this.#running.size > 0.75 * concurrency) await Promise.race(this.#running);
        else if (claimed === 0) await clock.sleep(IDLE_MS, signal);
        if (this.#stumbled) await clock.sleep(TROUBLE_MS, signal);
        else this.#recovered();
      } catch (error) {
        this.#failed(error);
        await clock.sleep(TROUBLE_MS, signal);
      }
    }
  }

  async #work(claimed: Acquired, leaseEndsAt: number): Promise<void> {
    const { accounts, catalog, keeper, credentials, events } = this.#deps;
    const { id } = claimed.stored;
    try {
      // From the store, not from memory: the work may be due just because the account changed.
      const account = await accounts.fresh(id.account);
      const target = account && catalog.targets(account).find((one) => one.id.kind === id.kind && one.id.chain === id.chain);
      if (target) return await keeper.work(target, claimed, leaseEndsAt);
      // The account is gone, or uses another chain now: nothing to keep here.
      await credentials.release(claimed.lease);
      await credentials.schedule(id, null);
    } catch (error) {
      if (error instanceof ZhongkongError && error.code === 'store_unavailable') this.#failed(error);
      // Another node was quicker, or is at it: nothing is wrong.
      else if (error instanceof ZhongkongError && (error.code === 'deadline_exceeded' || error.code === 'not_found')) return;
      else events.emit({ type: 'internal.error', during: 'scheduled refresh', cause: error });
    }
  }

  #failed(error: unknown): void {
    this.#stumbled = true;
    if (!this.#failing) {
      this.#deps.events.emit({ type: 'store.failed', during: 'claiming due credentials', trouble: troubleOf(error) });
    }
    this.#failing = true;
  }

  #recovered(): void {
    // Whether the store takes writes again is the host's to find out: claiming nothing is only a read.
    this.#failing = false;
  }
}
