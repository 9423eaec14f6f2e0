/** What a server can do to a store, on MariaDB or MySQL. */

import { describe } from 'vitest';
import { MysqlDatabase } from './mysql-database.ts';
import { serverStoreSuite } from './suites/server-store.ts';

describe('MariaDB or MySQL', () => {
  serverStoreSuite(() => MysqlDatabase.create());
});
