/** A MariaDB or MySQL database of a test's own: made empty, dropped at its end. */

import mysql, { type Connection } from 'mysql2/promise';
import { openStore } from '../../src/stores/open.ts';

/** A server that the tests may use: the URL of a user who may make databases. */
export const MYSQL_URL = process.env.ZHONGKONG_TEST_MYSQL ?? 'mysql://root@127.0.0.1:3306/mysql';

const TABLES = ['credentials', 'changes', 'counters', 'accounts', 'api_keys', 'audit', 'settings'];
let count = 0;

export class MysqlDatabase {
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

  /** A plain connection into it, ended with it. */
  async client(): Promise<Connection> {
    const client = await mysql.createConnection({ uri: this.url, multipleStatements: true });
    client.on('error', () => undefined);
    this.#clients.push(client);
    return client;
  }

  /** As if its store had just been made. */
  async empty(): Promise<void> {
    const client = this.#clients[0] ?? (await this.client());
    const truncates = TABLES.map((table) => `truncate ${table}`).join('; ');
    await client.query(`${truncates};
      insert into counters (name, value) values ('fence_floor', 0), ('changes_pruned', 0), ('ping', 0)`);
  }

  async open(serverNow?: () => number) {
    return openStore(this.url, serverNow ? { serverNow } : {});
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
