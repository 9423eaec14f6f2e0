/**
 * One handle on a SQL database: where the parts of the store read and write. Reads do not queue behind writes and see
 * every acknowledged one; writes go through the group commit.
 */

import type { Kysely } from 'kysely';
import { ZhongkongError } from '../../core/errors.ts';
import type { SqlProfile } from './profile.ts';
import type { Tables } from './tables.ts';
import { type Write, WriteQueue } from './write-queue.ts';

export interface SqlConnectionParts {
  readonly profile: SqlProfile;
  /** For single statements outside a transaction. */
  readonly reader: Kysely<Tables>;
  /** For transactions; may be the same object where the driver pools. */
  readonly writer: Kysely<Tables>;
  /** Names this handle in the change log; unique per handle. */
  readonly origin: string;
  /** Last words to the database; what they say of failures is not heard. */
  readonly beforeClose?: () => Promise<void>;
}

export class SqlConnection {
  readonly profile: SqlProfile;
  readonly origin: string;
  readonly #parts: SqlConnectionParts;
  readonly #writes: WriteQueue;
  #closing: Promise<void> | null = null;

  constructor(parts: SqlConnectionParts) {
    this.profile = parts.profile;
    this.origin = parts.origin;
    this.#parts = parts;
    this.#writes = new WriteQueue(parts.writer, parts.profile.fault);
  }

  async read<T>(work: (db: Kysely<Tables>) => Promise<T>): Promise<T> {
    if (this.#closing) throw new ZhongkongError('store_unavailable', 'the store is closed');
    try {
      return await work(this.#parts.reader);
    } catch (error) {
      throw this.profile.fault(error);
    }
  }

  /** Resolves when it is on disk. */
  write<T>(work: Write<T>): Promise<T> {
    return this.#writes.add(work);
  }

  /** Idempotent; what was taken is written first. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const { reader, writer, beforeClose } = this.#parts;
    await this.#writes.close();
    await beforeClose?.().catch(() => undefined);
    if (reader !== writer) await reader.destroy();
    await writer.destroy();
  }
}
