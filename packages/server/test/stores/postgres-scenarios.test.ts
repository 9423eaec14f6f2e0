/** The scenarios on PostgreSQL. */

import { afterAll, beforeAll, describe } from 'vitest';
import { scenarios } from '../e2e/suites/scenarios.ts';
import { startOn } from './start-on.ts';
import { PostgresDatabase } from './postgres-database.ts';

describe('PostgreSQL', () => {
  let database: PostgresDatabase;
  beforeAll(async () => {
    database = await PostgresDatabase.create();
    await (await database.open()).close();
  });
  afterAll(() => database.drop());

  scenarios(async () => {
    await database.empty();
    return startOn(database.url);
  });
});
