/** Two servers on one MariaDB or MySQL database. */

import { afterAll, beforeAll, describe } from 'vitest';
import { MysqlDatabase } from './mysql-database.ts';
import { twoNodes } from './suites/two-nodes.ts';

describe('MariaDB or MySQL', () => {
  let database: MysqlDatabase;
  beforeAll(async () => {
    database = await MysqlDatabase.create();
    await (await database.open()).close();
  });
  afterAll(() => database.drop());

  twoNodes(async () => {
    await database.empty();
    return database.url;
  }, 5000);
});
