/** The writer of a database with one writer at a time: everything goes through the group commit, in order of arrival. */

import type { Kysely } from 'kysely';
import type { Write, Writer } from './connection.ts';
import { applySteps, type CredentialStep, type StepContext } from './credential-steps.ts';
import type { Tables } from './tables.ts';
import { WriteQueue } from './write-queue.ts';

export class GroupWriter implements Writer {
  readonly #queue: WriteQueue;
  readonly #context: StepContext;

  constructor(db: Kysely<Tables>, context: StepContext) {
    this.#queue = new WriteQueue(db, context.profile.fault);
    this.#context = context;
  }

  write<T>(work: Write<T>): Promise<T> {
    return this.#queue.add(work);
  }

  /** Alone in its statements: they cost microseconds here, and a fixed set of them stays prepared. */
  step<T>(step: CredentialStep<T>): Promise<T> {
    return this.#queue.add(async (trx) => (await applySteps(trx, this.#context, [step])).results[0] as T);
  }

  close(): Promise<void> {
    return this.#queue.close();
  }
}
