/**
 * Kysely's driver over a pool of connections to a server: what PostgreSQL and MySQL have in common.
 *
 * A connection that did not answer as it should is never used again: nobody knows what it would answer next. Its pool
 * makes another one, not faster than `Reconnect` allows.
 */

import { CompiledQuery, type DatabaseConnection, type Driver, type QueryResult } from 'kysely';
import type { Reconnect } from './reconnect.ts';
import { ConnectFailure, ConnectionLost } from './server-faults.ts';
import { Slots } from './slots.ts';

/** How long to wait for a connection of ours to come free, ms. */
const PATIENCE_MS = 5000;
const GOODBYE_MS = 2000;

/** One connection of a driver's pool. */
export interface ServerLink {
  query<R>(text: string, parameters: readonly unknown[]): Promise<QueryResult<R>>;
  /** Back to its pool, or, when it is broken, away. */
  release(isBroken: boolean): void;
}

export interface ServerPool {
  /** Most connections. */
  readonly size: number;
  /** One that is free, or a new one. Rejects with what the driver said when it could not connect. */
  acquire(): Promise<ServerLink>;
  /** The server said this, so the connection is as it should be. */
  isAnswer(error: unknown): boolean;
  /**
   * The server cannot be written: after a failover this may be the old primary, while the name leads to the new one. The
   * connection is given up, so that the next one is made to wherever the name leads by then.
   */
  isReadOnly(error: unknown): boolean;
  /** The connection broke, rather than kept silent for too long. */
  broke(error: unknown): boolean;
  readonly begin: string;
  close(): Promise<void>;
}

export class ServerDriver implements Driver {
  readonly #pool: ServerPool;
  readonly #reconnect: Reconnect;
  readonly #slots: Slots;
  #inUse = 0;

  constructor(pool: ServerPool, reconnect: Reconnect) {
    this.#pool = pool;
    this.#reconnect = reconnect;
    this.#slots = new Slots(pool.size, PATIENCE_MS);
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<ServerConnection> {
    await this.#slots.take();
    try {
      // With a connection at work the server is there, and only refuses more of them.
      if (this.#inUse === 0) this.#reconnect.assertMayTry();
      const connection = await this.#connect();
      this.#inUse += 1;
      return connection;
    } catch (error) {
      this.#slots.give();
      throw error;
    }
  }

  async #connect(): Promise<ServerConnection> {
    try {
      const link = await this.#pool.acquire();
      this.#reconnect.succeeded();
      return new ServerConnection(link, this.#pool);
    } catch (error) {
      const failure = new ConnectFailure('no connection', { cause: error });
      this.#reconnect.failed(failure);
      throw failure;
    }
  }

  async beginTransaction(connection: ServerConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw(this.#pool.begin));
  }

  async commitTransaction(connection: ServerConnection): Promise<void> {
    await connection.commit();
  }

  /** Never fails: where it cannot be said, the server does it when the connection is gone. */
  async rollbackTransaction(connection: ServerConnection): Promise<void> {
    await connection.rollback();
  }

  async releaseConnection(connection: ServerConnection): Promise<void> {
    this.#inUse -= 1;
    if (connection.release()) this.#reconnect.succeeded();
    this.#slots.give();
  }

  /** A server that does not answer must not keep us from ending. */
  async destroy(): Promise<void> {
    await withinMs(this.#pool.close(), GOODBYE_MS);
  }
}

class ServerConnection implements DatabaseConnection {
  readonly #link: ServerLink;
  readonly #pool: ServerPool;
  #isBroken = false;

  constructor(link: ServerLink, pool: ServerPool) {
    this.#link = link;
    this.#pool = pool;
  }

  executeQuery<R>({ sql, parameters }: CompiledQuery): Promise<QueryResult<R>> {
    return this.#query<R>(sql, parameters, 'statement');
  }

  async commit(): Promise<void> {
    await this.#query('commit', [], 'commit');
  }

  async rollback(): Promise<void> {
    if (!this.#isBroken) await this.#query('rollback', [], 'statement').catch(() => this.#breakOff());
  }

  /** True: it goes back to the pool, as good as it was. */
  release(): boolean {
    this.#link.release(this.#isBroken);
    return !this.#isBroken;
  }

  async *streamQuery<R>(): AsyncIterableIterator<QueryResult<R>> {
    throw new Error('streaming is not supported');
  }

  async #query<R>(text: string, parameters: readonly unknown[], during: 'statement' | 'commit'): Promise<QueryResult<R>> {
    parameters.forEach(assertBindable);
    try {
      return await this.#link.query<R>(text, parameters);
    } catch (error) {
      if (this.#pool.isReadOnly(error)) this.#breakOff();
      if (this.#pool.isAnswer(error)) throw error;
      this.#breakOff();
      throw new ConnectionLost(during, this.#pool.broke(error), error);
    }
  }

  #breakOff(): void {
    this.#isBroken = true;
  }
}

/** Resolves when `work` has ended, or after so long. */
export async function withinMs(work: Promise<unknown>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([work.catch(() => undefined), late]);
  clearTimeout(timer);
}

/** Drivers make something of every value, of an object even SQL; what is stored here is texts, numbers and lists of them. */
function assertBindable(value: unknown): void {
  if (typeof value === 'string' || typeof value === 'number' || value === null) return;
  if (Array.isArray(value)) value.forEach(assertBindable);
  else throw new TypeError(`a ${typeof value} cannot be stored`);
}
