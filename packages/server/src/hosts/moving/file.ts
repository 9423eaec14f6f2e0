/**
 * Backup and restore of the embedded store: files with everything but the master key.
 *
 * A restored file is a copy of a past, so it is marked as one before it gets its place: it serves what is in it and
 * issues nothing until somebody says that it replaces the original.
 */

import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { ZhongkongError } from '../../core/errors.ts';
import { copySqlite, draftFrom, dropDraft, inspectSqlite, isPartOf, type SqliteContent, swapSqlite } from '../../stores/sql/sqlite-copy.ts';
import { openSqlite } from '../../stores/sql/sqlite.ts';
import { type MasterKeySource, openMasterKeys } from '../master-key.ts';
import { type Marked, markRestored } from './mark.ts';
import type { Pace } from './pace.ts';

/**
 * A verified copy of `database`, which may be in use, at `to`. Throws `conflict` when something is there and not `force`,
 * and `invalid_request` for the database itself, by any name, and a folder that is not there.
 */
export async function backUp(database: string, to: string, force: boolean): Promise<SqliteContent> {
  if (isPartOf(to, database)) throw isItself(to);
  if (!existsSync(dirname(to))) {
    throw new ZhongkongError(
      'invalid_request',
      { en: `there is no folder ${dirname(to)}`, zh: `文件夹 ${dirname(to)} 不存在` },
      { advice: { en: 'Make it first, or name a file in another one.', zh: '请先创建它，或把备份放到其他文件夹。' } },
    );
  }
  if (!force && existsSync(to)) throw isThere(to);
  return copySqlite(database, to);
}

export interface RestoreOptions {
  /** The backup. */
  readonly from: string;
  /** The embedded store's path. */
  readonly database: string;
  readonly force: boolean;
  readonly keys: MasterKeySource;
  /** Unique. */
  readonly run: string;
  /** Names what is kept of the database that was there. */
  readonly aside: string;
  readonly pace: Pace;
}

export interface Restored {
  readonly content: SqliteContent;
  readonly marked: Marked;
  /** Where the database that was there is now, or null. */
  readonly aside: string | null;
}

/** Throws ZhongkongError with nothing changed: everything is done to a copy beside the database, which then gets its place. */
export async function restore({ from, database, force, keys, run, aside, pace }: RestoreOptions): Promise<Restored> {
  if (!existsSync(from)) {
    throw new ZhongkongError(
      'invalid_request',
      { en: `there is no file ${from}`, zh: `文件 ${from} 不存在` },
      {
        advice: {
          en: 'Name a file that "zhongkong backup" made, and that this user may reach.',
          zh: '请指定由 “zhongkong backup” 生成且当前用户可以访问的文件。',
        },
      },
    );
  }
  if (isPartOf(from, database)) throw isItself(from);
  const content = await inspectSqlite(from);
  if (content.settings.master_key === undefined) {
    throw new ZhongkongError('config_invalid', { en: `${from} was never used by a server`, zh: `${from} 从未被服务使用过` });
  }
  const replaces = existsSync(database);
  if (replaces && !force) throw isThere(database);
  const draft = draftFrom(from, database);
  try {
    const marked = await markDraft(draft, from, keys, run, pace);
    await swapSqlite(draft, database, aside);
    return { content, marked, aside: replaces ? aside : null };
  } finally {
    dropDraft(draft);
  }
}

async function markDraft(draft: string, from: string, keys: MasterKeySource, run: string, pace: Pace): Promise<Marked> {
  const store = await openSqlite(draft);
  try {
    const { seal } = await openMasterKeys(keys, store.directory);
    return await markRestored({ store, place: from, seal, run, pace, alone: true });
  } finally {
    await store.close();
  }
}

const isThere = (path: string): ZhongkongError =>
  new ZhongkongError(
    'conflict',
    { en: `there is a file at ${path} already`, zh: `${path} 处已有文件` },
    { advice: { en: 'Choose another name, or replace it with --force.', zh: '请换一个文件名，或用 --force 覆盖。' } },
  );

const isItself = (path: string): ZhongkongError =>
  new ZhongkongError(
    'invalid_request',
    { en: `${path} is the database itself, or belongs to it`, zh: `${path} 就是数据库本身，或属于数据库` },
    { advice: { en: 'Name another file for the backup.', zh: '请指定另一个备份文件。' } },
  );
