/** From the embedded store to PostgreSQL, while a server runs. */

import { join } from 'node:path';
import { describe, onTestFinished } from 'vitest';
import { PostgresDatabase } from './postgres-database.ts';
import { movingSuite } from './suites/moving.ts';

describe('SQLite to PostgreSQL', () => {
  movingSuite(async (cwd) => {
    const database = await PostgresDatabase.create();
    onTestFinished(() => database.drop());
    return { from: `sqlite:${join(cwd, 'zhongkong.db')}`, to: database.url };
  });
});
