/** A PostgreSQL database of a test's own: made empty, dropped at its end. */

import pg from 'pg';
import { openStore } from '../../src/stores/open.ts';
import type { ServerDatabase, Session } from './server-database.ts';

/** A server that the tests may use: its superuser's URL. */
export const POSTGRES_URL = process.env.ZHONGKONG_TEST_POSTGRES ?? 'postgres://postgres@127.0.0.1:5432/postgres';

const TABLES = 'credentials, changes, counters, accounts, api_keys, audit, settings';
const SESSION = 'zhongkong test';
let count = 0;

export class PostgresDatabase implements ServerDatabase {
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

  async session(): Promise<Session> {
    const client = new pg.Client({ connectionString: this.url, application_name: SESSION });
    client.on('error', () => undefined);
    this.#clients.push(client);
    await client.connect();
    return { run: async (statement, parameters) => (await client.query(statement, parameters && [...parameters])).rows };
  }

  async empty(): Promise<void> {
    if (this.#clients.length === 0) await this.session();
    await this.#clients[0]?.query(`truncate ${TABLES} restart identity;
      insert into counters (name, value) values ('fence_floor', 0), ('changes_pruned', 0), ('ping', 0)`);
  }

  async open(serverNow?: () => number) {
    return openStore(this.url, serverNow ? { serverNow } : {});
  }

  /** `which`: only connections whose last statement looks like this. */
  async hangUp(which = '%'): Promise<number> {
    const { rowCount } = await asSuperuser(`select pg_terminate_backend(pid) from pg_stat_activity
      where datname = '${this.name}' and application_name <> '${SESSION}' and query ilike '${which}'`);
    return rowCount ?? 0;
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
