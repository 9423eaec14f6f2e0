/**
 * Opens a SQLite file as a Store, making it, and its folder, when there is none.
 *
 * WAL with synchronous=FULL: readers and the one writer do not wait for each other, and a commit is on disk before it
 * is acknowledged. Two connections, so that a read never waits for a writer that waits for another process.
 */

import { randomBytes } from 'node:crypto';
import { accessSync, closeSync, constants, mkdirSync, openSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { Kysely, type LogEvent, sql } from 'kysely';
import Libsql from 'libsql';
import { ZhongkongError } from '../../core/errors.ts';
import type { Store } from '../../core/store.ts';
import { ChangeLog } from './changes.ts';
import { SqlConnection } from './connection.ts';
import { GroupWriter } from './group-writer.ts';
import { BUSY_TIMEOUT_MS, LibsqlDialect } from './libsql-driver.ts';
import { migrate } from './migrate.ts';
import type { Migration } from './migrations.ts';
import { isAmong, onConflict, TAKEN_AS_THEY_ARE, values } from './phrases.ts';
import type { SqlProfile } from './profile.ts';
import { fileFault, isDuplicate, sqliteFault } from './sqlite-faults.ts';
import { createSqlStore } from './store.ts';
import type { Tables } from './tables.ts';

export interface SqliteOptions {
  /** The store's clock, epoch ms. Default: the machine's. */
  readonly now?: () => number;
  /** How long to wait for another process that holds the write lock, ms. Default 5000. */
  readonly lockPatienceMs?: number;
  /** Sees every statement; for tests and debugging. Parameters may hold sealed secrets. */
  readonly log?: (event: LogEvent) => void;
  /** The schema that is known. Default: that of this code; another one is for tests of an upgrade. */
  readonly migrations?: readonly Migration[];
}

/** `path` is relative to the working directory. Throws `store_unavailable` or `config_invalid`. */
export async function openSqlite(path: string, options: SqliteOptions = {}): Promise<Store> {
  if (path === '' || path === ':memory:') {
    throw new ZhongkongError('config_invalid', `store: "sqlite:${path}" names no file; for a store that is lost on exit use "memory:"`);
  }
  const file = resolve(path);
  makeFile(file);
  const profile = sqliteProfile(file, options.now);
  const writer = connectSqlite(file, options);
  const reader = connectSqlite(file, options);
  try {
    await sql`pragma query_only = on`.execute(reader);
    await useWal(writer, file);
    await sql`pragma synchronous = full`.execute(writer);
    const schema = { place: file, ...(options.migrations ? { migrations: options.migrations } : {}) };
    const migrated = await migrate(writer, { profile, ...schema });
    const changes = new ChangeLog(profile, randomBytes(8).toString('hex'));
    const connection = new SqlConnection({
      profile,
      reader,
      writer: new GroupWriter(writer, { profile, changes }),
      async release() {
        // Leaves everything in the one file, for those who copy it while the server is down.
        await sql`pragma wal_checkpoint(truncate)`.execute(writer).catch(() => undefined);
        await reader.destroy();
        await writer.destroy();
      },
    });
    return await createSqlStore(connection, changes, schema, migrated);
  } catch (error) {
    await reader.destroy();
    await writer.destroy();
    throw profile.fault(error);
  }
}

/** What SQLite can do: one writer at a time, which owns the whole file; the clock is this machine's. */
export function sqliteProfile(file: string, now: () => number = Date.now): SqlProfile {
  return {
    rowLocks: false,
    updatesAtOnce: false,
    types: { key: sql`text`, text: sql`text`, integer: sql`integer`, serial: sql`integer primary key autoincrement` },
    tableOptions: null,
    clock: () => sql.val(Math.floor(now())),
    rows: values,
    isAmong,
    byIndex: () => sql``,
    ownNumbers: TAKEN_AS_THEY_ARE,
    orUpdate: onConflict,
    // The transaction takes the write lock with its first statement, and changes the schema like everything else.
    alone: (db, work) => db.transaction().execute(work),
    isDuplicate,
    isThere: () => false,
    isWorthRetry: () => false,
    fault: (error) => sqliteFault(file, error),
  };
}

/** One connection to a file that is there. Throws `store_unavailable`. */
export function connectSqlite(file: string, { lockPatienceMs = 5000, log }: SqliteOptions = {}): Kysely<Tables> {
  let database: Libsql.Database;
  try {
    database = new Libsql(file, { timeout: BUSY_TIMEOUT_MS });
  } catch (error) {
    throw fileFault(file, error);
  }
  return new Kysely<Tables>({ dialect: new LibsqlDialect({ database, patienceMs: lockPatienceMs }), ...(log ? { log } : {}) });
}

/** The mode is kept in the file, so only the first process ever really changes it. */
async function useWal(db: Kysely<Tables>, file: string): Promise<void> {
  const { rows } = await sql<{ journal_mode: string }>`pragma journal_mode = wal`.execute(db);
  if (rows[0]?.journal_mode !== 'wal') throw fileFault(file, new Error('the file system cannot share memory between processes'));
}

/**
 * Only its owner may read the file, whatever the umask; SQLite gives its two companions the same mode. A file that is
 * there is not opened here: closing it would drop the locks that SQLite holds on it for this process.
 */
function makeFile(file: string): void {
  const folder = dirname(file);
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    accessSync(folder, constants.W_OK | constants.X_OK);
    if (isNew(file)) return;
    if (!statSync(file).isFile()) throw new Error('not a file');
    accessSync(file, constants.R_OK | constants.W_OK);
  } catch (error) {
    throw fileFault(file, error);
  }
}

/** Makes the file unless it is there; of two processes one makes it. */
function isNew(file: string): boolean {
  try {
    closeSync(openSync(file, 'wx', 0o600));
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}
