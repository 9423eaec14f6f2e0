/** Two servers on one PostgreSQL database. */

import { afterAll, beforeAll, describe } from 'vitest';
import { PostgresDatabase } from './postgres-database.ts';
import { twoNodes } from './suites/two-nodes.ts';

describe('PostgreSQL', () => {
  let database: PostgresDatabase;
  beforeAll(async () => {
    database = await PostgresDatabase.create();
    await (await database.open()).close();
  });
  afterAll(() => database.drop());

  twoNodes(async () => {
    await database.empty();
    return database.url;
  }, 100);
});
