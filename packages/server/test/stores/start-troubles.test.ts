/** A start on a store that is not as it should be, in a process of its own: one line, both languages, and the end. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { folder, run } from '../e2e/cli/rig.ts';
import { MYSQL_URL } from './mysql-database.ts';
import { POSTGRES_URL } from './postgres-database.ts';

const changed = (url: string, change: Partial<URL>): string => Object.assign(new URL(url), change).href;

test.each([
  ['PostgreSQL that is away', changed(POSTGRES_URL, { port: '9' }), 'store_unreachable'],
  ['PostgreSQL without the database', changed(POSTGRES_URL, { pathname: '/zhongkong_none' }), 'store_missing'],
  ['PostgreSQL that has no TLS', changed(POSTGRES_URL, { search: '?sslmode=require' }), 'store_tls_failed'],
  ['MariaDB that is away', changed(MYSQL_URL, { port: '9' }), 'store_unreachable'],
  ['MariaDB without the database', changed(MYSQL_URL, { pathname: '/zhongkong_none' }), 'store_missing'],
  ['MariaDB that refuses the user', changed(MYSQL_URL, { username: 'zhongkong_nobody' }), 'store_auth_failed'],
  ['Redis that is away', 'redis://127.0.0.1:9', 'store_unreachable'],
  ['a path through a file', 'sqlite:zhongkong.yaml/x.db', 'store_missing'],
  ['a file that is no database', 'sqlite:zhongkong.yaml', 'store_damaged'],
])('%s', async (_, store, code) => {
  const cwd = folder();
  writeFileSync(join(cwd, 'zhongkong.yaml'), `# ${'x'.repeat(200)}\n`);
  const env = {
    ZHONGKONG_STORE: store,
    ZHONGKONG_MASTER_KEY: Buffer.alloc(32, 7).toString('base64'),
    ZHONGKONG_ADMIN_KEY: 'test-admin-key-0123456789',
  };
  const started = (language: string) => run(['serve', '--listen', '127.0.0.1:0'], { cwd, env: { ...env, LANG: language } });
  const [english, chinese] = await Promise.all([started('C'), started('zh_CN.UTF-8')]);
  expect([english.code, chinese.code]).toEqual([3, 3]);
  expect(english.err).toMatch(new RegExp(`^error: [^\\n]+ \\[${code}\\]\\nadvice: [^\\n]+\\n$`));
  expect(chinese.err).toMatch(new RegExp(`^错误：[^\\n]*\\p{Script=Han}[^\\n]* \\[${code}\\]\\n建议：[^\\n]+\\n$`, 'u'));
});
