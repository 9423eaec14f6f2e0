/** One opened SQL database as a Store. */

import type { Kysely } from 'kysely';
import type { Store } from '../../core/store.ts';
import { SqlArchive } from './archive.ts';
import type { ChangeLog } from './changes.ts';
import type { SqlConnection } from './connection.ts';
import { SqlCredentials } from './credentials.ts';
import { SqlDirectory } from './directory.ts';
import { SqlDueQueue } from './due.ts';
import { type MigrateOptions, refuseNewer, schemaNumber } from './migrate.ts';
import { COUNTERS, type Tables } from './tables.ts';

/** `schema`: what the database is called, and which schema is known. `migrated`: how many migrations ran when it was opened. */
export async function createSqlStore(
  db: SqlConnection,
  changes: ChangeLog,
  schema: Pick<MigrateOptions, 'place' | 'migrations'>,
  migrated: number,
): Promise<Store> {
  // A process that lives shorter than its share of changes, such as a command, never prunes later.
  if (await db.read((reader) => changes.overgrown(reader))) await db.write((trx) => changes.prune(trx));
  const number = await db.read((reader) => schemaNumber(reader));
  return {
    credentials: new SqlCredentials(db, changes),
    directory: new SqlDirectory(db, changes),
    due: new SqlDueQueue(db),
    archive: new SqlArchive(db),
    schema: { found: number - migrated, now: number },
    ...(db.onChange ? { notices: { listen: db.onChange } } : {}),
    async ping() {
      await db.read((reader) => refuseNewer(reader, schema));
      await db.write((trx) => countPing(trx));
    },
    close: () => db.close(),
  };
}

/** A real write, since a full disk lets everything else pass. */
async function countPing(trx: Kysely<Tables>): Promise<void> {
  await trx
    .updateTable('counters')
    .set((where) => ({ value: where('value', '+', 1) }))
    .where('name', '=', COUNTERS.ping)
    .execute();
}
