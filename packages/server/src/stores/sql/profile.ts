/**
 * What one SQL database can do and how it says things, as data. The store asks the profile; it never asks which
 * database this is.
 */

import type { Kysely, RawBuilder, SqlBool } from 'kysely';
import type { Tables } from './tables.ts';

/** Columns and rows that an INSERT takes: the value of each column in the order of the columns. */
export interface RowSource {
  readonly columns: readonly { readonly name: string; readonly type: 'text' | 'integer' }[];
  readonly rows: readonly (readonly (string | number | null)[])[];
}

type ColumnType = RawBuilder<unknown>;

export interface SqlProfile {
  /**
   * `SELECT … FOR UPDATE [SKIP LOCKED]` exists and is needed. Without it a transaction must own the whole database
   * from its first statement on, so that what it read cannot change before it writes.
   */
  readonly rowLocks: boolean;
  /**
   * `WITH … UPDATE … FROM … RETURNING` exists and pays: due credentials are claimed in one statement, and many writes
   * under leases are another.
   */
  readonly updatesAtOnce: boolean;
  /**
   * How columns are declared. `key` holds up to 128 characters and compares byte for byte, trailing spaces included;
   * `serial` is the primary key that grows by one with every row.
   */
  readonly types: { readonly key: ColumnType; readonly text: ColumnType; readonly integer: ColumnType; readonly serial: ColumnType };
  /** What ends a CREATE TABLE, or null. */
  readonly tableOptions: ColumnType | null;
  /**
   * The store's clock, epoch ms: the server's where there is one. Reads the same all through one statement, and not
   * later than when the statement got its locks: a lease that had to wait for a lock is never cut short by it.
   */
  readonly clock: () => RawBuilder<number>;
  /** Rows to insert. */
  readonly rows: (source: RowSource) => RawBuilder<unknown>;
  /** The credential is one of these. */
  readonly isAmong: (ids: readonly { readonly account: string; readonly kind: string; readonly chain: string }[]) => RawBuilder<SqlBool>;
  /**
   * After a table's name: search it by this index and no other way, where the planner might read a small table as a
   * whole, and lock every row on its way. `primary` is the primary key.
   */
  readonly byIndex: (name: string) => RawBuilder<unknown>;
  /** Rows that bring their own number for a `serial` column: what follows the columns, and what has to be said after. */
  readonly ownNumbers: { readonly words: RawBuilder<unknown>; readonly afterwards: (table: string) => RawBuilder<unknown> | null };
  /** Ends an INSERT: a row that is there gets these columns of the new one; with no columns it stays as it is. */
  readonly orUpdate: (key: readonly string[], columns: readonly string[]) => RawBuilder<unknown>;
  /** Runs `work` while no other process does the same. In a transaction where the schema can be changed in one. */
  readonly alone: <T>(db: Kysely<Tables>, work: (db: Kysely<Tables>) => Promise<T>) => Promise<T>;
  /** A UNIQUE or PRIMARY KEY constraint refused the row. */
  readonly isDuplicate: (error: unknown) => boolean;
  /** An index or a column of that name is there already. */
  readonly isThere: (error: unknown) => boolean;
  /** Nothing of the transaction remains, and doing it again can succeed. `tries`: how often it was tried. */
  readonly isWorthRetry: (error: unknown, tries: number) => boolean;
  /** The one error that this driver's error means, with advice that names the place; others come back as they are. */
  readonly fault: (error: unknown) => unknown;
}
