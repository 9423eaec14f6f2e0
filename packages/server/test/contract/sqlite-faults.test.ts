/** What an operator reads when the SQLite file is not as it should be: one error, which names the file and says what to do. */

import { umask } from 'node:process';
import { chmodSync, copyFileSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Libsql from 'libsql';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { ZhongkongError } from '../../src/core/errors.ts';
import type { Store } from '../../src/core/store.ts';
import { fileFault, sqliteFault } from '../../src/stores/sql/sqlite-faults.ts';
import { openSqlite } from '../../src/stores/sql/sqlite.ts';

const PAGE = 4096;

async function refusal(work: () => Promise<unknown>): Promise<ZhongkongError> {
  const error = await work().then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof ZhongkongError) return error;
  throw new Error('it was not refused with one of our errors', { cause: error });
}

describe('a SQLite file', () => {
  let folder: string;
  /** A healthy database with something on every page. */
  let healthy: string;
  let file: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'zhongkong-'));
    healthy = join(folder, 'healthy.db');
    const store = await openSqlite(healthy);
    const data = { filler: 'y'.repeat(500) };
    await store.directory.appendAudit(Array.from({ length: 200 }, (_, at) => ({ at, action: 'a', actor: 'b', subject: 'c', data })));
    await store.close();
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  let count = 0;
  const opened: Store[] = [];
  const open = async (options = {}) => {
    const store = await openSqlite(file, options);
    opened.push(store);
    return store;
  };
  beforeEach(() => {
    count += 1;
    file = join(folder, `${count}.db`);
  });
  afterEach(async () => {
    for (const store of opened.splice(0)) await store.close();
  });

  function expectAdvice(error: ZhongkongError, what: string, en: RegExp, zh: RegExp): void {
    expect(error.code).toBe('store_unavailable');
    expect(error.message).toBe(`${file} ${what}`);
    expect(error.advice.en).toMatch(en);
    expect(error.advice.zh).toMatch(zh);
  }

  test.each([
    ['long', 'not a database '.repeat(1000)],
    ['short', 'hello'],
  ])('that is something else is not touched (%s)', async (_, text) => {
    writeFileSync(file, text);
    expectAdvice(await refusal(open), 'is not a SQLite database', /right file/, /store 配置/);
    expect(readFileSync(file, 'utf8')).toBe(text);
  });

  test('with a damaged header or schema is refused when it is opened', async () => {
    for (const from of [100, PAGE]) {
      const bytes = readFileSync(healthy);
      writeFileSync(file, bytes.fill(0xa5, from, from === 100 ? PAGE : bytes.length));
      expectAdvice(await refusal(open), 'is damaged', /restore the last backup/, /恢复最近的备份/);
    }
  });

  test('that lost its end is refused', async () => {
    copyFileSync(healthy, file);
    truncateSync(file, 5 * PAGE);
    const used = async () => {
      const store = await open();
      await store.directory.audit({ before: null, limit: 1000 });
    };
    expectAdvice(await refusal(used), 'is damaged', /backup/, /备份/);
  });

  test('with a damaged page inside opens, and what needs that page says so', async () => {
    const bytes = readFileSync(healthy);
    writeFileSync(file, bytes.fill(0xa5, 30 * PAGE));
    const store = await open();
    await store.ping();
    const error = await refusal(() => store.directory.audit({ before: null, limit: 1000 }));
    expectAdvice(error, 'is damaged', /backup/, /备份/);
  });

  test('that another process keeps locked is waited for, then given up on; reads go on meanwhile', async () => {
    const store = await open({ lockPatienceMs: 60 });
    await store.directory.putSetting('x', null, 'v');
    const other = new Libsql(file);
    other.exec('begin immediate');
    const began = performance.now();
    const writing = refusal(() => store.directory.putSetting('y', null, 'v'));
    expect(await store.directory.setting('x')).toBe('v');
    expect(performance.now() - began).toBeLessThan(60);
    expectAdvice(await writing, 'is locked by another process', /fuser/, /占用/);
    expect(await refusal(() => store.ping())).toMatchObject({ code: 'store_unavailable' });
    other.exec('rollback');
    other.close();
    expect(await store.directory.putSetting('y', null, 'v')).toBe(true);
    await store.ping();
  });

  test('that is unlocked in time is written as if nothing had been', async () => {
    const store = await open();
    const other = new Libsql(file);
    other.exec('begin immediate');
    const writing = store.directory.putSetting('y', null, 'v');
    // The first try is certainly over: it blocks this thread for its 10 ms and no longer.
    await store.directory.setting('y');
    other.exec('commit');
    other.close();
    expect(await writing).toBe(true);
  });

  test('cannot be where a folder, or no folder, can be', async () => {
    for (const path of [folder, join(healthy, 'x.db'), '/dev/null']) {
      const error = await refusal(() => openSqlite(path));
      expect(error).toMatchObject({ code: 'store_unavailable', message: `${path} cannot be opened` });
    }
  });

  test.each(['', ':memory:'])('needs a name (%j)', async (path) => {
    expect(await refusal(() => openSqlite(path))).toMatchObject({ code: 'config_invalid' });
  });

  test('is made with its folders, for its owner alone, whatever the umask', async () => {
    const before = umask(0);
    try {
      const path = join(folder, `new-${count}`, 'deep', 'x.db');
      const store = await openSqlite(path);
      await store.ping();
      const mode = (name: string) => (statSync(name).mode & 0o777).toString(8);
      expect([path, `${path}-wal`, `${path}-shm`].map(mode)).toEqual(['600', '600', '600']);
      expect([join(folder, `new-${count}`), join(folder, `new-${count}`, 'deep')].map(mode)).toEqual(['700', '700']);
      await store.close();
    } finally {
      umask(before);
    }
  });

  test('keeps the mode that its owner gave it', async () => {
    copyFileSync(healthy, file);
    chmodSync(file, 0o640);
    await open();
    expect(statSync(file).mode & 0o777).toBe(0o640);
  });

  test('holds everything by itself once the store is closed', async () => {
    const store = await open();
    await store.directory.putSetting('x', null, 'v');
    await store.close();
    const copy = join(folder, 'copy.db');
    copyFileSync(file, copy);
    const again = await openSqlite(copy);
    expect(await again.directory.setting('x')).toBe('v');
    await again.close();
  });

  test('refuses everything after close', async () => {
    const store = await open();
    await store.close();
    const calls = [
      () => store.ping(),
      () => store.directory.setting('x'),
      () => store.credentials.schedule({ account: 'a', kind: 'k', chain: 'c' }, 1),
    ];
    for (const call of calls) expect(await refusal(call)).toMatchObject({ code: 'store_unavailable', message: 'the store is closed' });
  });
});

