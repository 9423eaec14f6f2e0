/**
 * Backup and restore of the embedded store: files with everything but the master key.
 *
 * A restored file is a copy of a past, so it is marked as one before it gets its place: it serves what is in it and
 * issues nothing until somebody says that it replaces the original.
 */

import { existsSync } from 'node:fs';
import { ZhongkongError } from '../../core/errors.ts';
import { copySqlite, draftFrom, dropDraft, inspectSqlite, type SqliteContent, swapSqlite } from '../../stores/sql/sqlite-copy.ts';
import { openSqlite } from '../../stores/sql/sqlite.ts';
import { type MasterKeySource, openMasterKeys } from '../master-key.ts';
import { type Marked, markRestored } from './mark.ts';
import type { Pace } from './pace.ts';

/** A verified copy of `database`, which may be in use, at `to`. Throws `conflict` when something is there and not `force`. */
export async function backUp(database: string, to: string, force: boolean): Promise<SqliteContent> {
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
