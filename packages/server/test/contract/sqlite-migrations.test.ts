/** How a database comes to its schema, and that docs/storage-schema.md says what that schema is. */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Kysely, sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { migrate, schemaNumber } from '../../src/stores/sql/migrate.ts';
import { MIGRATIONS, type Migration } from '../../src/stores/sql/migrations.ts';
import { connectSqlite, openSqlite, sqliteProfile } from '../../src/stores/sql/sqlite.ts';
import type { Tables } from '../../src/stores/sql/tables.ts';

/** `servesFrom`: see `Migration`; without it a change that older code can work beside. */
const addTable = (table: string, servesFrom?: number): Migration => ({
  name: table,
  ...(servesFrom === undefined ? {} : { servesFrom }),
  up: async (db) => void (await db.schema.createTable(table).addColumn('id', 'integer').execute()),
});

const number = MIGRATIONS.length;

describe('migrations', () => {
  let folder: string;
  let file: string;
  const open: Kysely<Tables>[] = [];
  const connect = () => {
    const db = connectSqlite(file);
    open.push(db);
    return db;
  };
  const options = (migrations: readonly Migration[]) => ({ profile: sqliteProfile(file, () => 42), place: file, migrations });
  const tables = async (db: Kysely<Tables>) =>
    (await db.introspection.getTables()).map(({ name }) => name).filter((name) => !name.startsWith('sqlite_'));

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'zhongkong-'));
    file = join(folder, 'x.db');
  });
  afterEach(async () => {
    for (const db of open.splice(0)) await db.destroy();
    rmSync(folder, { recursive: true });
  });

  test('run once, in order, each recorded', async () => {
    const db = connect();
    const [one, two] = [addTable('one'), addTable('two')];
    expect(await migrate(db, options([one]))).toBe(1);
    expect(await migrate(db, options([one, two]))).toBe(1);
    expect(await migrate(db, options([one, two]))).toBe(0);
    expect(await tables(db)).toEqual(['migrations', 'one', 'two']);
    expect(await db.selectFrom('migrations').selectAll().execute()).toEqual([
      { number: 1, name: 'one', applied_at: 42, serves_from: 1 },
      { number: 2, name: 'two', applied_at: 42, serves_from: 1 },
    ]);
  });

  test('one that fails leaves nothing behind, its predecessors of the same start included', async () => {
    const db = connect();
    const broken: Migration = { name: 'broken', up: () => Promise.reject(new Error('no')) };
    await expect(migrate(db, options([addTable('one'), broken]))).rejects.toThrow('no');
    expect(await tables(db)).toEqual([]);
    expect(await migrate(db, options([addTable('one'), addTable('two')]))).toBe(2);
  });

  test('two that start at once: one does the work, the other finds it done', async () => {
    const migrations = [addTable('one'), addTable('two')];
    const results = await Promise.all([connect(), connect(), connect()].map((db) => migrate(db, options(migrations))));
    expect(results.sort()).toEqual([0, 0, 2]);
  });

  test('a schema of later code is refused with what to do, and not changed', async () => {
    const db = connect();
    await migrate(db, options([...MIGRATIONS, addTable('later', number + 1)]));
    await expect(openSqlite(file)).rejects.toMatchObject({
      code: 'config_invalid',
      message: `${file} has schema ${number + 1}, this version of Zhongkong knows schema ${number}: a later version has used it`,
      advice: { en: expect.stringContaining('later version'), zh: expect.stringContaining('较新的版本') },
    });
    expect(await schemaNumber(db)).toBe(number + 1);
  });

  test('keys of before they had revisions can be changed', async () => {
    const db = connect();
    await migrate(db, options(MIGRATIONS.slice(0, 2)));
    const lists = { scopes: '["metrics"]', accounts: '["*"]', kinds: null, paths: null, cidrs: null };
    const rest = { active_name: 'old', calls_per_minute: null, sealed: 0, expires_at: null, revoked_at: null, created_at: 1 };
    await db
      .insertInto('api_keys')
      .values({ id: 'k_1', name: 'old', digest: 'd', ...lists, ...rest } as never)
      .execute();
    const { directory, close } = await openSqlite(file);
    const key = await directory.key('k_1');
    expect(key).toMatchObject({ name: 'old', revision: 1 });
    if (key) expect(await directory.putKey({ ...key, revokedAt: 2 })).toBe('written');
    await close();
  });

  test('a running store notices when later code moves the schema on', async () => {
    const store = await openSqlite(file);
    await store.ping();
    await migrate(connect(), options([...MIGRATIONS, addTable('later')]));
    await store.ping();
    await migrate(connect(), options([...MIGRATIONS, addTable('later'), addTable('incompatible', number + 2)]));
    await expect(store.ping()).rejects.toMatchObject({ code: 'config_invalid' });
    await store.close();
  });

  test('beside a later schema work those that its migrations name, whatever was added after them', async () => {
    // The last one but one takes away what this code's next version does without already.
    const later = [...MIGRATIONS, addTable('expand'), addTable('contract', number + 1), addTable('more')];
    await migrate(connect(), options(later));
    const openAs = async (known: number) => {
      const store = await openSqlite(file, { migrations: later.slice(0, known) });
      await store.ping();
      expect(await store.directory.putSetting(`by ${known}`, null, 'x')).toBe(true);
      await store.close();
    };
    for (const known of [number + 3, number + 2, number + 1]) await openAs(known);
    await expect(openAs(number)).rejects.toMatchObject({ code: 'config_invalid' });
    expect(await schemaNumber(connect())).toBe(number + 3);
  });

  test('rows of before there was such a rule stand in nobody’s way, and later ones are heeded', async () => {
    const db = connect();
    await migrate(db, options(MIGRATIONS));
    await db.schema.alterTable('migrations').dropColumn('serves_from').execute();
    const store = await openSqlite(file);
    await store.ping();
    const both = [1, 2].map(() => migrate(connect(), options([...MIGRATIONS, addTable('later')])));
    expect((await Promise.all(both)).sort()).toEqual([0, 1]);
    await store.ping();
    await migrate(connect(), options([...MIGRATIONS, addTable('later'), addTable('incompatible', number + 2)]));
    await expect(store.ping()).rejects.toMatchObject({ code: 'config_invalid' });
    await store.close();
  });

  test('no migration names code that is later than itself', () => {
    for (const [index, { servesFrom = 1 }] of MIGRATIONS.entries()) expect(servesFrom).toBeLessThanOrEqual(index + 1);
  });

  test('the document of the schema names every table and every column, and no others', async () => {
    await (await openSqlite(file)).close();
    const db = connect();
    const actual: Record<string, string[]> = {};
    for (const table of await tables(db)) {
      const { rows } = await sql<{ name: string }>`select name from pragma_table_info(${table})`.execute(db);
      actual[table] = rows.map(({ name }) => name);
    }
    const document = readFileSync(new URL('../../../../docs/storage-schema.md', import.meta.url), 'utf8');
    const described: Record<string, string[]> = {};
    for (const section of document.split('\n### ').slice(1)) {
      const table = /^`(\w+)`/.exec(section)?.[1];
      if (table) described[table] = [...section.matchAll(/^\| `(\w+)` \|/gm)].map((match) => match[1] ?? '');
    }
    expect(Object.keys(actual).length).toBeGreaterThan(5);
    expect(described).toEqual(actual);
  });
});