describe('the table of faults', () => {
  const coded = (rawCode: number) => Object.assign(new Error('x'), { rawCode });

  test.each([
    [3, 'cannot be written'],
    [5, 'is locked by another process'],
    [261, 'is locked by another process'],
    [8, 'cannot be written'],
    [1032, 'cannot be written'],
    [10, 'cannot be read or written by the operating system'],
    [778, 'cannot be read or written by the operating system'],
    [11, 'is damaged'],
    [13, 'cannot grow: the disk is full'],
    [14, 'cannot be opened'],
    [26, 'is not a SQLite database'],
    [1, 'refused an operation'],
  ])('SQLite %i: "%s"', (code, what) => {
    const cause = coded(code);
    expect(sqliteFault('/x.db', cause)).toMatchObject({ code: 'store_unavailable', message: `/x.db ${what}`, cause });
  });

  test.each([
    ['EACCES', 'cannot be written'],
    ['EROFS', 'cannot be written'],
    ['ENOSPC', 'cannot grow: the disk is full'],
    ['EIO', 'cannot be read or written by the operating system'],
    ['ENOTDIR', 'cannot be opened'],
  ])('file system %s: "%s"', (code, what) => {
    expect(fileFault('/x.db', Object.assign(new Error('x'), { code }))).toMatchObject({
      code: 'store_unavailable',
      message: `/x.db ${what}`,
    });
  });

  test('what is not SQLite’s, and what a constraint refuses, stays what it was', () => {
    for (const error of [new Error('bug'), coded(2067), new ZhongkongError('conflict', 'x'), 'text']) {
      expect(sqliteFault('/x.db', error)).toBe(error);
    }
  });
});
