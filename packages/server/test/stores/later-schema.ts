/** The schema of a version to come, for tests of an upgrade: one that only adds, and one that takes away. */

import { MIGRATIONS, type Migration } from '../../src/stores/sql/migrations.ts';
import type { Tables } from '../../src/stores/sql/tables.ts';

const WIDENED: readonly (keyof Tables)[] = ['credentials', 'accounts', 'api_keys', 'audit', 'changes', 'settings', 'counters'];

/** A column in every table, an index and a table more. */
const expand: Migration = {
  name: 'later',
  async up(db, { types }) {
    for (const table of WIDENED) await db.schema.alterTable(table).addColumn('later_note', types.key).execute();
    await db.schema.createIndex('accounts_later').on('accounts').columns(['later_note']).execute();
    await db.schema
      .createTable('later')
      .addColumn('id', types.key, (column) => column.primaryKey())
      .execute();
  },
};

export const ADDITIVE: readonly Migration[] = [...MIGRATIONS, expand];
export const INCOMPATIBLE: readonly Migration[] = [...MIGRATIONS, { ...expand, servesFrom: MIGRATIONS.length + 1 }];
