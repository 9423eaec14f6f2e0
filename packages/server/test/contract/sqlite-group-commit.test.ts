/** Group commit on a real file: what shares a transaction, and what happens to the others when one write, or the commit, fails. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Kysely, sql, type Transaction } from 'kysely';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ZhongkongError } from '../../src/core/errors.ts';
import { migrate } from '../../src/stores/sql/migrate.ts';
import { connectSqlite, sqliteProfile } from '../../src/stores/sql/sqlite.ts';
import type { Tables } from '../../src/stores/sql/tables.ts';
import { WriteQueue } from '../../src/stores/sql/write-queue.ts';

describe('group commit', () => {
  let folder: string;
  let file: string;
  let writer: Kysely<Tables>;
  let reader: Kysely<Tables>;
  let queue: WriteQueue;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'zhongkong-'));
    file = join(folder, 'x.db');
    writer = connectSqlite(file);
    await sql`pragma journal_mode = wal`.execute(writer);
    const profile = sqliteProfile(file);
    await migrate(writer, { profile, place: file });
    reader = connectSqlite(file);
    queue = new WriteQueue(writer, profile.fault);
  });
  afterEach(async () => {
    await queue.close();
    await reader.destroy();
    await writer.destroy();
    rmSync(folder, { recursive: true });
  });

  const put =
    (name: string, value = 'v') =>
    async (trx: Transaction<Tables>) => {
      await trx.insertInto('settings').values({ name, value }).execute();
      return name;
    };
  const names = async () => (await reader.selectFrom('settings').select('name').orderBy('name').execute()).map(({ name }) => name);
  // A group is recognised by what a second connection sees.
  test('writes of one turn become visible together, each with its own result, in the order they came', async () => {
    const seen: number[] = [];
    const writes = Array.from({ length: 20 }, (_, index) => queue.add(put(`n${index + 10}`)));
    const results = await Promise.all(
      writes.map(async (write) => {
        const result = await write;
        seen.push((await names()).length);
        return result;
      }),
    );
    expect(results).toEqual(Array.from({ length: 20 }, (_, index) => `n${index + 10}`));
    expect(new Set(seen)).toEqual(new Set([20]));
  });

  test('one that fails is undone whole and alone', async () => {
    const half = async (trx: Transaction<Tables>) => {
      await put('half')(trx);
      throw new Error('no');
    };
    const writes = [put('a'), half, put('b'), put('a'), put('c')].map((write) => queue.add<string>(write));
    const results = await Promise.allSettled(writes);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'rejected', 'fulfilled']);
    expect(await names()).toEqual(['a', 'b', 'c']);
  });

  test('alone, one that fails is undone as well', async () => {
    await expect(
      queue.add(async (trx) => {
        await put('half')(trx);
        throw new Error('no');
      }),
    ).rejects.toThrow('no');
    expect(await names()).toEqual([]);
    expect(await queue.add(put('next'))).toBe('next');
  });

  test.each([true, {}, Symbol('x'), 7n])(
    'a value that SQLite has no type for fails its write alone, and not the process: %s',
    async (value) => {
      const wrong = queue.add(put('wrong', value as string));
      const right = queue.add(put('right'));
      await expect(wrong).rejects.toThrow(TypeError);
      expect(await right).toBe('right');
    },
  );

  test('a full disk fails the whole group with one clear error, and the next group works once there is space', async () => {
    const { rows } = await sql<{ page_count: number }>`pragma page_count`.execute(writer);
    await sql.raw(`pragma max_page_count = ${rows[0]?.page_count}`).execute(writer);
    const results = await Promise.allSettled([queue.add(put('a')), queue.add(put('big', 'x'.repeat(100_000))), queue.add(put('b'))]);
    for (const result of results) {
      const reason = result.status === 'rejected' ? result.reason : undefined;
      expect(reason).toBeInstanceOf(ZhongkongError);
      expect(reason).toMatchObject({ code: 'store_unavailable', message: `${file} cannot grow: the disk is full` });
    }
    expect(await names()).toEqual([]);
    await sql`pragma max_page_count = 1000000`.execute(writer);
    expect(await Promise.all([queue.add(put('a')), queue.add(put('b'))])).toEqual(['a', 'b']);
    expect(await names()).toEqual(['a', 'b']);
  });

  test('a commit that fails rejects every write of the group', async () => {
    await sql`pragma foreign_keys = on`.execute(writer);
    await sql`create table one (id integer primary key)`.execute(writer);
    await sql`create table two (one integer references one deferrable initially deferred)`.execute(writer);
    const orphan = queue.add(async (trx) => void (await sql`insert into two values (7)`.execute(trx)));
    const results = await Promise.allSettled([queue.add(put('a')), orphan, queue.add(put('b'))]);
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    expect(await names()).toEqual([]);
    expect(await queue.add(put('next'))).toBe('next');
  });

  test('a read sees every acknowledged write, and does not wait for those in the queue', async () => {
    const first = await queue.add(put('a'));
    const second = queue.add(put('b'));
    expect(await names()).toEqual([first]);
    await second;
    expect(await names()).toEqual(['a', 'b']);
  });

  test('close takes no more writes, and finishes those it took', async () => {
    const taken = queue.add(put('a'));
    const closing = queue.close();
    await expect(queue.add(put('b'))).rejects.toMatchObject({ code: 'store_unavailable' });
    await closing;
    expect(await taken).toBe('a');
    expect(await names()).toEqual(['a']);
  });
});
