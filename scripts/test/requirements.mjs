/**
 * Parts of the tests that need a program which may not be there. Each is one row: which test files, how to see whether
 * the program is there, and the command that installs it.
 *
 * `npm test` leaves such files out by name when the program is missing; with ZHONGKONG_REQUIRE=all that is a failure.
 */

import { spawnSync } from 'node:child_process';
import { installed, present, SERVERS } from './database-servers.mjs';

/** True when the program starts; its exit code says nothing about being installed. */
export const starts = (command, ...args) => spawnSync(command, args, { stdio: 'ignore' }).error === undefined;

/**
 * @typedef {{ name: string, files: readonly string[], present: () => boolean, install: string }} Requirement
 * `files` are globs from the repository root.
 */

/** @type {readonly Requirement[]} */
export const REQUIREMENTS = [
  {
    name: 'Redis store (starts servers of its own)',
    files: ['packages/server/test/stores/redis*.test.ts'],
    present: () => starts('redis-server', '--version'),
    install: 'apt-get install redis-server',
  },
  {
    name: 'stores on PostgreSQL',
    files: ['packages/server/test/stores/postgres*.test.ts'],
    present: () => present(SERVERS.postgres),
    install: 'apt-get install postgresql (a server of its own is started), or set ZHONGKONG_TEST_POSTGRES to the URL of a superuser',
  },
  {
    name: 'stores on MariaDB or MySQL',
    files: ['packages/server/test/stores/mysql*.test.ts'],
    present: () => present(SERVERS.mysql),
    install: 'apt-get install mariadb-server (a server of its own is started), or set ZHONGKONG_TEST_MYSQL to the URL of a superuser',
  },
  {
    name: 'servers behind HAProxy and nginx',
    files: ['packages/server/test/stores/postgres-behind-proxies.test.ts'],
    // Debian keeps them where only root looks.
    present: () => ['haproxy', 'nginx'].every((name) => starts(name, '-v') || starts(`/usr/sbin/${name}`, '-v')),
    install: 'apt-get install haproxy nginx-light',
  },
  // Fault runs kill their store: always one of their own.
  {
    name: 'fault runs on PostgreSQL',
    files: ['faults/test/runs/postgres.test.mjs'],
    present: () => installed(SERVERS.postgres),
    install: 'apt-get install postgresql',
  },
  {
    name: 'fault runs on MariaDB',
    files: ['faults/test/runs/mysql.test.mjs'],
    present: () => installed(SERVERS.mysql),
    install: 'apt-get install mariadb-server',
  },
  {
    name: 'fault runs on Redis',
    files: ['faults/test/runs/redis.test.mjs'],
    present: () => starts('redis-server', '--version'),
    install: 'apt-get install redis-server',
  },
];
