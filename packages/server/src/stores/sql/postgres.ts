/**
 * Opens a PostgreSQL database as a Store.
 *
 * Reads and writes share one bounded pool; one connection more listens for changes, once somebody wants to hear of them.
 */

import { randomBytes } from 'node:crypto';
import { Kysely, type LogEvent, PostgresAdapter, PostgresIntrospector, PostgresQueryCompiler, sql } from 'kysely';
import type { Store } from '../../core/store.ts';
import { Announcer } from './announcer.ts';
import { ChangeLog } from './changes.ts';
import { SqlConnection } from './connection.ts';
import { type MigrateOptions, migrate } from './migrate.ts';
import type { Migration } from './migrations.ts';
import { onConflict } from './phrases.ts';
import { isDuplicate, isWorthRetryOnPostgres, postgresFault } from './postgres-faults.ts';
import { announce, PostgresListener } from './postgres-listener.ts';
import { postgresClient, PostgresPool, type PostgresPoolOptions } from './postgres-pool.ts';
import type { SqlProfile } from './profile.ts';
import { Reconnect } from './reconnect.ts';
import { ServerDriver } from './server-driver.ts';
import { serverFault } from './server-faults.ts';
import { POSTGRES, parseServerUrl, type ServerUrl } from './server-url.ts';
import { ServerWriter } from './server-writer.ts';
import { createSqlStore } from './store.ts';
import type { Tables } from './tables.ts';

export interface PostgresOptions {
  /** Replaces the server's clock, epoch ms: for tests that move time. */
  readonly serverNow?: () => number;
  /** Sees every statement; for tests and debugging. Parameters may hold sealed secrets. */
  readonly log?: (event: LogEvent) => void;
  /** The schema that is known. Default: that of this code; another one is for tests of an upgrade. */
  readonly migrations?: readonly Migration[];
}

/** Throws `config_invalid` or `store_unavailable`. */
export async function openPostgres(text: string, { serverNow, log, migrations }: PostgresOptions = {}): Promise<Store> {
  const url = parseServerUrl(text, POSTGRES);
  const { place } = url;
  const profile = postgresProfile(place, serverNow);
  const schema = { place, ...(migrations ? { migrations } : {}) };
  const db = connectPostgres(url, log ? { log } : {});
  try {
    const migrated = await prepare(url, profile, schema);
    const origin = randomBytes(8).toString('hex');
    const changes = new ChangeLog(profile, origin);
    const announcer = new Announcer(() => announce(db, origin));
    const listener = new PostgresListener({ client: postgresClient(url), origin, reconnect: newReconnect() });
    const connection = new SqlConnection({
      profile,
      reader: db,
      writer: new ServerWriter({ db, profile, changes, announce: announcer.announce }),
      onChange: listener.onChange,
      async release() {
        await announcer.close();
        await listener.close();
        await db.destroy();
      },
    });
    const store = await createSqlStore(connection, changes, schema, migrated);
    // A standby and a full disk show only when something is written.
    await store.ping();
    return store;
  } catch (error) {
    await db.destroy();
    throw profile.fault(error);
  }
}

/** Looks at the server and brings the schema up to date, on a connection that may take its time. How many migrations ran. */
async function prepare(url: ServerUrl, profile: SqlProfile, schema: Omit<MigrateOptions, 'profile'>): Promise<number> {
  const db = connectPostgres(url, { patient: true, connections: 1 });
  try {
    const { rows } = await sql<{ version: number; encoding: string }>`
      select current_setting('server_version_num')::integer as version, current_setting('server_encoding') as encoding`.execute(db);
    if ((rows[0]?.version ?? 0) < 120_000) throw serverFault(url.place, 'old', null);
    if (rows[0]?.encoding !== 'UTF8') throw serverFault(url.place, 'encoding', null);
    return await migrate(db, { profile, ...schema });
  } finally {
    await db.destroy();
  }
}

const newReconnect = (): Reconnect => new Reconnect(() => performance.now(), Math.random);

/** A pool of connections that are made when they are needed. */
export function connectPostgres(url: ServerUrl, options: PostgresPoolOptions & { readonly log?: (event: LogEvent) => void } = {}) {
  const { log } = options;
  return new Kysely<Tables>({
    dialect: {
      createDriver: () => new ServerDriver(new PostgresPool(url, options), newReconnect()),
      createQueryCompiler: () => new PostgresQueryCompiler(),
      createAdapter: () => new PostgresAdapter(),
      createIntrospector: (db) => new PostgresIntrospector(db),
    },
    ...(log ? { log } : {}),
  });
}

/** Any number that nobody else uses as the key of an advisory lock in this database. */
const MIGRATION_LOCK = 7_213_904_551;

/** What PostgreSQL can do. */
export function postgresProfile(place: string, serverNow?: () => number): SqlProfile {
  const key = sql`text collate "C"`;
  return {
    rowLocks: true,
    updatesAtOnce: true,
    types: { key, text: sql`text`, integer: sql`bigint`, serial: sql`bigint generated always as identity primary key` },
    tableOptions: null,
    // Not clock_timestamp(), which no index can be searched by; not now(), which is when the transaction began.
    clock: () =>
      serverNow
        ? sql`cast(${Math.floor(serverNow())} as bigint)`
        : sql`cast(floor(extract(epoch from statement_timestamp()) * 1000) as bigint)`,
    // Lists as one parameter each: the text of the statement is the same for any number of rows, and stays prepared.
    rows: ({ columns, rows }) =>
      sql`select * from unnest(${sql.join(
        columns.map(({ type }, index) =>
          listOf(
            type,
            rows.map((row) => row[index] ?? null),
          ),
        ),
      )})`,
    isAmong: (ids) =>
      sql`(account, kind, chain) in (select * from unnest(${sql.join(
        (['account', 'kind', 'chain'] as const).map((part) =>
          listOf(
            'text',
            ids.map((id) => id[part]),
          ),
        ),
      )}))`,
    byIndex: () => sql``,
    ownNumbers: {
      words: sql`overriding system value`,
      // The sequence has not heard of the numbers that were given.
      afterwards: (name) =>
        sql`select setval(pg_get_serial_sequence(${name}, 'seq'), (select coalesce(max(seq), 1) from ${sql.table(name)}))`,
    },
    orUpdate: onConflict,
    // Held until the transaction ends; whoever waited sees what the other committed, each statement having its own snapshot.
    alone: (db, work) =>
      db.transaction().execute(async (trx) => {
        await sql`select pg_advisory_xact_lock(${MIGRATION_LOCK})`.execute(trx);
        return work(trx);
      }),
    isDuplicate,
    isThere: () => false,
    isWorthRetry: isWorthRetryOnPostgres,
    fault: (error) => postgresFault(place, error),
  };
}

const listOf = (type: 'text' | 'integer', list: readonly unknown[]) => sql`${list}::${sql.raw(type === 'text' ? 'text' : 'bigint')}[]`;
