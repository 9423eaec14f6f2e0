/**
 * The writer of a database with row locks: transactions run side by side, and what happens to single credentials is
 * gathered into batches, each a few statements in one transaction, or one where that can say it all.
 *
 * A batch leaves as soon as one of the lanes is free, with all that has gathered: alone it does not wait, under load
 * batches grow by themselves. Every step keeps its own result; a batch that the database refuses is done step by step,
 * so that a bad one fails alone. A result is handed out after the commit.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import type { Kysely } from 'kysely';
import { ZhongkongError } from '../../core/errors.ts';
import type { Write, Writer } from './connection.ts';
import { applySteps, type CredentialStep, type StepContext } from './credential-steps.ts';
import { onlyWrites, writeAtOnce } from './credential-writes.ts';
import type { Tables } from './tables.ts';

/** Most steps in one transaction: a few ms of locks, and some 100 KB of bodies. */
const MAX_BATCH = 64;
/** Batches at the same time: while one waits for its commit, the next is being written. */
const LANES = 2;
const RETRY_MS = 10;

interface Waiting {
  readonly step: CredentialStep<unknown>;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
}

export interface ServerWriterParts extends StepContext {
  readonly db: Kysely<Tables>;
  /** Other handles may want to know that something was written. */
  readonly announce: () => void;
}

export class ServerWriter implements Writer {
  readonly #parts: ServerWriterParts;
  readonly #running = new Set<Promise<unknown>>();
  #waiting: Waiting[] = [];
  #lanes = 0;
  #isPlanned = false;
  #isClosed = false;

  constructor(parts: ServerWriterParts) {
    this.#parts = parts;
  }

  async write<T>(work: Write<T>): Promise<T> {
    this.#assertOpen();
    const result = await this.#track(this.#transact(work));
    this.#parts.announce();
    return result;
  }

  step<T>(step: CredentialStep<T>): Promise<T> {
    this.#assertOpen();
    return this.#track(
      new Promise<T>((resolve, reject) => {
        this.#waiting.push({ step, resolve: resolve as (result: unknown) => void, reject });
        this.#plan();
      }),
    );
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    while (this.#running.size > 0) await Promise.allSettled(this.#running);
  }

  #assertOpen(): void {
    if (this.#isClosed) throw new ZhongkongError('store_unavailable', 'the store is closed');
  }

  async #track<T>(work: Promise<T>): Promise<T> {
    this.#running.add(work);
    try {
      return await work;
    } finally {
      this.#running.delete(work);
    }
  }

  /** After this turn of the event loop, so that what arrives together goes together. */
  #plan(): void {
    if (this.#isPlanned) return;
    this.#isPlanned = true;
    setImmediate(() => {
      this.#isPlanned = false;
      while (this.#lanes < LANES && this.#waiting.length > 0) void this.#lane(this.#waiting.splice(0, MAX_BATCH));
    });
  }

  async #lane(batch: readonly Waiting[]): Promise<void> {
    this.#lanes += 1;
    try {
      await this.#commit(batch);
    } finally {
      this.#lanes -= 1;
      if (this.#waiting.length > 0) this.#plan();
    }
  }

  async #commit(batch: readonly Waiting[]): Promise<void> {
    try {
      const { results, changed } = await this.#apply(batch.map(({ step }) => step));
      for (const [index, { resolve }] of batch.entries()) resolve(results[index]);
      if (changed) this.#parts.announce();
    } catch (error) {
      // Where the store is away it is so for each of them. Anything else may be about one of them.
      const isAway = error instanceof ZhongkongError;
      if (isAway || batch.length === 1) for (const { reject } of batch) reject(error);
      else for (const one of batch) await this.#commit([one]);
    }
  }

  async #apply(steps: readonly CredentialStep<unknown>[]): Promise<{ readonly results: readonly unknown[]; readonly changed: boolean }> {
    const { db, profile, changes } = this.#parts;
    const writes = profile.updatesAtOnce ? onlyWrites(steps) : null;
    if (writes === null) return this.#transact((trx) => applySteps(trx, this.#parts, steps));
    const results = await this.#again(() => writeAtOnce(db, this.#parts, writes));
    const committed = results.filter((result) => result === 'committed').length;
    // Beside the writes, which are done: what is not pruned now is at the next time.
    if (changes.grown(committed)) this.#track(this.#transact((trx) => changes.prune(trx))).catch(() => undefined);
    return { results, changed: committed > 0 };
  }

  #transact<T>(work: Write<T>): Promise<T> {
    return this.#again(() => this.#parts.db.transaction().execute(work));
  }

  /** While it is worth it: what is done here is done under its condition, so that twice is the same as once. */
  async #again<T>(work: () => Promise<T>): Promise<T> {
    const { profile } = this.#parts;
    for (let tries = 1; ; tries += 1) {
      try {
        return await work();
      } catch (error) {
        if (!profile.isWorthRetry(error, tries)) throw profile.fault(error);
        await sleep(RETRY_MS * tries * (0.5 + Math.random()));
      }
    }
  }
}
