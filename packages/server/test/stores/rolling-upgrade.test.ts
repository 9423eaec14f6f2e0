/** Rolling upgrades on each store that several processes share. */

import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe } from 'vitest';
import { openMysql } from '../../src/stores/sql/mysql.ts';
import { openPostgres } from '../../src/stores/sql/postgres.ts';
import type { Migration } from '../../src/stores/sql/migrations.ts';
import { openRedis, type RedisLayout } from '../../src/stores/redis/open.ts';
import type { Store } from '../../src/core/store.ts';
import { type NodeOptions, startProduct } from '../helpers/product.ts';
import { RedisServer } from '../helpers/redis-server.ts';
import { ADDITIVE, INCOMPATIBLE } from './later-schema.ts';
import { MysqlDatabase } from './mysql-database.ts';
import { PostgresDatabase } from './postgres-database.ts';
import { startOn } from './start-on.ts';
import { rollingUpgrade } from './suites/rolling-upgrade.ts';

type Open = NonNullable<NodeOptions['openStore']>;
type Opener = (url: string, options: { readonly serverNow?: () => number; readonly migrations: readonly Migration[] }) => Promise<Store>;

const knowing =
  (migrations: readonly Migration[], open: Opener): Open =>
  (url, options) =>
    open(url, { migrations, ...(options?.now ? { serverNow: options.now } : {}) });

describe.each([
  ['PostgreSQL', PostgresDatabase, openPostgres],
  ['MariaDB or MySQL', MysqlDatabase, openMysql],
] as const)('%s', (_, Database, open) => {
  let database: PostgresDatabase | MysqlDatabase;
  afterEach(() => database.drop());

  rollingUpgrade(
    async () => {
      database = await Database.create();
      return startOn(database.url);
    },
    { additive: knowing(ADDITIVE, open), incompatible: knowing(INCOMPATIBLE, open) },
  );
});

describe('Redis', () => {
  let server: RedisServer;
  let count = 0;
  beforeAll(async () => {
    server = await RedisServer.start();
  });
  afterAll(() => server.remove());

  const knowingLayout =
    (layout: RedisLayout): Open =>
    (url, options) =>
      openRedis('redis', url.slice('redis:'.length), { layout, now: options?.now });

  rollingUpgrade(
    () => {
      count += 1;
      return startProduct({
        flags: { store: `redis://127.0.0.1:${server.port}/0?prefix=rolling_${count}` },
        env: {
          ZHONGKONG_MASTER_KEY: randomBytes(32).toString('base64'),
          ZHONGKONG_ADMIN_KEY: `admin-${randomBytes(16).toString('hex')}`,
        },
        openStore: knowingLayout({ number: 1, servesFrom: 1 }),
      });
    },
    { additive: knowingLayout({ number: 2, servesFrom: 1 }), incompatible: knowingLayout({ number: 2, servesFrom: 2 }) },
  );
});
