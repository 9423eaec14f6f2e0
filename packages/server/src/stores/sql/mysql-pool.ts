/**
 * The pool of connections to MariaDB or MySQL, and what every one of them is set to.
 *
 * Limits are the server's where it has them, since it can also undo; one of ours stands behind them for when it does
 * not answer at all. Values are written into the statement by the driver (which is right because the session's sql_mode
 * and character set are ours): statements for many rows come in too many lengths to be prepared.
 */

import type { QueryResult } from 'kysely';
import mysql, { type Pool, type PoolConnection, type ResultSetHeader } from 'mysql2/promise';
import type { ServerLink, ServerPool } from './server-driver.ts';
import type { ServerUrl } from './server-url.ts';

/** ms. */
const CONNECT_MS = 5000;
const ANSWER_MS = 12_000;
/** Connections that were not used for so long are closed, ms: before the server does it. */
const IDLE_MS = 30_000;
const IDLE_KEPT = 2;

export interface MysqlPoolOptions {
  /** For work on the schema: waits for locks and results as long as it takes, up to ten minutes. */
  readonly patient?: true;
  readonly connections?: number;
}
const PATIENCE_SECONDS = 600;

/**
 * UTC, so that no hour comes twice when clocks are put back. Strict, so that nothing is cut off to fit. Numbers of the
 * log without steps between them. A transaction that stands still (its node was stopped) is ended after 10 s on
 * MariaDB; MySQL has no such limit and ends idle connections instead, after 60 s. What is between the exclamation marks
 * is a comment to MySQL.
 */
const session = (lockSeconds: number, statementSeconds: number): readonly string[] => [
  `set session time_zone = '+00:00', sql_mode = 'STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION,ERROR_FOR_DIVISION_BY_ZERO', autocommit = 1,
    innodb_lock_wait_timeout = ${lockSeconds}, wait_timeout = 60, auto_increment_increment = 1, auto_increment_offset = 1
    /*M!100600 , idle_transaction_timeout = 10, max_statement_time = ${statementSeconds} */`,
  'set session transaction isolation level read committed',
];

export class MysqlPool implements ServerPool {
  /** The session's isolation: why READ COMMITTED, see `credential-steps.ts`. */
  readonly begin = 'start transaction';
  readonly size: number;
  readonly #pool: Pool;
  readonly #settings: readonly string[];
  readonly #answerMs: number;
  readonly #set = new WeakSet<object>();

  constructor(url: ServerUrl, { patient, connections }: MysqlPoolOptions = {}) {
    const { host, port, socket, user, password, database, tls } = url;
    this.size = connections ?? url.connections;
    this.#answerMs = patient ? PATIENCE_SECONDS * 1000 : ANSWER_MS;
    this.#settings = patient ? session(PATIENCE_SECONDS, 0) : session(5, 10);
    const { ca, rejectUnauthorized, checkServerIdentity } = tls ?? {};
    const verified = {
      rejectUnauthorized: rejectUnauthorized === true,
      verifyIdentity: rejectUnauthorized === true && !checkServerIdentity,
    };
    this.#pool = mysql.createPool({
      ...(socket === null ? { host, port } : { socketPath: socket }),
      ...{ user, password, database, charset: 'utf8mb4' },
      ...(tls === null ? {} : { ssl: { ...(ca === undefined ? {} : { ca: ca as string }), ...verified } }),
      ...{ connectTimeout: CONNECT_MS, connectionLimit: this.size, maxIdle: Math.min(IDLE_KEPT, this.size), idleTimeout: IDLE_MS },
      ...{ enableKeepAlive: true, keepAliveInitialDelay: 10_000 },
      // Whole numbers that are not safe come as texts, which nobody here expects: they are refused below.
      ...{ supportBigNumbers: true, bigNumberStrings: false, stringifyObjects: true },
      flags: ['FOUND_ROWS', '-LOCAL_FILES'],
    });
  }

  async acquire(): Promise<ServerLink> {
    const connection = await this.#pool.getConnection();
    if (!this.#set.has(connection.connection)) {
      try {
        for (const statement of this.#settings) await connection.query({ sql: statement, timeout: this.#answerMs });
        this.#set.add(connection.connection);
      } catch (error) {
        connection.destroy();
        throw error;
      }
    }
    return new MysqlLink(connection, this.#answerMs);
  }

  isAnswer(error: unknown): boolean {
    const { errno, sqlState, fatal } = error as { errno?: unknown; sqlState?: unknown; fatal?: unknown };
    if (typeof errno !== 'number' || typeof sqlState !== 'string' || fatal === true) return false;
    return errno >= 1000 && !LAST_WORDS.has(errno);
  }

  isReadOnly(error: unknown): boolean {
    return READ_ONLY.has((error as { errno?: number }).errno ?? 0);
  }

  broke(error: unknown): boolean {
    return (error as { code?: unknown }).code !== 'PROTOCOL_SEQUENCE_TIMEOUT';
  }

  close(): Promise<void> {
    return this.#pool.end();
  }
}

/** The server says this and hangs up: shutdown, aborted, killed, idle for too long. */
const LAST_WORDS: ReadonlySet<number> = new Set([1053, 1080, 1152, 1184, 1927, 3159, 4031]);

const READ_ONLY: ReadonlySet<number> = new Set([1290, 1792, 1836]);

class MysqlLink implements ServerLink {
  readonly #connection: PoolConnection;
  readonly #answerMs: number;

  constructor(connection: PoolConnection, answerMs: number) {
    this.#connection = connection;
    this.#answerMs = answerMs;
  }

  async query<R>(text: string, parameters: readonly unknown[]): Promise<QueryResult<R>> {
    const [result] = await this.#connection.query({ sql: text, values: [...parameters], timeout: this.#answerMs });
    if (Array.isArray(result)) return { rows: result as R[] };
    const { affectedRows, insertId } = result as ResultSetHeader;
    return { rows: [], numAffectedRows: BigInt(affectedRows), insertId: BigInt(insertId) };
  }

  release(isBroken: boolean): void {
    if (isBroken) this.#connection.destroy();
    else this.#connection.release();
  }
}
