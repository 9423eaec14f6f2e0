/** A PostgreSQL database of a test's own: made empty, dropped at its end. */

import pg from 'pg';
import { openStore } from '../../src/stores/open.ts';

/** A server that the tests may use: its superuser's URL. */
export const POSTGRES_URL = process.env.ZHONGKONG_TEST_POSTGRES ?? 'postgres://postgres@127.0.0.1:5432/postgres';

const TABLES = 'credentials, changes, counters, accounts, api_keys, audit, settings';
let count = 0;

export class PostgresDatabase {
  readonly name: string;
  readonly url: string;
  readonly #clients: pg.Client[] = [];

  private constructor(name: string) {
    this.name = name;
    const url = new URL(POSTGRES_URL);
    url.pathname = `/${name}`;
    this.url = url.href;
  }

  static async create(options = ''): Promise<PostgresDatabase> {
    count += 1;
    const database = new PostgresDatabase(`zhongkong_test_${process.pid}_${count}`);
    await asSuperuser(`drop database if exists ${database.name} with (force)`);
    await asSuperuser(`create database ${database.name} ${options}`);
    return database;
  }

  /** A plain connection into it, ended with it. */
  async client(): Promise<pg.Client> {
    const client = new pg.Client({ connectionString: this.url });
    client.on('error', () => undefined);
    this.#clients.push(client);
    await client.connect();
    return client;
  }

  /** As if its store had just been made. */
  async empty(): Promise<void> {
    const client = this.#clients[0] ?? (await this.client());
    await client.query(`truncate ${TABLES} restart identity;
      insert into counters (name, value) values ('fence_floor', 0), ('changes_pruned', 0), ('ping', 0)`);
  }

  async open(serverNow?: () => number) {
    return openStore(this.url, serverNow ? { serverNow } : {});
  }

  async drop(): Promise<void> {
    for (const client of this.#clients) await client.end().catch(() => undefined);
    await asSuperuser(`drop database if exists ${this.name} with (force)`);
  }
}

export async function asSuperuser(statement: string): Promise<pg.QueryResult> {
  const client = new pg.Client({ connectionString: POSTGRES_URL });
  await client.connect();
  try {
    return await client.query(statement);
  } finally {
    await client.end();
  }
}
