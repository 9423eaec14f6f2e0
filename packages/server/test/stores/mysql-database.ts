/** A MariaDB or MySQL database of a test's own: made empty, dropped at its end. */

import mysql, { type Connection } from 'mysql2/promise';
import { openStore } from '../../src/stores/open.ts';
import type { ServerDatabase, Session } from './server-database.ts';

/** A server that the tests may use: the URL of a user who may make databases. */
export const MYSQL_URL = process.env.ZHONGKONG_TEST_MYSQL ?? 'mysql://root@127.0.0.1:3306/mysql';

const TABLES = ['credentials', 'changes', 'counters', 'accounts', 'api_keys', 'audit', 'settings'];
let count = 0;

export class MysqlDatabase implements ServerDatabase {
  readonly name: string;
  readonly url: string;
  readonly #clients: Connection[] = [];

  private constructor(name: string) {
    this.name = name;
    const url = new URL(MYSQL_URL);
    url.pathname = `/${name}`;
    this.url = url.href;
  }

  static async create(options = ''): Promise<MysqlDatabase> {
    count += 1;
    const database = new MysqlDatabase(`zhongkong_test_${process.pid}_${count}`);
    await asRoot(`drop database if exists ${database.name}`);
    await asRoot(`create database ${database.name} ${options}`);
    return database;
  }

  async session(): Promise<Session> {
    const client = await mysql.createConnection({ uri: this.url, multipleStatements: true });
    client.on('error', () => undefined);
    this.#clients.push(client);
    return {
      run: async (statement) => {
        const [rows] = await client.query(statement);
        return Array.isArray(rows) ? (rows as Record<string, unknown>[]) : [];
      },
    };
  }

  async empty(): Promise<void> {
    if (this.#clients.length === 0) await this.session();
    const truncates = TABLES.map((table) => `truncate ${table}`).join('; ');
    await this.#clients[0]?.query(`${truncates};
      insert into counters (name, value) values ('fence_floor', 0), ('changes_pruned', 0), ('ping', 0)`);
  }

  async open(serverNow?: () => number) {
    return openStore(this.url, serverNow ? { serverNow } : {});
  }

  async hangUp(): Promise<number> {
    const own = this.#clients.map(({ threadId }) => threadId);
    const rows = (await asRoot(`select id from information_schema.processlist where db = '${this.name}'`)) as { id: number }[];
    const others = rows.map(({ id }) => id).filter((id) => !own.includes(id));
    for (const id of others) await asRoot(`kill ${id}`).catch(() => undefined);
    return others.length;
  }

  async drop(): Promise<void> {
    for (const client of this.#clients) client.destroy();
    await asRoot(`drop database if exists ${this.name}`);
  }
}

export async function asRoot(statement: string): Promise<unknown> {
  const client = await mysql.createConnection({ uri: MYSQL_URL });
  try {
    const [rows] = await client.query(statement);
    return rows;
  } finally {
    await client.end();
  }
}
