/**
 * What can be wrong with a database server, as the one error an operator reads: what happened, where, what to do.
 *
 * Causes are reduced to their codes: a driver's message may quote a statement with what was stored by it.
 */

import { ZhongkongError } from '../../core/errors.ts';
import type { Bilingual } from '../../core/failure.ts';
import type { StoreTrouble } from '../../core/store-trouble.ts';

export interface Fault {
  readonly trouble: StoreTrouble;
  /** Completes "<place> …". */
  readonly what: Bilingual;
  readonly advice: Bilingual;
}

export const FAULTS = {
  login: {
    trouble: 'store_auth_failed',
    what: { en: 'refused the user or the password', zh: '拒绝了该用户名或密码' },
    advice: {
      en: 'Correct user and password in the URL of the option "store" (percent-encode special characters), and let the server admit this user from this host.',
      zh: '请核对 store 地址中的用户名和密码（特殊字符须做百分号编码），并确认数据库允许该用户从本机登录。',
    },
  },
  database: {
    trouble: 'store_missing',
    what: { en: 'has no such database', zh: '没有这个数据库' },
    advice: {
      en: 'Create the database (UTF-8) or correct its name in the option "store"; tables are made by the first start.',
      zh: '请先创建该数据库（UTF-8 编码），或更正 store 中的库名；表会在首次启动时自动创建。',
    },
  },
  rights: {
    trouble: 'store_forbidden',
    what: { en: 'gives this user too few rights', zh: '授予该用户的权限不足' },
    advice: {
      en: 'Let the user read and write the tables of this database, and create and alter them for upgrades.',
      zh: '请授予该用户读写此数据库中各表的权限；升级时还需要建表和改表的权限。',
    },
  },
  unreachable: {
    trouble: 'store_unreachable',
    what: { en: 'cannot be reached', zh: '无法连接' },
    advice: {
      en: 'Check that the server runs, that host and port are right, and that no firewall is in between. Work goes on by itself once it answers.',
      zh: '请检查数据库是否在运行、主机和端口是否正确、是否被防火墙拦截；恢复后会自动继续。',
    },
  },
  host: {
    trouble: 'store_unreachable',
    what: { en: 'cannot be found: its host name is unknown', zh: '的主机名无法解析' },
    advice: {
      en: 'Correct the host in the option "store", or look at the DNS of this machine.',
      zh: '请更正 store 中的主机名，或检查本机的 DNS。',
    },
  },
  tls: {
    trouble: 'store_tls_failed',
    what: { en: 'was reached, but not with TLS as asked for', zh: '可以连上，但 TLS 不符合要求' },
    advice: {
      en: 'Check sslmode and sslrootcert in the option "store": the server may have no TLS, or a certificate of another CA or another name, or an expired one.',
      zh: '请检查 store 中的 sslmode 和 sslrootcert：可能是服务端未启用 TLS，证书由其他 CA 签发、名称不符或已过期。',
    },
  },
  connect: {
    trouble: 'store_unreachable',
    what: { en: 'was reached, but gave no connection', zh: '可以连上，但未能建立会话' },
    advice: {
      en: 'Check user, password and sslmode in the option "store", and the log of the database server.',
      zh: '请检查 store 中的用户名、密码和 sslmode，并查看数据库服务端的日志。',
    },
  },
  readOnly: {
    trouble: 'store_read_only',
    what: { en: 'cannot be written: it is a standby or was made read-only', zh: '无法写入：它是备库，或被设为只读' },
    advice: {
      en: 'Point the option "store" at the primary, or make this server writable again. Credentials in memory are served on meanwhile.',
      zh: '请将 store 指向主库，或恢复该库的写入；在此期间内存中的凭据照常提供。',
    },
  },
  full: {
    trouble: 'store_full',
    what: { en: 'cannot grow: its disk is full', zh: '无法继续写入：磁盘已满' },
    advice: {
      en: 'Free some space on the database server. Nothing that was acknowledged is lost; work goes on by itself.',
      zh: '请清理数据库服务器的磁盘空间；已确认写入的数据不会丢失，空间恢复后会自动继续。',
    },
  },
  crowded: {
    trouble: 'store_busy',
    what: { en: 'takes no more connections', zh: '的连接数已满' },
    advice: {
      en: 'Raise the connection limit of the server, or lower "connections" in the URL of the option "store" (default 10 per process).',
      zh: '请调大数据库的最大连接数，或在 store 地址中调小 connections（默认每进程 10 个）。',
    },
  },
  busy: {
    trouble: 'store_busy',
    what: { en: 'has kept us waiting too long for a connection, a lock or a result', zh: '迟迟没有给出连接、锁或结果' },
    advice: {
      en: 'Look at its load and for sessions that hold locks in an open transaction. Work goes on by itself.',
      zh: '请检查数据库负载，以及是否有未结束的事务占着锁；恢复后会自动继续。',
    },
  },
  away: {
    trouble: 'store_starting',
    what: { en: 'is starting, stopping or recovering', zh: '正在启动、停止或恢复' },
    advice: {
      en: 'Wait until the server is up. Work goes on by itself.',
      zh: '请等待数据库启动完成；恢复后会自动继续。',
    },
  },
  lost: {
    trouble: 'store_unreachable',
    what: { en: 'broke the connection', zh: '断开了连接' },
    advice: {
      en: 'Look at the log of the database server and at the network in between. Work goes on by itself.',
      zh: '请查看数据库服务端的日志和中间的网络；恢复后会自动继续。',
    },
  },
  lostCommit: {
    trouble: 'store_unreachable',
    what: {
      en: 'broke the connection during a commit: whether that write is stored is not known',
      zh: '在提交时断开了连接，无法确定这次写入是否成功',
    },
    advice: {
      en: 'Look at the log of the database server and at the network in between. The next refresh finds out; nothing has to be done.',
      zh: '请查看数据库服务端的日志和中间的网络；下次刷新会自行核实，无需处理。',
    },
  },
  packet: {
    trouble: 'store_misconfigured',
    what: { en: 'refused a statement as too long', zh: '因语句过长而拒绝执行' },
    advice: {
      en: 'Raise max_allowed_packet of the server to at least 16 MB.',
      zh: '请将数据库的 max_allowed_packet 调大到至少 16 MB。',
    },
  },
  binlog: {
    trouble: 'store_misconfigured',
    what: { en: 'logs statements instead of rows', zh: '以语句而不是行的方式记录 binlog' },
    advice: {
      en: 'Set binlog_format = ROW (or MIXED) on the server.',
      zh: '请在数据库上设置 binlog_format = ROW（或 MIXED）。',
    },
  },
  encoding: {
    trouble: 'store_misconfigured',
    what: { en: 'is not a UTF-8 database', zh: '不是 UTF-8 编码的数据库' },
    advice: {
      en: "Create it with UTF-8: create database … encoding 'UTF8' template template0.",
      zh: "请以 UTF-8 编码建库：create database … encoding 'UTF8' template template0。",
    },
  },
  old: {
    trouble: 'store_misconfigured',
    what: { en: 'is too old', zh: '版本过旧' },
    advice: {
      en: 'PostgreSQL 12, MariaDB 10.6 or MySQL 8.0.17 is the least.',
      zh: '最低版本要求：PostgreSQL 12、MariaDB 10.6 或 MySQL 8.0.17。',
    },
  },
  other: {
    trouble: 'store_failed',
    what: { en: 'refused an operation', zh: '拒绝了一次操作' },
    advice: {
      en: 'The log of the database server has the cause. If it stays, please report it.',
      zh: '请查看数据库服务端日志中的原因；如持续出现，请反馈给我们。',
    },
  },
} as const satisfies Readonly<Record<string, Fault>>;

