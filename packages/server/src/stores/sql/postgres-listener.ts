/**
 * Hears at once that another handle wrote something: LISTEN on a connection of its own.
 *
 * connecting → listening → (broken) → waiting → connecting …, until it is closed. Whenever it begins to listen it wakes
 * its reader, since something may have been missed; what is missed in between, the reader's own poll makes up for.
 */

import { type Kysely, sql } from 'kysely';
import pg from 'pg';
import type { Reconnect } from './reconnect.ts';
import { withinMs } from './server-driver.ts';
import { ConnectFailure } from './server-faults.ts';
import type { Tables } from './tables.ts';

const CHANNEL = 'zhongkong_changes';
/** A connection that is cut without a word is found out within this time and the time an answer may take, ms. */
const HEARTBEAT_MS = 15_000;
const GOODBYE_MS = 2000;

/** The handle `origin` tells the others; its own listener does not wake for it. */
export const announce = (db: Kysely<Tables>, origin: string) => sql`select pg_notify(${CHANNEL}, ${origin})`.execute(db);

export interface ListenerParts {
  readonly client: pg.ClientConfig;
  /** Names this handle. */
  readonly origin: string;
  readonly reconnect: Reconnect;
}

export class PostgresListener {
  readonly #parts: ListenerParts;
  readonly #wakes = new Set<() => void>();
  #client: pg.Client | null = null;
  #timer: NodeJS.Timeout | null = null;
  #isClosed = false;

  constructor(parts: ListenerParts) {
    this.#parts = parts;
  }

  /** The connection is made with the first that wants to hear. Returns the way to stop. */
  readonly onChange = (wake: () => void): (() => void) => {
    this.#wakes.add(wake);
    if (this.#client === null && this.#timer === null && !this.#isClosed) void this.#connect();
    return () => void this.#wakes.delete(wake);
  };

  async close(): Promise<void> {
    this.#isClosed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    if (this.#client !== null) await withinMs(this.#client.end(), GOODBYE_MS);
  }

  async #connect(): Promise<void> {
    const { client: config, origin, reconnect } = this.#parts;
    const client = new pg.Client(config);
    this.#client = client;
    const broken = (): void => {
      if (this.#client !== client) return;
      this.#client = null;
      client.end().catch(() => undefined);
      if (this.#isClosed) return;
      reconnect.failed(new ConnectFailure('no connection'));
      this.#later(reconnect.waitMs, () => void this.#connect());
    };
    client.on('error', broken);
    client.on('end', broken);
    client.on('notification', ({ payload }) => {
      if (payload !== origin) this.#wake();
    });
    try {
      await client.connect();
      await client.query(`listen ${CHANNEL}`);
      reconnect.succeeded();
      this.#beat(client, broken);
      this.#wake();
    } catch {
      broken();
    }
  }

  #beat(client: pg.Client, broken: () => void): void {
    this.#later(HEARTBEAT_MS, () => {
      client.query('select 1').then(() => {
        if (this.#client === client) this.#beat(client, broken);
      }, broken);
    });
  }

  #later(ms: number, action: () => void): void {
    if (this.#isClosed) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#timer = null;
      action();
    }, ms);
    // A process that has nothing else to do may end.
    this.#timer.unref();
  }

  #wake(): void {
    if (!this.#isClosed) for (const wake of this.#wakes) wake();
  }
}
