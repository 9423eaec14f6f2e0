/**
 * Whole SQLite files: a copy of one in use, a look into a copy, and putting one in the place of another.
 *
 * A copy appears whole or not at all, is on disk when it is told, and only its owner may read it. It is made by
 * VACUUM INTO: one read transaction in this process, so a server goes on reading and writing meanwhile.
 */

import { randomBytes } from 'node:crypto';
import {
  chownSync,
  closeSync,
  copyFileSync,
  existsSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { type Kysely, sql } from 'kysely';
import { ZhongkongError } from '../../core/errors.ts';
import type { Census } from '../../core/store.ts';
import { connectSqlite } from './sqlite.ts';
import { refuseNewer, schemaNumber } from './migrate.ts';
import { fileFault, isBusy, sqliteFault } from './sqlite-faults.ts';
import type { Tables } from './tables.ts';

export interface SqliteContent extends Census {
  readonly bytes: number;
  readonly schema: number;
  readonly settings: Readonly<Record<string, string>>;
}

/** What SQLite keeps beside a file that is in use. */
const COMPANIONS = ['-wal', '-shm'] as const;

/** Every name of the database `file` or of what SQLite keeps beside it, also through links. */
export function isPartOf(path: string, file: string): boolean {
  const parts = ['', ...COMPANIONS, '-journal'].map((suffix) => `${realPath(file)}${suffix}`);
  if (parts.includes(realPath(path))) return true;
  const stat = statSync(path, { throwIfNoEntry: false });
  return (
    stat !== undefined &&
    parts.some((part) => {
      const other = statSync(part, { throwIfNoEntry: false });
      return other !== undefined && other.ino === stat.ino && other.dev === stat.dev;
    })
  );
}

/** Of a file that may not be there, in a folder that may not be there. */
function realPath(path: string): string {
  if (existsSync(path)) return realpathSync(path);
  const folder = dirname(path);
  return join(existsSync(folder) ? realpathSync(folder) : folder, basename(path));
}

const damaged = (file: string, cause: string): ZhongkongError =>
  new ZhongkongError(
    'store_unavailable',
    { en: `${file} is damaged (${cause})`, zh: `${file} 已损坏（${cause}）` },
    { advice: { en: 'Take another backup.', zh: '请换用另一个备份。' } },
  );

/** A name beside `file` that nobody has, for what is not finished. */
export const draftOf = (file: string): string => `${file}.${process.pid}-${randomBytes(4).toString('hex')}.tmp`;

/**
 * A verified copy of the database at `file`, put at `to`; what is there is replaced. Throws `store_unavailable` for a
 * file that is none or is damaged, and for a folder that cannot be written.
 */
export async function copySqlite(file: string, to: string): Promise<SqliteContent> {
  const draft = draftOf(to);
  try {
    // Made before, for its mode; VACUUM INTO takes an empty file.
    closeSync(openSync(draft, 'wx', 0o600));
    await withConnection(file, (db) => sql`vacuum into ${draft}`.execute(db));
    const content = await inspectSqlite(draft, file);
    syncFile(draft);
    renameSync(draft, to);
    syncFile(dirname(to));
    return content;
  } catch (error) {
    throw error instanceof ZhongkongError ? error : fileFault(to, error);
  } finally {
    rmSync(draft, { force: true });
  }
}

/**
 * Looks at all of a file: its structure, its schema, what is in it. Changes nothing. `name`: what messages call it.
 * Throws `store_unavailable` when it is no sound database, `config_invalid` when it is not Zhongkong's or is of a later version.
 */
export async function inspectSqlite(file: string, name = file): Promise<SqliteContent> {
  const bytes = sizeOf(file, name);
  return withConnection(file, async (db) => {
    const { rows } = await sql<{ integrity_check: string }>`pragma integrity_check(1)`.execute(db);
    const verdict = rows[0]?.integrity_check ?? 'no answer';
    if (verdict !== 'ok') throw damaged(name, verdict);
    const schema = await schemaNumber(db).catch(() => 0);
    if (schema === 0) {
      throw new ZhongkongError('config_invalid', {
        en: `${name} is a SQLite database, but not one of Zhongkong`,
        zh: `${name} 是 SQLite 数据库，但不是 Zhongkong 的数据库`,
      });
    }
    await refuseNewer(db, { place: name });
    const settings = await db.selectFrom('settings').selectAll().execute();
    return {
      ...{ bytes, schema, settings: Object.fromEntries(settings.map(({ name: key, value }) => [key, value])) },
      ...{ accounts: await countOf(db, 'accounts'), keys: await countOf(db, 'api_keys') },
      ...{ credentials: await countOf(db, 'credentials'), audit: await countOf(db, 'audit') },
    };
  });
}

/**
 * A plain copy of a file that nobody writes, for its owner alone; its folder is made where it is missing. Root makes it
 * for whoever has the database that is there, or else the folder: the server that is to open it hardly runs as root.
 */
export function draftFrom(file: string, beside: string): string {
  const draft = draftOf(beside);
  try {
    mkdirSync(dirname(draft), { recursive: true, mode: 0o700 });
    closeSync(openSync(draft, 'wx', 0o600));
    copyFileSync(file, draft);
    if (process.geteuid?.() === 0) {
      const { uid, gid } = statSync(existsSync(beside) ? beside : dirname(beside));
      chownSync(draft, uid, gid);
    }
    return draft;
  } catch (error) {
    rmSync(draft, { force: true });
    throw fileFault(beside, error);
  }
}

/** A finished draft that never came to its place, and what SQLite may have left beside it. */
export function dropDraft(draft: string): void {
  for (const suffix of ['', ...COMPANIONS]) rmSync(`${draft}${suffix}`, { force: true });
}

/**
 * Puts `draft` at `file` in one step, keeping what was there at `aside` with its companions. Throws `conflict` while any
 * process has the old file open: it would go on writing to that.
 */
export async function swapSqlite(draft: string, file: string, aside: string): Promise<void> {
  syncFile(draft);
  const swap = (): void => {
    if (existsSync(file)) linkSync(file, aside);
    // A companion that stayed belongs to the old file; SQLite would take it for the new one's.
    for (const suffix of COMPANIONS) if (existsSync(`${file}${suffix}`)) renameSync(`${file}${suffix}`, `${aside}${suffix}`);
    renameSync(draft, file);
    syncFile(dirname(file));
  };
  try {
    if (existsSync(file)) await alone(file, swap);
    else swap();
  } catch (error) {
    throw error instanceof ZhongkongError ? error : fileFault(file, error);
  }
}

/** Only who is alone can leave the journal mode of several users; and then keeps everybody out until `work` is done. */
async function alone(file: string, work: () => void): Promise<void> {
  try {
    await withConnection(
      file,
      async (db) => {
        await sql`pragma journal_mode = delete`.execute(db);
        await sql`begin exclusive`.execute(db);
        work();
        await sql`rollback`.execute(db).catch(() => undefined);
      },
      (error) => error,
    );
  } catch (error) {
    if (isBusy(error)) {
      throw new ZhongkongError(
        'conflict',
        { en: `${file} is in use by another process`, zh: `${file} 正被其他进程使用` },
        { advice: { en: 'Stop the server first, and whatever else has it open.', zh: '请先停止服务，以及其他打开它的程序。' } },
      );
    }
    // Nobody can use what is no database: a reason to restore one.
    const known = sqliteFault(file, error);
    if (known === error) throw error;
    work();
  }
}

async function countOf(db: Kysely<Tables>, table: 'accounts' | 'api_keys' | 'credentials' | 'audit'): Promise<number> {
  const { rows } = await sql<{ count: number }>`select count(*) as count from ${sql.table(table)}`.execute(db);
  return Number(rows[0]?.count);
}

async function withConnection<T>(
  file: string,
  work: (db: Kysely<Tables>) => Promise<T>,
  fault: (error: unknown) => unknown = (error) => sqliteFault(file, error),
): Promise<T> {
  const db = connectSqlite(file, { lockPatienceMs: 1000 });
  try {
    return await work(db);
  } catch (error) {
    throw fault(error);
  } finally {
    await db.destroy();
  }
}

function sizeOf(file: string, name: string): number {
  try {
    const stat = statSync(file);
    if (stat.isFile()) return stat.size;
  } catch (error) {
    throw fileFault(name, error);
  }
  throw fileFault(name, new Error('not a file'));
}

/** Of a folder: its names. Windows cannot sync one and needs not. */
function syncFile(path: string): void {
  if (process.platform === 'win32' && statSync(path).isDirectory()) return;
  const handle = openSync(path, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
