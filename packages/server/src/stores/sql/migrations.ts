/**
 * The migrations, numbered from 1 without gaps. One that was published is never changed; a mistake is mended by the next.
 *
 * Each runs in one transaction together with the row that records it.
 */

import type { Kysely } from 'kysely';
import type { SqlProfile } from './profile.ts';
import { COUNTERS, type Tables } from './tables.ts';

export interface Migration {
  /** A few words for the `migrations` table. */
  readonly name: string;
  readonly up: (db: Kysely<Tables>, profile: SqlProfile) => Promise<void>;
}

export const MIGRATIONS: readonly Migration[] = [
  { name: 'credentials', up: credentials },
  { name: 'directory', up: directory },
  { name: 'key revisions', up: keyRevisions },
];

async function credentials(db: Kysely<Tables>, { types }: SqlProfile): Promise<void> {
  await db.schema
    .createTable('credentials')
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
  await db.schema.createIndex('credentials_due').on('credentials').column('next_attempt_at').execute();

  await db.schema
    .createTable('changes')
    .addColumn('seq', types.integer, (column) => column.primaryKey().autoIncrement())
    .addColumn('topic', types.key, (column) => column.notNull())
    .addColumn('subject', types.key, (column) => column.notNull())
    .addColumn('kind', types.key, (column) => column.notNull())
    .addColumn('chain', types.key, (column) => column.notNull())
    .addColumn('origin', types.key, (column) => column.notNull())
    .execute();

  await db.schema
    .createTable('counters')
    .addColumn('name', types.key, (column) => column.primaryKey())
    .addColumn('value', types.integer, (column) => column.notNull())
    .execute();
  await db
    .insertInto('counters')
    .values(Object.values(COUNTERS).map((name) => ({ name, value: 0 })))
    .execute();
}

async function directory(db: Kysely<Tables>, { types }: SqlProfile): Promise<void> {
  await db.schema
    .createTable('accounts')
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
  await db.schema.createIndex('accounts_identity').unique().on('accounts').columns(['app_id', 'platform', 'parent']).execute();

  await db.schema
    .createTable('api_keys')
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
  await db.schema.createIndex('api_keys_digest').unique().on('api_keys').column('digest').execute();
  await db.schema.createIndex('api_keys_name').unique().on('api_keys').column('active_name').execute();

  await db.schema
    .createTable('audit')
    .addColumn('seq', types.integer, (column) => column.primaryKey().autoIncrement())
    .addColumn('at', types.integer, (column) => column.notNull())
    .addColumn('action', types.key, (column) => column.notNull())
    .addColumn('actor', types.key, (column) => column.notNull())
    .addColumn('subject', types.key, (column) => column.notNull())
    .addColumn('data', types.text, (column) => column.notNull())
    .execute();
  await db.schema.createIndex('audit_subject').on('audit').columns(['subject', 'seq']).execute();
  await db.schema.createIndex('audit_action').on('audit').columns(['action', 'seq']).execute();
  await db.schema.createIndex('audit_at').on('audit').column('at').execute();

  await db.schema
    .createTable('settings')
    .addColumn('name', types.key, (column) => column.primaryKey().notNull())
    .addColumn('value', types.text, (column) => column.notNull())
    .execute();
}

/** A key of before has been written once. */
async function keyRevisions(db: Kysely<Tables>, { types }: SqlProfile): Promise<void> {
  await db.schema
    .alterTable('api_keys')
    .addColumn('revision', types.integer, (column) => column.notNull().defaultTo(1))
    .execute();
}
