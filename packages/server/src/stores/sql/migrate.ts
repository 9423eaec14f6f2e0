/**
 * Brings a database to the schema this code knows, and refuses one that is ahead of it.
 *
 * Only one process at a time does it (`SqlProfile.alone`), so of two that start at once the second waits, then finds
 * nothing left to do.
 */

import type { Kysely } from 'kysely';
import { ZhongkongError } from '../../core/errors.ts';
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
  const { profile, place, migrations = MIGRATIONS } = options;
  // Read first: an up-to-date schema, nearly every start, needs no lock. Without the table it fails, and real trouble
  // shows again below.
  const known = await schemaNumber(db).catch(() => 0);
  refuseNewer(known, place, migrations);
  if (known === migrations.length) return 0;
  return profile.alone(db, async (trx) => {
    const create = trx.schema.createTable('migrations').ifNotExists();
    await (profile.tableOptions === null ? create : create.modifyEnd(profile.tableOptions))
      .addColumn('number', profile.types.integer, (column) => column.primaryKey().notNull())
      .addColumn('name', profile.types.text, (column) => column.notNull())
      .addColumn('applied_at', profile.types.integer, (column) => column.notNull())
      .execute();
    const done = await schemaNumber(trx);
    refuseNewer(done, place, migrations);
    for (const [index, { name, up }] of migrations.slice(done).entries()) {
      await up(trx, profile);
      const applied_at = await storeNow(trx, profile);
      await trx
        .insertInto('migrations')
        .values({ number: done + index + 1, name, applied_at })
        .execute();
    }
    return migrations.length - done;
  });
}

/** Number of the last migration that ran; 0 for none. Rejects when there is no `migrations` table. */
export async function schemaNumber(db: Kysely<Tables>): Promise<number> {
  const row = await db
    .selectFrom('migrations')
    .select(({ fn }) => fn.max('number').as('number'))
    .executeTakeFirst();
  return row?.number ?? 0;
}

/** Throws `store_unavailable` for a schema that later code made. */
export function refuseNewer(number: number, place: string, migrations: readonly Migration[] = MIGRATIONS): void {
  if (number <= migrations.length) return;
  throw new ZhongkongError(
    'config_invalid',
    {
      en: `${place} has schema ${number}, this version of Zhongkong knows schema ${migrations.length}: a later version has used it`,
      zh: `${place} 的表结构版本为 ${number}，当前版本的 Zhongkong 只支持到 ${migrations.length}：更新的版本已使用过它`,
    },
    {
      advice: {
        en: 'Start the later version again, or restore a backup from before the upgrade. Nothing was changed.',
        zh: '请改用较新的版本启动，或恢复升级之前的备份。数据未被改动。',
      },
    },
  );
}
