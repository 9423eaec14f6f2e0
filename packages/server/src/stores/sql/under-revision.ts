/** The conditional write of a record that carries a revision: made when there is none, else changed if nobody was quicker. */

import type { Transaction, UpdateResult } from 'kysely';
import type { SqlConnection } from './connection.ts';
import type { Tables } from './tables.ts';

interface RevisedWrite {
  /** A row that is there already, or that takes what is another's, breaks a constraint. */
  readonly insert: (trx: Transaction<Tables>) => Promise<unknown>;
  /** Only where the stored revision is the one that was read. */
  readonly update: (trx: Transaction<Tables>) => Promise<UpdateResult>;
  /** Tells the change log. */
  readonly changed: (trx: Transaction<Tables>) => Promise<void>;
}

/** `revision`: the one that was read, 0 = none yet. */
export async function underRevision(db: SqlConnection, revision: number, write: RevisedWrite): Promise<'written' | 'conflict'> {
  try {
    return await db.write<'written' | 'conflict'>(async (trx) => {
      if (revision === 0) await write.insert(trx);
      else if ((await write.update(trx)).numUpdatedRows === 0n) return 'conflict';
      await write.changed(trx);
      return 'written';
    });
  } catch (error) {
    if (db.profile.isDuplicate(error)) return 'conflict';
    throw error;
  }
}
