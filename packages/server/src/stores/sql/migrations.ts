/**
 * The migrations, numbered from 1 without gaps. One that was published is never changed; a mistake is mended by the next.
 *
 * Each runs together with the row that records it in one transaction, or, where changing the schema ends transactions,
 * may be cut off anywhere and run again: so every step of every migration has to be content with its work being done.
 */

import { type CreateTableBuilder, type Kysely, sql } from 'kysely';
import type { SqlProfile } from './profile.ts';
import { COUNTERS, type Tables } from './tables.ts';

export interface Migration {
  /** A few words for the `migrations` table. */
  readonly name: string;
  readonly up: (db: Kysely<Tables>, profile: SqlProfile) => Promise<void>;
  /**
   * The number of the oldest schema whose code may go on beside this one. Left out when it only adds what older code
   * neither sees nor has to fill (tables, indexes, columns that are null or have a default): then whatever worked before
   * works on. What takes something away, or changes what is written, names the first code that does without it.
   */
  readonly servesFrom?: number;
}

export const MIGRATIONS: readonly Migration[] = [
  { name: 'credentials', up: credentials },
  { name: 'directory', up: directory },
  { name: 'key revisions', up: keyRevisions },
];

/** A table, unless it is there. */
function table<T extends string>(db: Kysely<Tables>, { tableOptions }: SqlProfile, name: T): CreateTableBuilder<T> {
  const create = db.schema.createTable(name).ifNotExists();
  return tableOptions === null ? create : create.modifyEnd(tableOptions);
}

/** An index, unless it is there. */
async function index(
  db: Kysely<Tables>,
  { isThere }: SqlProfile,
  name: string,
  on: keyof Tables,
  columns: readonly string[],
  unique = false,
) {
  const create = db.schema
    .createIndex(name)
    .on(on)
    .columns([...columns]);
  try {
    await (unique ? create.unique() : create).execute();
  } catch (error) {
    if (!isThere(error)) throw error;
  }
}

const uniqueIndex = (db: Kysely<Tables>, profile: SqlProfile, name: string, on: keyof Tables, columns: readonly string[]) =>
  index(db, profile, name, on, columns, true);

async function credentials(db: Kysely<Tables>, profile: SqlProfile): Promise<void> {
  const { types } = profile;
  await table(db, profile, 'credentials')
    .addColumn('account', types.key, (column) => column.notNull())
    .addColumn('kind', types.key, (column) => column.notNull())
    .addColumn('chain', types.key, (column) => column.notNull())
    .addColumn('generation', types.integer, (column) => column.notNull())
    .addColumn('fence', types.integer, (column) => column.notNull())
    .addColumn('lease_holder', types.key)
    .addColumn('lease_until', types.integer)
    .addColumn('next_attempt_at', types.integer)
    .addColumn('body', types.text)
    .addPrimaryKeyConstraint('credentials_id', ['account', 'kind', 'chain'])
    .execute();
  await index(db, profile, 'credentials_due', 'credentials', ['next_attempt_at']);

  await table(db, profile, 'changes')
    .addColumn('seq', types.serial)
    .addColumn('topic', types.key, (column) => column.notNull())
    .addColumn('subject', types.key, (column) => column.notNull())
    .addColumn('kind', types.key, (column) => column.notNull())
    .addColumn('chain', types.key, (column) => column.notNull())
    .addColumn('origin', types.key, (column) => column.notNull())
    .execute();

  await table(db, profile, 'counters')
    .addColumn('name', types.key, (column) => column.primaryKey())
    .addColumn('value', types.integer, (column) => column.notNull())
    .execute();
  const rows = Object.values(COUNTERS).map((name) => sql`(${name}, 0)`);
  await sql`insert into counters (name, value) values ${sql.join(rows)} ${profile.orUpdate(['name'], [])}`.execute(db);
}

async function directory(db: Kysely<Tables>, profile: SqlProfile): Promise<void> {
  const { types } = profile;
  await table(db, profile, 'accounts')
    .addColumn('id', types.key, (column) => column.primaryKey().notNull())
    .addColumn('platform', types.key, (column) => column.notNull())
    .addColumn('app_id', types.key, (column) => column.notNull())
    .addColumn('parent', types.key, (column) => column.notNull())
    .addColumn('mode', types.key, (column) => column.notNull())
    .addColumn('sealed_secrets', types.text, (column) => column.notNull())
    .addColumn('secret_revision', types.integer, (column) => column.notNull())
    .addColumn('secret_fingerprints', types.text, (column) => column.notNull())
    .addColumn('enabled', types.integer, (column) => column.notNull())
    .addColumn('note', types.text, (column) => column.notNull())
    .addColumn('declaration', types.text, (column) => column.notNull())
    .addColumn('created_at', types.integer, (column) => column.notNull())
    .addColumn('updated_at', types.integer, (column) => column.notNull())
    .addColumn('revision', types.integer, (column) => column.notNull())
    .execute();
  // AppID first: the same index answers "which accounts have this AppID".
  await uniqueIndex(db, profile, 'accounts_identity', 'accounts', ['app_id', 'platform', 'parent']);

  await table(db, profile, 'api_keys')
    .addColumn('id', types.key, (column) => column.primaryKey().notNull())
    .addColumn('name', types.key, (column) => column.notNull())
    .addColumn('active_name', types.key)
    .addColumn('digest', types.key, (column) => column.notNull())
    .addColumn('scopes', types.text, (column) => column.notNull())
    .addColumn('accounts', types.text, (column) => column.notNull())
    .addColumn('kinds', types.text)
    .addColumn('paths', types.text)
    .addColumn('calls_per_minute', types.integer)
    .addColumn('cidrs', types.text)
    .addColumn('sealed', types.integer, (column) => column.notNull())
    .addColumn('expires_at', types.integer)
    .addColumn('revoked_at', types.integer)
    .addColumn('created_at', types.integer, (column) => column.notNull())
    .execute();
  await uniqueIndex(db, profile, 'api_keys_digest', 'api_keys', ['digest']);
  await uniqueIndex(db, profile, 'api_keys_name', 'api_keys', ['active_name']);

  await table(db, profile, 'audit')
    .addColumn('seq', types.serial)
    .addColumn('at', types.integer, (column) => column.notNull())
    .addColumn('action', types.key, (column) => column.notNull())
    .addColumn('actor', types.key, (column) => column.notNull())
    .addColumn('subject', types.key, (column) => column.notNull())
    .addColumn('data', types.text, (column) => column.notNull())
    .execute();
  await index(db, profile, 'audit_subject', 'audit', ['subject', 'seq']);
  await index(db, profile, 'audit_action', 'audit', ['action', 'seq']);
  await index(db, profile, 'audit_at', 'audit', ['at']);

  await table(db, profile, 'settings')
    .addColumn('name', types.key, (column) => column.primaryKey().notNull())
    .addColumn('value', types.text, (column) => column.notNull())
    .execute();
}

/** A key of before has been written once. */
async function keyRevisions(db: Kysely<Tables>, { types, isThere }: SqlProfile): Promise<void> {
  try {
    await db.schema
      .alterTable('api_keys')
      .addColumn('revision', types.integer, (column) => column.notNull().defaultTo(1))
      .execute();
  } catch (error) {
    if (!isThere(error)) throw error;
  }
}
