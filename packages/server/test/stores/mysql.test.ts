/** The contract on MariaDB or MySQL: two handles on one database, each with a pool of its own, as two nodes have them. */

import { afterAll, beforeAll, describe } from 'vitest';
import { storeContract } from '../contract/suites/store.ts';
import { MysqlDatabase } from './mysql-database.ts';

describe('MariaDB or MySQL', () => {
  let database: MysqlDatabase;
  beforeAll(async () => {
    database = await MysqlDatabase.create();
    await (await database.open()).close();
  });
  afterAll(() => database.drop());

  storeContract(async (now) => {
    await database.empty();
    return { a: await database.open(now), b: await database.open(now) };
  });
});
