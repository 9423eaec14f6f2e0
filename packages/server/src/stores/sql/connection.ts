/**
 * One handle on a SQL database: where the parts of the store read and write. Reads do not queue behind writes and see
 * every acknowledged one; how writes share transactions is the writer's affair.
 */

import type { Kysely, Transaction } from 'kysely';
import { ZhongkongError } from '../../core/errors.ts';
import type { CredentialStep } from './credential-steps.ts';
import type { SqlProfile } from './profile.ts';
import type { Tables } from './tables.ts';

/** Must only wait for the database: others may wait for it. May be called again when its transaction was undone. */
export type Write<T> = (trx: Transaction<Tables>) => Promise<T>;

/** How the writes of one handle get into the database. */
export interface Writer {
  /** In a transaction, or its own part of one. Resolves when it is on disk. */
  write<T>(work: Write<T>): Promise<T>;
  /** One step on one credential's row, perhaps in company. */
  step<T>(step: CredentialStep<T>): Promise<T>;
  /** No more writes are taken; resolves when those taken are done. */
  close(): Promise<void>;
}

export interface SqlConnectionParts {
  readonly profile: SqlProfile;
  /** For single statements outside a transaction. */
  readonly reader: Kysely<Tables>;
  readonly writer: Writer;
  /** Calls `wake` when another handle may have changed something; returns the way to stop. */
  readonly onChange?: (wake: () => void) => () => void;
  /** Last words to the database; what they say of failures is not heard. */
  readonly release: () => Promise<void>;
}

export class SqlConnection {
  readonly profile: SqlProfile;
  readonly onChange: ((wake: () => void) => () => void) | undefined;
  readonly #parts: SqlConnectionParts;
  #closing: Promise<void> | null = null;

  constructor(parts: SqlConnectionParts) {
    this.profile = parts.profile;
    this.onChange = parts.onChange;
    this.#parts = parts;
  }

  async read<T>(work: (db: Kysely<Tables>) => Promise<T>): Promise<T> {
    for (let tries = 1; ; tries += 1) {
      this.#assertOpen();
      try {
        return await work(this.#parts.reader);
      } catch (error) {
        if (!this.profile.isWorthRetry(error, tries)) throw this.profile.fault(error);
      }
    }
  }

  /** One statement that writes, and is a transaction by itself. Not tried again: what became of it may be unknown. */
  async statement<T>(work: (db: Kysely<Tables>) => Promise<T>): Promise<T> {
    this.#assertOpen();
    try {
      return await work(this.#parts.reader);
    } catch (error) {
      throw this.profile.fault(error);
    }
  }

  /** Resolves when it is on disk. */
  async write<T>(work: Write<T>): Promise<T> {
    this.#assertOpen();
    return this.#parts.writer.write(work);
  }

  /** Resolves when it is on disk. */
  async step<T>(step: CredentialStep<T>): Promise<T> {
    this.#assertOpen();
    return this.#parts.writer.step(step);
  }

  /** Idempotent; what was taken is written first. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await this.#parts.writer.close();
    await this.#parts.release();
  }

  #assertOpen(): void {
    if (this.#closing) throw new ZhongkongError('store_unavailable', 'the store is closed');
  }
}
