/** The contract on SQLite: two handles on one file, as two processes on one machine have them. */

import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe } from 'vitest';
import { openSqlite } from '../../src/stores/sql/sqlite.ts';
import { storeContract } from './suites/store.ts';

describe('SQLite', () => {
  const folder = mkdtempSync(join(tmpdir(), 'zhongkong-'));
  const empty = join(folder, 'empty.db');
  beforeAll(async () => (await openSqlite(empty)).close());
  afterAll(() => rmSync(folder, { recursive: true }));
  let count = 0;

  storeContract(async (now) => {
    count += 1;
    const file = join(folder, `${count}.db`);
    copyFileSync(empty, file);
    return { a: await openSqlite(file, { now }), b: await openSqlite(file, { now }) };
  });
});
