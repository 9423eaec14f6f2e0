/**
 * The pool of connections to PostgreSQL, and what every one of them is set to.
 *
 * Limits are the server's where it has them, since it can also undo; one of ours stands behind them for when it does
 * not answer at all. Statements that recur are prepared once per connection.
 */

import type { QueryResult } from 'kysely';
import pg from 'pg';
import type { ServerLink, ServerPool } from './server-driver.ts';
import type { ServerUrl } from './server-url.ts';

/** ms. A lock is held for a few ms, or by a node that stands still, which the third ends. */
const CONNECT_MS = 5000;
const LOCK_MS = 5000;
const IDLE_IN_TRANSACTION_MS = 10_000;
const STATEMENT_MS = 10_000;
const ANSWER_MS = 12_000;
/** Connections that were not used for so long are closed, ms. */
const IDLE_MS = 30_000;

export interface PostgresPoolOptions {
  /** For work on the schema: waits for locks and results as long as it takes, up to ten minutes. */
  readonly patient?: true;
  readonly connections?: number;
}
const PATIENCE_MS = 600_000;

/** What one connection is made with, in the pool or beside it. */
export function postgresClient(url: ServerUrl, { patient }: PostgresPoolOptions = {}): pg.ClientConfig {
  const { host, port, socket, user, password, database, tls } = url;
  return {
    ...{ host: socket ?? host, port, user, password, database },
    ssl: tls ?? false,
    application_name: 'zhongkong',
    connectionTimeoutMillis: CONNECT_MS,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    statement_timeout: patient ? PATIENCE_MS : STATEMENT_MS,
    lock_timeout: patient ? PATIENCE_MS : LOCK_MS,
    idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_MS,
    query_timeout: patient ? PATIENCE_MS : ANSWER_MS,
    types: { getTypeParser },
  };
}

export class PostgresPool implements ServerPool {
  /** Whatever the server's default is: why this level, see `credential-steps.ts`. */
  readonly begin = 'begin isolation level read committed';
  readonly size: number;
  readonly #pool: pg.Pool;

  constructor(url: ServerUrl, options: PostgresPoolOptions = {}) {
    this.size = options.connections ?? url.connections;
    this.#pool = new pg.Pool({ ...postgresClient(url, options), max: this.size, idleTimeoutMillis: IDLE_MS });
    // An idle connection that breaks is taken out of the pool by itself; who needs one gets another.
    this.#pool.on('error', () => undefined);
  }

  async acquire(): Promise<ServerLink> {
    return new PostgresLink(await this.#pool.connect());
  }

  isAnswer(error: unknown): boolean {
    // FATAL ends the connection, whatever its code.
    return error instanceof pg.DatabaseError && error.severity === 'ERROR';
  }

  isReadOnly(error: unknown): boolean {
    return error instanceof pg.DatabaseError && error.code === '25006';
  }

  broke(error: unknown): boolean {
    return !(error instanceof Error) || error.message !== 'Query read timeout';
  }

  close(): Promise<void> {
    return this.#pool.end();
  }
}

/** Statements with more parameters than this come in too many lengths to be kept. */
const MOST_KEPT_PARAMETERS = 16;
/** Distinct statements of the store: about sixty. */
const MOST_KEPT = 300;
const names = new Map<string, string>();

/** A name for a statement that recurs: connections prepare it once. Undefined for others. */
function nameOf(text: string, parameters: readonly unknown[]): string | undefined {
  if (parameters.length === 0 || parameters.length > MOST_KEPT_PARAMETERS) return undefined;
  const known = names.get(text);
  if (known !== undefined || names.size >= MOST_KEPT) return known;
  const name = `zk${names.size}`;
  names.set(text, name);
  return name;
}

class PostgresLink implements ServerLink {
  readonly #client: pg.PoolClient;

  constructor(client: pg.PoolClient) {
    this.#client = client;
    this.#client.on('error', ignored);
  }

  async query<R>(text: string, parameters: readonly unknown[]): Promise<QueryResult<R>> {
    const name = nameOf(text, parameters);
    const result = await this.#client.query({ text, values: [...parameters], ...(name === undefined ? {} : { name }) });
    return { rows: result.rows as R[], ...(result.rowCount === null ? {} : { numAffectedRows: BigInt(result.rowCount) }) };
  }

  release(isBroken: boolean): void {
    this.#client.off('error', ignored);
    this.#client.release(isBroken);
  }
}

/** A connection that breaks between two statements says so at the next one. */
const ignored = (): void => undefined;

const INT8 = 20;

/** Every number of ours is a safe integer; PostgreSQL's `bigint` comes as text. */
function getTypeParser(oid: number, format?: 'text' | 'binary'): (text: string) => unknown {
  if (oid === INT8 && format !== 'binary') return safeInteger;
  return pg.types.getTypeParser(oid, format as 'text');
}

function safeInteger(text: string): number {
  const number = Number(text);
  if (Number.isSafeInteger(number)) return number;
  throw new RangeError('a stored number is no safe integer');
}
