/**
 * Group commit: the writes that arrive in one turn of the event loop share one transaction, hence one wait for the disk.
 *
 * Each keeps its own result: one that fails is undone to its savepoint and disturbs no other. A result is handed out
 * only after the commit; when the commit fails, every write of the group fails with it. Order of arrival is kept.
 *
 * Measured on SQLite, 64 refreshes of a claim and two writes in the air, one core: 7,000 a second in groups, 2,400 one by one.
 */

import { type Kysely, sql, type Transaction } from 'kysely';
import { ZhongkongError } from '../../core/errors.ts';
import type { Write } from './connection.ts';
import type { Tables } from './tables.ts';

interface Job {
  /** Runs the write; resolves with how to hand out its outcome once the group is committed. */
  readonly run: (trx: Transaction<Tables>, alone: boolean) => Promise<() => void>;
  readonly reject: (error: unknown) => void;
}

/** Most writes in one transaction: some 3 ms of work and one wait for the disk, which all else on this thread waits for. */
const MAX_GROUP = 64;

export class WriteQueue {
  readonly #db: Kysely<Tables>;
  readonly #fault: (error: unknown) => unknown;
  #jobs: Job[] = [];
  #draining: Promise<void> | null = null;
  #isClosed = false;

  /** `fault` makes the error that callers see from the driver's. */
  constructor(db: Kysely<Tables>, fault: (error: unknown) => unknown) {
    this.#db = db;
    this.#fault = fault;
  }

  /** Resolves when the write is on disk. */
  add<T>(write: Write<T>): Promise<T> {
    if (this.#isClosed) return Promise.reject(new ZhongkongError('store_unavailable', 'the store is closed'));
    return new Promise<T>((resolve, reject) => {
      const run = async (trx: Transaction<Tables>, alone: boolean): Promise<() => void> => {
        if (alone) {
          const result = await write(trx);
          return () => resolve(result);
        }
        await sql`savepoint one_write`.execute(trx);
        try {
          const result = await write(trx);
          await sql`release savepoint one_write`.execute(trx);
          return () => resolve(result);
        } catch (error) {
          // Where this fails too, the database has already undone everything: the group fails with the first cause.
          await sql`rollback to savepoint one_write`.execute(trx).catch(() => Promise.reject(error));
          await sql`release savepoint one_write`.execute(trx);
          return () => reject(this.#fault(error));
        }
      };
      this.#jobs.push({ run, reject });
      this.#draining ??= this.#drain();
    });
  }

  /** No more writes are taken; resolves when those taken are done. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#draining;
  }

  async #drain(): Promise<void> {
    while (this.#jobs.length > 0) {
      await new Promise((resolve) => setImmediate(resolve));
      await this.#commit(this.#jobs.splice(0, MAX_GROUP));
    }
    this.#draining = null;
  }

  async #commit(group: readonly Job[]): Promise<void> {
    const settle: (() => void)[] = [];
    try {
      await this.#db.transaction().execute(async (trx) => {
        for (const job of group) settle.push(await job.run(trx, group.length === 1));
      });
    } catch (error) {
      const fault = this.#fault(error);
      for (const job of group) job.reject(fault);
      return;
    }
    for (const one of settle) one();
  }
}
