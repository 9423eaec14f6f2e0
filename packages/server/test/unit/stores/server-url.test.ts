/** The URL of a database server: what it means, what is refused, and that no message shows a secret. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { ZhongkongError } from '../../../src/core/errors.ts';
import { storePlace } from '../../../src/stores/place.ts';
import { MYSQL, parseServerUrl, POSTGRES } from '../../../src/stores/sql/server-url.ts';

const postgres = (rest: string) => parseServerUrl(`postgres:${rest}`, POSTGRES);

function refusalOf(rest: string): string {
  try {
    postgres(rest);
  } catch (error) {
    if (!(error instanceof ZhongkongError)) throw error;
    expect(error.code).toBe('config_invalid');
    expect(error.advice.zh).toMatch(/百分号编码/);
    expect(`${error.message} ${error.advice.en}`).not.toMatch(/hunter2|secretuser/);
    return error.message;
  }
  throw new Error('not refused');
}

test('all of it, percent-encoded', () => {
  expect(postgres('//u%40x:p%23%2F%3A@db.example:6543/zk%20db?sslmode=disable&connections=25')).toEqual({
    ...{ host: 'db.example', port: 6543, socket: null, user: 'u@x', password: 'p#/:', database: 'zk db' },
    ...{ tls: null, connections: 25, place: 'PostgreSQL at db.example:6543/zk db' },
  });
});

test('what is left out', () => {
  expect(postgres('//u@[::1]/zk')).toMatchObject({ host: '::1', port: 5432, password: '', tls: null, connections: 10 });
  expect(parseServerUrl('mysql://u@h/zk', MYSQL)).toMatchObject({ port: 3306, place: 'MySQL at h:3306/zk' });
  expect(postgres('//u@localhost/zk?host=/run/postgresql')).toMatchObject({
    socket: '/run/postgresql',
    place: 'PostgreSQL at /run/postgresql/zk',
  });
});

describe('TLS', () => {
  const folder = mkdtempSync(join(tmpdir(), 'zhongkong-'));
  const ca = join(folder, 'ca.pem');
  writeFileSync(ca, 'a certificate');

  test.each([
    ['disable', '', null],
    ['require', '', { rejectUnauthorized: false }],
    ['require', `&sslrootcert=${ca}`, { ca: 'a certificate', rejectUnauthorized: true, checkServerIdentity: expect.any(Function) }],
    ['verify-ca', '', { rejectUnauthorized: true, checkServerIdentity: expect.any(Function) }],
    ['verify-full', '', { rejectUnauthorized: true }],
    ['verify-full', `&sslrootcert=${ca}`, { ca: 'a certificate', rejectUnauthorized: true }],
  ])('%s%s', (mode, more, tls) => {
    onTestFinished(() => rmSync(join(folder, 'nothing'), { force: true }));
    expect(postgres(`//u@h/zk?sslmode=${mode}${more}`).tls).toEqual(tls);
  });
});

test.each([
  ['//secretuser:hunter2@h:99999/zk', 'this is no URL of a PostgreSQL database'],
  ['//secretuser:hunter2@h', 'the URL must end in the name of one database'],
  ['//secretuser:hunter2@h/', 'the URL must end in the name of one database'],
  ['//secretuser:hunter2@h/a/b', 'the URL must end in the name of one database'],
  ['//h/zk', 'the URL names no user'],
  ['//secretuser:hunter2@/zk', 'this is no URL of a PostgreSQL database'],
  ['//secretuser:hunter2%@h/zk', 'the password in the URL is not percent-encoded'],
  ['//secretuser:hunter2@h/zk#hunter2', 'a "#" must be percent-encoded as %23'],
  ['//secretuser:hunter2@h/zk?sslMode=require', '"sslMode" is no parameter of the URL; known: sslmode, sslrootcert, host, connections'],
  ['//secretuser@h/zk?password%20hunter2%20x=1', 'a name is no parameter of the URL; known: sslmode, sslrootcert, host, connections'],
  ['//secretuser@h/zk?sslmode=hunter2', 'sslmode must be one of disable, require, verify-ca, verify-full'],
  ['//secretuser@h/zk?sslmode=require&sslmode=disable', 'the URL has "sslmode" twice'],
  ['//secretuser@h/zk?sslrootcert=/x', 'sslrootcert needs a sslmode that uses TLS'],
  ['//secretuser@h/zk?sslmode=require&sslrootcert=/nowhere/hunter2', 'the file that sslrootcert names cannot be read (ENOENT)'],
  ['//secretuser@h/zk?connections=1', '"connections" must be a whole number from 2 to 200'],
  ['//secretuser@h/zk?connections=1e9', '"connections" must be a whole number from 2 to 200'],
  ['//secretuser@h/zk?host=/run', 'with a socket in "host", the host before the path must be localhost'],
  ['//secretuser@localhost/zk?host=run', '"host" must be the absolute path of a Unix socket'],
])('%s is refused', (rest, what) => {
  expect(refusalOf(rest)).toBe(`store: ${what}`);
});

test.each([
  ['sqlite:/x/y.db', '/x/y.db'],
  ['memory:', 'memory:'],
  ['redis://u:hunter2@h/3?prefix=p', 'redis://h:6379/3'],
  ['redis://u:hunter2@h/nonsense', 'redis:'],
  ['PostgreSQL://u:hunter2@h/zk?sslmode=require', 'PostgreSQL at h:5432/zk'],
  ['mariadb://u:hunter2@h/zk', 'MySQL at h:3306/zk'],
  ['mysql://hunter2', 'mysql:'],
])('people are told of %s that it is %s', (url, place) => {
  expect(storePlace(url)).toBe(place);
});
