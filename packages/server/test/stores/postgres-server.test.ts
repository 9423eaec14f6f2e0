/** What a server can do to a store, on PostgreSQL. */

import { describe } from 'vitest';
import { PostgresDatabase } from './postgres-database.ts';
import { serverStoreSuite } from './suites/server-store.ts';

describe('PostgreSQL', () => {
  serverStoreSuite(() => PostgresDatabase.create());
});
