/** The scenarios on MariaDB or MySQL. */

import { afterAll, beforeAll, describe } from 'vitest';
import { scenarios } from '../e2e/suites/scenarios.ts';
import { startOn } from './start-on.ts';
import { MysqlDatabase } from './mysql-database.ts';

describe('MariaDB or MySQL', () => {
  let database: MysqlDatabase;
  beforeAll(async () => {
    database = await MysqlDatabase.create();
    await (await database.open()).close();
  });
  afterAll(() => database.drop());

  scenarios(async () => {
    await database.empty();
    return startOn(database.url);
  });
});
