/** The master key is changed on stores that several processes share. */

import { afterAll, afterEach, beforeAll, describe } from 'vitest';
import { openRedis } from '../../src/stores/redis/open.ts';
import { startProduct } from '../helpers/product.ts';
import { RedisServer } from '../helpers/redis-server.ts';
import { PostgresDatabase } from './postgres-database.ts';
import { startOn } from './start-on.ts';
import { keyRotation } from './suites/key-rotation.ts';

describe('PostgreSQL', () => {
  let database: PostgresDatabase;
  afterEach(() => database.drop());

  keyRotation(async (env) => {
    database = await PostgresDatabase.create();
    return startOn(database.url, env);
  });
});

describe('Redis', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await RedisServer.start();
  });
  afterAll(() => server.remove());

  keyRotation((env) =>
    startProduct({
      flags: { store: `redis://127.0.0.1:${server.port}` },
      env: { ZHONGKONG_ADMIN_KEY: 'test-admin-key-0123456789', ...env },
      openStore: (url, options) => openRedis('redis', url.slice('redis:'.length), { now: options?.now }),
    }),
  );
});
