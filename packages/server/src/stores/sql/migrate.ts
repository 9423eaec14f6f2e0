/**
 * Brings a database to the schema this code knows. One that is ahead of it is worked with as long as the code that made
 * it says so (`serves_from`), so that a cluster is upgraded node by node; else it is refused.
 *
 * Only one process at a time does it (`SqlProfile.alone`), so of two that start at once the second waits, then finds
 * nothing left to do.
 */

import type { Kysely } from 'kysely';
import { schemaNewer } from '../schema-newer.ts';
import { MIGRATIONS, type Migration } from './migrations.ts';
import type { SqlProfile } from './profile.ts';
import { storeNow } from './store-clock.ts';
import type { Tables } from './tables.ts';

export interface MigrateOptions {
  readonly profile: SqlProfile;
  /** What messages call the database: its file, or its host without user and password. */
  readonly place: string;
  /** Default: all that this code knows. */
  readonly migrations?: readonly Migration[];
}

/** How many were run; 0 when the schema was there already. */
export async function migrate(db: Kysely<Tables>, options: MigrateOptions): Promise<number> {
  const { profile, migrations = MIGRATIONS } = options;
  // Read first: an up-to-date schema, nearly every start, needs no lock. Without the table it fails, and real trouble
  // shows again below.
  const known = await schemaNumber(db).catch(() => 0);
  if (known > 0) await refuseNewer(db, options);
  if (known >= migrations.length) return 0;
  return profile.alone(db, async (trx) => {
    await makeTable(trx, profile);
    await refuseNewer(trx, options);
    const done = await schemaNumber(trx);
    for (const [index, { name, up, servesFrom = 1 }] of migrations.slice(done).entries()) {
      await up(trx, profile);
      const applied_at = await storeNow(trx, profile);
      await trx
        .insertInto('migrations')
        .values({ number: done + index + 1, name, applied_at, serves_from: servesFrom })
        .execute();
    }
    return Math.max(0, migrations.length - done);
  });
}

async function makeTable(trx: Kysely<Tables>, { types, tableOptions }: SqlProfile): Promise<void> {
  const create = trx.schema.createTable('migrations').ifNotExists();
  await (tableOptions === null ? create : create.modifyEnd(tableOptions))
    .addColumn('number', types.integer, (column) => column.primaryKey().notNull())
    .addColumn('name', types.text, (column) => column.notNull())
    .addColumn('applied_at', types.integer, (column) => column.notNull())
    .addColumn('serves_from', types.integer)
    .execute();
  // One of before there was `serves_from` has rows; asked this way, because a statement that fails may end the transaction.
  const row = await trx.selectFrom('migrations').selectAll().limit(1).executeTakeFirst();
  if (row && !('serves_from' in row)) await trx.schema.alterTable('migrations').addColumn('serves_from', types.integer).execute();
}

/** Number of the last migration that ran; 0 for none. Rejects when there is no `migrations` table. */
export async function schemaNumber(db: Kysely<Tables>): Promise<number> {
  const row = await db
    .selectFrom('migrations')
    .select(({ fn }) => fn.max('number').as('number'))
    .executeTakeFirst();
  return row?.number ?? 0;
}

/** Throws `config_invalid` for a schema that later code made and that this code must not work with. */
export async function refuseNewer(
  db: Kysely<Tables>,
  { place, migrations = MIGRATIONS }: Pick<MigrateOptions, 'place' | 'migrations'>,
): Promise<void> {
  const known = migrations.length;
  const number = await schemaNumber(db);
  if (number <= known) return;
  // One that does not say beside which code it works is taken for one that works beside none.
  const against = await db
    .selectFrom('migrations')
    .select('number')
    .where('number', '>', known)
    .where((is) => is.or([is('serves_from', '>', known), is('serves_from', 'is', null)]))
    .executeTakeFirst();
  if (against) throw schemaNewer(place, number, known);
}
