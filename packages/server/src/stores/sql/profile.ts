/**
 * What one SQL database can do and how it says things, as data. The store asks the profile; it never asks which
 * database this is.
 */

import type { Kysely } from 'kysely';
import type { Tables } from './tables.ts';

export interface SqlProfile {
  /**
   * `SELECT … FOR UPDATE [SKIP LOCKED]` exists and is needed. Without it a transaction must own the whole database
   * from its first statement on, so that what it read cannot change before it writes.
   */
  readonly rowLocks: boolean;
  /** How columns are declared. `key` holds up to 128 characters and compares byte for byte. */
  readonly types: { readonly key: 'text' | 'varchar(128)'; readonly text: 'text'; readonly integer: 'integer' | 'bigint' };
  /** The store's clock, epoch ms: the server's where there is one. */
  readonly now: (db: Kysely<Tables>) => Promise<number>;
  /** A UNIQUE or PRIMARY KEY constraint refused the row. */
  readonly isDuplicate: (error: unknown) => boolean;
  /** The one error that this driver's error means, with advice that names the place; others come back as they are. */
  readonly fault: (error: unknown) => unknown;
}