export type FaultName = keyof typeof FAULTS;

/** Node's own codes, whatever the driver. */
const BY_SYSTEM_CODE: Readonly<Record<string, FaultName>> = {
  ECONNREFUSED: 'unreachable',
  EHOSTUNREACH: 'unreachable',
  ENETUNREACH: 'unreachable',
  ETIMEDOUT: 'unreachable',
  ECONNRESET: 'unreachable',
  EPIPE: 'unreachable',
  ENOENT: 'unreachable',
  EACCES: 'unreachable',
  ENOTFOUND: 'host',
  EAI_AGAIN: 'host',
  EPROTO: 'tls',
  CERT_HAS_EXPIRED: 'tls',
  CERT_NOT_YET_VALID: 'tls',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'tls',
  SELF_SIGNED_CERT_IN_CHAIN: 'tls',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'tls',
  UNABLE_TO_GET_ISSUER_CERT: 'tls',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'tls',
  ERR_TLS_CERT_ALTNAME_INVALID: 'tls',
  HANDSHAKE_NO_SSL_SUPPORT: 'tls',
  HANDSHAKE_SSL_ERROR: 'tls',
};

/** `code` of an error, of its cause, or of the first of several. */
function systemCode(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return systemCode(error.errors[0]);
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

export const systemFault = (error: unknown): FaultName | undefined => BY_SYSTEM_CODE[systemCode(error)];

export function serverFault(place: string, name: FaultName, cause: unknown): ZhongkongError {
  const { trouble, what, advice } = FAULTS[name];
  const code = systemCode(cause);
  const reduced = new Error(code === '' ? (cause instanceof Error ? cause.name : 'unknown') : `code ${code}`);
  const text = { en: `${place} ${what.en}`, zh: `${place} ${what.zh}` };
  return new ZhongkongError('store_unavailable', text, { trouble, advice, cause: reduced });
}

/** No connection could be made. */
export class ConnectFailure extends Error {
  override readonly name = 'ConnectFailure';
}

/** The connection is gone, or unusable because no answer came; in the middle of a commit nobody knows what became of it. */
export class ConnectionLost extends Error {
  override readonly name = 'ConnectionLost';
  readonly during: 'statement' | 'commit';
  /** It broke, and was not merely given up on. */
  readonly broke: boolean;

  constructor(during: 'statement' | 'commit', broke: boolean, cause: unknown) {
    super('connection lost', { cause });
    this.during = during;
    this.broke = broke;
  }
}

/** All connections of this process are in use, and none came free in time. */
export class PoolExhausted extends Error {
  override readonly name = 'PoolExhausted';
}

/**
 * The database refuses what it was given: a duplicate, a text that is too long. The caller's affair, not the store's.
 * Stands for the driver's error, which quotes the values.
 */
export class RefusedValue extends Error {
  override readonly name = 'RefusedValue';
  readonly code: string | number;

  constructor(code: string | number) {
    super(`the database refused a value (code ${code})`);
    this.code = code;
  }
}

/** What our own three errors mean; undefined for others. */
export function connectionFault(
  place: string,
  error: unknown,
  byCode: (cause: unknown) => FaultName | undefined,
): ZhongkongError | undefined {
  if (error instanceof PoolExhausted) return serverFault(place, 'busy', error);
  if (error instanceof ConnectFailure) return serverFault(place, byCode(error.cause) ?? systemFault(error.cause) ?? 'connect', error.cause);
  if (!(error instanceof ConnectionLost)) return undefined;
  const name = error.during === 'commit' ? 'lostCommit' : error.broke ? 'lost' : 'busy';
  return serverFault(place, name, error.cause);
}

/** Times a transaction is tried that the server undid: deadlocks of a few nodes dissolve in two or three. */
const TRIES = 5;

/**
 * The rule of trying again, for `SqlProfile.isWorthRetry`: what the server itself undid, a few times; and once what broke
 * before its commit was sent, since idle connections of a restarted server only show when they are used.
 */
export function isWorthRetry(error: unknown, tries: number, wasUndone: (error: unknown) => boolean): boolean {
  if (error instanceof ConnectionLost) return error.broke && error.during === 'statement' && tries === 1;
  return tries < TRIES && wasUndone(error);
}
