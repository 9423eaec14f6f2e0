/** What MariaDB and MySQL alone have: schema changes that end transactions, sessions that we set, tables in bytes. */

import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest';
import { MIGRATIONS } from '../../src/stores/sql/migrations.ts';
import { openStore } from '../../src/stores/open.ts';
import { credentialId } from '../contract/suites/pair.ts';
import { asRoot, MysqlDatabase } from './mysql-database.ts';
import { refusal } from './server-database.ts';

let database: MysqlDatabase;
beforeAll(async () => {
  database = await MysqlDatabase.create();
  await (await database.open()).close();
});
afterAll(() => database.drop());
beforeEach(() => database.empty());

test('a start that was cut off in the middle of a migration is finished by the next', async () => {
  const session = await database.session();
  const whole = await session.run('select table_name as name from information_schema.tables where table_schema = database()');
  const indexes = () =>
    session.run('select distinct table_name as t, index_name as i from information_schema.statistics where table_schema = database()');
  const wholeIndexes = await indexes();
  // As if it had ended after each of these: a table made and not recorded, its index missing, another table missing.
  for (const undo of [
    'delete from migrations',
    'drop index credentials_due on credentials',
    'drop table settings',
    'drop table api_keys',
  ]) {
    await session.run(`delete from migrations; ${undo}`);
    await (await database.open()).close();
    expect(await session.run('select table_name as name from information_schema.tables where table_schema = database()')).toEqual(whole);
    expect(new Set((await indexes()).map((one) => JSON.stringify(one)))).toEqual(new Set(wholeIndexes.map((one) => JSON.stringify(one))));
    expect(await session.run('select number from migrations')).toHaveLength(MIGRATIONS.length);
  }
});

test('a database with another character set, in which case does not count, changes nothing', async () => {
  const latin = await MysqlDatabase.create('character set latin1 collate latin1_swedish_ci');
  onTestFinished(() => latin.drop());
  const store = await latin.open();
  onTestFinished(() => store.close());
  // Case, an accent, a trailing space, an emoji: four names.
  for (const [index, name] of ['cafe', 'CAFE', 'café', 'cafe ', '🀄'].entries()) {
    expect(await store.directory.putSetting(name, null, `${index} 中控`)).toBe(true);
  }
  expect(await store.directory.setting('cafe ')).toBe('3 中控');
  expect(await store.directory.setting('🀄')).toBe('4 中控');
});

test('every connection is strict, whatever the server’s default: nothing is cut off to fit', async () => {
  const store = await database.open();
  onTestFinished(() => store.close());
  const long = credentialId('x'.repeat(129));
  await expect(store.credentials.acquire(long, 'h', 1000)).rejects.toThrow(/refused a value/);
  expect(await store.credentials.list('x'.repeat(128))).toEqual([]);
});

test('a user who may only read is told so', async () => {
  const user = `zk${process.pid}`;
  await asRoot(`create user '${user}'@'%' identified by 'pass@word#1'`);
  await asRoot(`grant select on ${database.name}.* to '${user}'@'%'`);
  onTestFinished(async () => void (await asRoot(`drop user '${user}'@'%'`)));
  const url = new URL(database.url);
  url.username = user;
  url.password = encodeURIComponent('pass@word#1');
  const error = await refusal(openStore(url.href));
  expect(error.message).toMatch(/gives this user too few rights|refused the user/);
  expect(`${error.stack} ${String(error.cause)}`).not.toContain('pass@word');
});
