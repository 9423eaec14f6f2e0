/**
 * "Now" for the core: the node's monotonic clock placed on the store's clock.
 *
 * The offset is measured at connect and every 30 s; half of the round trip is its uncertainty, which is taken off
 * every lifetime. A node whose wall clock is wrong by hours still agrees with the others, and says so.
 */

import type { Clock } from './clock.ts';
import type { EventSink } from './events.ts';

/** A larger change of the offset than drift can explain: somebody set a clock. */
const JUMP_MS = 5000;
/** Two clocks drift apart by less than `DRIFT_MS` in this long (over 300 ppm). */
const DRIFT_EVERY_MS = 30_000;
const DRIFT_MS = 10;
/** A measurement less certain than this is made again at once. */
const ROUGH_MS = 1000;
/** This machine's wall clock is this far from the store's before it is worth saying. */
const OFF_MS = 60_000;

export class StoreTime {
  readonly #clock: Clock;
  readonly #storeNow: () => Promise<number>;
  readonly #events: EventSink;
  #offset: number;
  #uncertaintyMs = 0;
  #measuredAt = 0;
  #measured = false;
  /** What was said last of this machine's wall clock; 0 = that it agrees. */
  #saidOffMs = 0;

  constructor(clock: Clock, storeNow: () => Promise<number>, events: EventSink) {
    this.#clock = clock;
    this.#storeNow = storeNow;
    this.#events = events;
    // Until the store was reached, the node's own idea of time is the best there is.
    this.#offset = clock.wall() - clock.monotonic();
  }

  /** Measure again. Rejects when the store does not answer; the old offset then stays. */
  async sync(): Promise<void> {
    // The process may have been paused within: better now than to be seconds off until the next time.
    if ((await this.#measure()) && this.#uncertaintyMs > ROUGH_MS) await this.#measure();
    this.#lookAtTheWall();
  }

  /** True when the measurement was better than what was known, or contradicted it. */
  async #measure(): Promise<boolean> {
    const before = this.#clock.monotonic();
    const storeNow = await this.#storeNow();
    const after = this.#clock.monotonic();
    const offset = storeNow - (before + after) / 2;
    const byMs = Math.round(offset - this.#offset);
    const uncertaintyMs = Math.ceil((after - before) / 2);
    const knownTo = this.uncertaintyMs;
    // `knownTo` has the drift of whole periods only.
    const slackMs = uncertaintyMs + knownTo + DRIFT_MS;
    // A slow answer that agrees with what we know better: neither is exact, so they differ by both at most.
    if (this.#measured && Math.abs(byMs) <= slackMs && uncertaintyMs > knownTo) return false;
    const jumped = this.#measured && Math.abs(byMs) > JUMP_MS + slackMs;
    this.#offset = offset;
    this.#uncertaintyMs = uncertaintyMs;
    this.#measuredAt = after;
    this.#measured = true;
    // By the new time: what is remembered of it would be an hour old at once after a jump of an hour.
    if (jumped) this.#events.emit({ type: 'clock.jumped', byMs });
    return true;
  }

  /** Said when it begins, when it changes as much again, and when it is over. */
  #lookAtTheWall(): void {
    const differsBy = Math.round(this.#clock.wall() - this.now());
    const offMs = Math.abs(differsBy) > OFF_MS + this.uncertaintyMs ? differsBy : 0;
    if (Math.abs(offMs - this.#saidOffMs) <= OFF_MS) return;
    this.#saidOffMs = offMs;
    this.#events.emit({ type: 'clock.off', byMs: offMs });
  }

  /** Epoch ms, integer. */
  now(): number {
    return Math.floor(this.#clock.monotonic() + this.#offset);
  }

  /** How far `now` may be off: half the round trip of the last measurement, and the drift since. */
  get uncertaintyMs(): number {
    if (!this.#measured) return 0;
    return this.#uncertaintyMs + Math.floor((this.#clock.monotonic() - this.#measuredAt) / DRIFT_EVERY_MS) * DRIFT_MS;
  }
}
