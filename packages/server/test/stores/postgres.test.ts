/** The contract on PostgreSQL: two handles on one database, each with a pool of its own, as two nodes have them. */

import { afterAll, beforeAll, describe } from 'vitest';
import { storeContract } from '../contract/suites/store.ts';
import { PostgresDatabase } from './postgres-database.ts';

describe('PostgreSQL', () => {
  let database: PostgresDatabase;
  beforeAll(async () => {
    database = await PostgresDatabase.create();
    await (await database.open()).close();
  });
  afterAll(() => database.drop());

  storeContract(async (now) => {
    await database.empty();
    return { a: await database.open(now), b: await database.open(now) };
  });
});
