/**
 * Opens a MariaDB or MySQL database as a Store. Reads and writes share one bounded pool; changes of others are found by
 * polling, for there is no way to be told.
 */

import { randomBytes } from 'node:crypto';
import { Kysely, type LogEvent, MysqlAdapter, MysqlIntrospector, MysqlQueryCompiler, sql } from 'kysely';
import type { Store } from '../../core/store.ts';
import { ChangeLog } from './changes.ts';
import { SqlConnection } from './connection.ts';
import { type MigrateOptions, migrate } from './migrate.ts';
import type { Migration } from './migrations.ts';
import { isDuplicate, isThere, isWorthRetryOnMysql, mysqlFault } from './mysql-faults.ts';
import { MysqlPool, type MysqlPoolOptions } from './mysql-pool.ts';
import { isAmong, onDuplicateKey, TAKEN_AS_THEY_ARE, values } from './phrases.ts';
import type { SqlProfile } from './profile.ts';
import { Reconnect } from './reconnect.ts';
import { ServerDriver } from './server-driver.ts';
import { PoolExhausted, serverFault } from './server-faults.ts';
import { MYSQL, parseServerUrl, type ServerUrl } from './server-url.ts';
import { ServerWriter } from './server-writer.ts';
import { createSqlStore } from './store.ts';
import type { Tables } from './tables.ts';

export interface MysqlOptions {
  /** Replaces the server's clock, epoch ms: for tests that move time. */
  readonly serverNow?: () => number;
  /** Sees every statement; for tests and debugging. Parameters may hold sealed secrets. */
  readonly log?: (event: LogEvent) => void;
  /** The schema that is known. Default: that of this code; another one is for tests of an upgrade. */
  readonly migrations?: readonly Migration[];
}

/** Throws `config_invalid` or `store_unavailable`. */
export async function openMysql(text: string, { serverNow, log, migrations }: MysqlOptions = {}): Promise<Store> {
  const url = parseServerUrl(text, MYSQL);
  const { place } = url;
  try {
    const schema = { place, ...(migrations ? { migrations } : {}) };
    // Before the pool is made: one that nobody ever used would not be closed, and keep the process from ending.
    const { profile, migrated } = await prepare(url, schema, serverNow);
    return await openOn(connectMysql(url, log ? { log } : {}), profile, schema, migrated);
  } catch (error) {
    throw mysqlFault(place, error);
  }
}

async function openOn(db: Kysely<Tables>, profile: SqlProfile, schema: Omit<MigrateOptions, 'profile'>, migrated: number): Promise<Store> {
  try {
    const changes = new ChangeLog(profile, randomBytes(8).toString('hex'));
    const connection = new SqlConnection({
      profile,
      reader: db,
      writer: new ServerWriter({ db, profile, changes, announce: () => undefined }),
      release: () => db.destroy(),
    });
    const store = await createSqlStore(connection, changes, schema, migrated);
    // A read-only server and a full disk show only when something is written.
    await store.ping();
    return store;
  } catch (error) {
    await db.destroy();
    throw error;
  }
}

/** Finds out which server it is and brings the schema up to date, on a connection that may take its time. */
async function prepare(
  url: ServerUrl,
  schema: Omit<MigrateOptions, 'profile'>,
  serverNow?: () => number,
): Promise<{ readonly profile: SqlProfile; readonly migrated: number }> {
  const db = connectMysql(url, { patient: true, connections: 1 });
  try {
    const { rows } = await sql<{ version: string }>`select version() as version`.execute(db);
    const flavour = FLAVOURS.find(({ isIt }) => isIt(rows[0]?.version ?? ''));
    if (!flavour || !isAtLeast(rows[0]?.version ?? '', flavour.least)) throw serverFault(url.place, 'old', null);
    const profile = mysqlProfile(url.place, flavour.collation, serverNow);
    return { profile, migrated: await migrate(db, { profile, ...schema }) };
  } finally {
    await db.destroy();
  }
}

/**
 * The two servers, by what they have of what we need: SKIP LOCKED, and a collation that compares bytes and knows that
 * "a" and "a " differ (utf8mb4_bin does not).
 */
const FLAVOURS = [
  { isIt: (version: string) => /mariadb/i.test(version), least: [10, 6, 0], collation: 'utf8mb4_nopad_bin' },
  { isIt: () => true, least: [8, 0, 17], collation: 'utf8mb4_0900_bin' },
] as const;

function isAtLeast(version: string, least: readonly number[]): boolean {
  const parts = (/^(\d+)\.(\d+)\.(\d+)/.exec(version) ?? []).slice(1).map(Number);
  for (const [index, part] of least.entries()) {
    const own = parts[index] ?? 0;
    if (own !== part) return own > part;
  }
  return true;
}

/** A pool of connections that are made when they are needed. */
export function connectMysql(url: ServerUrl, options: MysqlPoolOptions & { readonly log?: (event: LogEvent) => void } = {}) {
  const { log } = options;
  return new Kysely<Tables>({
    dialect: {
      createDriver: () => new ServerDriver(new MysqlPool(url, options), new Reconnect(() => performance.now(), Math.random)),
      createQueryCompiler: () => new MysqlQueryCompiler(),
      createAdapter: () => new MysqlAdapter(),
      createIntrospector: (db) => new MysqlIntrospector(db),
    },
    ...(log ? { log } : {}),
  });
}

/** Seconds to wait for another process that works on the schema. */
const MIGRATION_PATIENCE = 600;

/** What MariaDB and MySQL can do. */
export function mysqlProfile(place: string, collation: string, serverNow?: () => number): SqlProfile {
  const characters = sql.raw(`character set utf8mb4 collate ${collation}`);
  return {
    rowLocks: true,
    // No UPDATE … RETURNING.
    updatesAtOnce: false,
    types: {
      key: sql`varchar(128) ${characters}`,
      text: sql`mediumtext ${characters}`,
      integer: sql`bigint`,
      serial: sql`bigint auto_increment primary key`,
    },
    tableOptions: sql`engine = InnoDB row_format = dynamic default ${characters}`,
    // The time at which the statement began, in the session's time zone, which is UTC.
    clock: () => (serverNow ? sql`cast(${Math.floor(serverNow())} as signed)` : sql`cast(unix_timestamp(now(3)) * 1000 as signed)`),
    rows: values,
    isAmong,
    byIndex: (name) => sql`force index (${sql.ref(name)})`,
    ownNumbers: TAKEN_AS_THEY_ARE,
    orUpdate: onDuplicateKey,
    // Changing the schema ends transactions, so the lock belongs to the connection; it ends with it at the latest.
    alone: (db, work) =>
      db.connection().execute(async (connection) => {
        const name = sql`concat('zhongkong:', sha1(database()))`;
        const { rows } = await sql<{ got: number | null }>`select get_lock(${name}, ${MIGRATION_PATIENCE}) as got`.execute(connection);
        if (rows[0]?.got !== 1) throw new PoolExhausted('another process works on the schema');
        try {
          return await work(connection);
        } finally {
          await sql`select release_lock(${name})`.execute(connection).catch(() => undefined);
        }
      }),
    isDuplicate,
    isThere,
    isWorthRetry: isWorthRetryOnMysql,
    fault: (error) => mysqlFault(place, error),
  };
}
