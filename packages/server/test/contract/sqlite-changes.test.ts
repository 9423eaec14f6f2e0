/** The change log stays bounded, and who fell behind is told so instead of missing something. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Store } from '../../src/core/store.ts';
import { CHANGES_KEPT } from '../../src/stores/sql/changes.ts';
import { connectSqlite, openSqlite } from '../../src/stores/sql/sqlite.ts';
import { credentialId } from './suites/pair.ts';

describe('the change log', () => {
  let folder: string;
  let file: string;
  let store: Store;
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'zhongkong-'));
    file = join(folder, 'x.db');
    store = await openSqlite(file);
  });
  afterEach(async () => {
    await store.close();
    rmSync(folder, { recursive: true });
  });

  /** As another process would, which lives too short to prune. */
  async function addChanges(count: number): Promise<void> {
    const db = connectSqlite(file);
    await sql`insert into changes (topic, subject, kind, chain, origin)
      with recursive n(i) as (select 1 union all select i + 1 from n where i < ${count}) select 'account', 'wx' || i, '', '', '' from n`.execute(
      db,
    );
    await db.destroy();
  }
  async function kept(): Promise<number> {
    const db = connectSqlite(file);
    const { count } = await db
      .selectFrom('changes')
      .select(({ fn }) => fn.countAll<number>().as('count'))
      .executeTakeFirstOrThrow();
    await db.destroy();
    return count;
  }
  const change = (count: number) =>
    Promise.all(Array.from({ length: count }, (_, index) => store.credentials.schedule(credentialId(`wx${index % 5}`), index)));

  test('is pruned by a handle that works long enough', async () => {
    const { cursor: early } = await store.directory.changes(null, 10);
    await addChanges(CHANGES_KEPT + 2000);
    const { cursor: late } = await store.directory.changes(null, 10);
    await change(1000);
    expect(await kept()).toBe(CHANGES_KEPT);
    expect(await store.directory.changes(early, 1_000_000)).toMatchObject({ changes: [], overflow: true });
    // Within what is kept, nothing is lost; five credentials that changed 200 times each are five changes.
    const page = await store.directory.changes(late, 1000);
    expect(page.overflow).toBe(false);
    expect(page.changes).toHaveLength(5);
    expect(await store.directory.changes(page.cursor, 10)).toEqual({ cursor: page.cursor, changes: [], overflow: false });
  });

  test('is pruned by whoever opens it overgrown', async () => {
    await addChanges(CHANGES_KEPT + 1500);
    const other = await openSqlite(file);
    expect(await kept()).toBe(CHANGES_KEPT);
    expect(await other.directory.changes('1499', 1_000_000)).toMatchObject({ overflow: true });
    const page = await other.directory.changes('1500', 1_000_000);
    expect(page.overflow).toBe(false);
    expect(page.changes).toHaveLength(CHANGES_KEPT);
    await other.close();
  });

  test('a database put back from a backup, its numbers lower than a cursor, is an overflow', async () => {
    await change(3);
    expect(await store.directory.changes('4', 10)).toMatchObject({ changes: [], overflow: true });
    expect(await store.directory.changes('3', 10)).toMatchObject({ changes: [], overflow: false });
  });
});
