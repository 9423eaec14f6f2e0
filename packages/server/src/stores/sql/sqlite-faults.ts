/**
 * What can be wrong with a SQLite file, as the one error an operator reads: what happened, to which file, what to do.
 *
 * Keyed by SQLite's primary result code (https://sqlite.org/rescode.html) or by Node's name of the file system error.
 */

import { statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import { ZhongkongError } from '../../core/errors.ts';
import type { Bilingual } from '../../core/failure.ts';
import type { StoreTrouble } from '../../core/store-trouble.ts';

interface Fault {
  readonly trouble: StoreTrouble;
  /** Completes "<file> …". */
  readonly what: Bilingual;
  readonly advice: Bilingual;
}

const NOT_OURS: Fault = {
  trouble: 'store_damaged',
  what: { en: 'is not a SQLite database', zh: '不是 SQLite 数据库' },
  advice: {
    en: 'Point the option "store" at the right file, or move this one away and start again: a new database is made.',
    zh: '请检查 store 配置是否指向正确的文件；或将该文件移走后重新启动，系统会新建数据库。',
  },
};
const DAMAGED: Fault = {
  trouble: 'store_damaged',
  what: { en: 'is damaged', zh: '已损坏' },
  advice: {
    en: 'Stop the server, keep a copy of the file, restore the last backup. "sqlite3 FILE .recover" may save what is readable.',
    zh: '请停止服务，先备份该文件，再恢复最近的备份；也可用 “sqlite3 文件 .recover” 尝试抢救数据。',
  },
};
const READ_ONLY: Fault = {
  trouble: 'store_read_only',
  what: { en: 'cannot be written', zh: '无法写入' },
  advice: {
    en: 'Let the user that runs Zhongkong write the file and its folder (SQLite keeps two more files beside it), or mount it writable.',
    zh: '请让运行 Zhongkong 的用户对该文件及其所在目录都有写权限（SQLite 会在旁边生成另外两个文件），或以可写方式挂载。',
  },
};
const NO_PLACE: Fault = {
  trouble: 'store_missing',
  what: { en: 'cannot be opened', zh: '无法打开' },
  advice: {
    en: 'Check that the path of the option "store" is a file in a folder that exists or can be made.',
    zh: '请检查 store 配置的路径：应为一个文件，其所在目录必须存在或可以创建。',
  },
};
const FULL: Fault = {
  trouble: 'store_full',
  what: { en: 'cannot grow: the disk is full', zh: '无法继续写入：磁盘已满' },
  advice: {
    en: 'Free some space on this disk or move the database. Nothing that was acknowledged is lost; work goes on by itself.',
    zh: '请清理磁盘空间或迁移数据库；已确认写入的数据不会丢失，空间恢复后会自动继续。',
  },
};
const LOCKED: Fault = {
  trouble: 'store_busy',
  what: { en: 'is locked by another process', zh: '被其他进程锁定' },
  advice: {
    en: 'Find the process that holds it ("fuser FILE"): an open sqlite3 shell, a backup, a copy tool. Several Zhongkong processes do not lock each other out.',
    zh: '请找出占用该文件的进程（“fuser 文件”），例如未退出的 sqlite3 命令行或备份、同步工具；多个 Zhongkong 进程同时使用不会互相锁死。',
  },
};
const BROKEN_DISK: Fault = {
  trouble: 'store_damaged',
  what: { en: 'cannot be read or written by the operating system', zh: '读写失败（操作系统报错）' },
  advice: {
    en: 'Look at the system log for disk errors. Network file systems do not suit SQLite: use a local disk.',
    zh: '请查看系统日志中的磁盘错误；SQLite 不适合放在网络文件系统上，请使用本地磁盘。',
  },
};
const OTHER: Fault = {
  trouble: 'store_failed',
  what: { en: 'refused an operation', zh: '拒绝了一次操作' },
  advice: {
    en: 'The log has the cause. If it stays, please report it.',
    zh: '请查看日志中的原因；如持续出现，请反馈给我们。',
  },
};

const BY_SQLITE_CODE: Readonly<Record<number, Fault>> = {
  3: READ_ONLY,
  5: LOCKED,
  6: LOCKED,
  8: READ_ONLY,
  10: BROKEN_DISK,
  11: DAMAGED,
  13: FULL,
  14: NO_PLACE,
  23: READ_ONLY,
  26: NOT_OURS,
};

const BY_SYSTEM_CODE: Readonly<Record<string, Fault>> = {
  EACCES: READ_ONLY,
  EPERM: READ_ONLY,
  EROFS: READ_ONLY,
  ENOSPC: FULL,
  EDQUOT: FULL,
  EIO: BROKEN_DISK,
};

const BUSY = 5;
const IO_ERROR = 10;
/** What SQLite needs at once to open a database: the index of its log is made in steps of 32 KiB. */
const ROOM_BYTES = 64 * 1024;
const CONSTRAINT = 19;
const UNIQUE = 2067;
const PRIMARY_KEY = 1555;

/** SQLite's extended result code, or null for any other error. */
function resultCode(error: unknown): number | null {
  const isCoded = error instanceof Error && 'rawCode' in error && typeof error.rawCode === 'number';
  return isCoded ? (error.rawCode as number) : null;
}

const primary = (code: number | null): number | null => (code === null ? null : code & 0xff);

export const isBusy = (error: unknown): boolean => primary(resultCode(error)) === BUSY;

export function isDuplicate(error: unknown): boolean {
  const code = resultCode(error);
  return code === UNIQUE || code === PRIMARY_KEY;
}

/** The error that a driver's error means for `file`. Constraint violations and errors not of SQLite come back as they are. */
export function sqliteFault(file: string, error: unknown): unknown {
  const code = primary(resultCode(error));
  if (code === null || code === CONSTRAINT) return error;
  // At the start it is not SQLite that finds the disk full, but the system call by which it makes room.
  const fault = code === IO_ERROR && isFull(file) ? FULL : BY_SQLITE_CODE[code];
  return unavailable(file, fault ?? OTHER, error);
}

/** Too little space for a page, on the disk that has the file. False where the system does not tell. */
function isFull(file: string): boolean {
  try {
    const { bavail, bsize } = statfsSync(dirname(file));
    return bavail * bsize < ROOM_BYTES;
  } catch {
    return false;
  }
}

/** The same for errors of the file system, while opening. */
export function fileFault(file: string, error: unknown): ZhongkongError {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return unavailable(file, BY_SYSTEM_CODE[code] ?? NO_PLACE, error);
}

function unavailable(file: string, { trouble, what, advice }: Fault, cause: unknown): ZhongkongError {
  return new ZhongkongError('store_unavailable', { en: `${file} ${what.en}`, zh: `${file} ${what.zh}` }, { trouble, advice, cause });
}
