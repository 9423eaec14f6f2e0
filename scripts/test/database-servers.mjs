/**
 * The database servers that the tests of the stores run on: the one that an environment variable names, else one that
 * listens at its usual port of this machine, else one of their own, started from an installed program and ended with the
 * tests. `start` as the variable's value asks for the last.
 *
 * Also vitest's global set-up of the project `stores`.
 */

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync, chownSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

const START_MS = 30_000;

/** Where Debian keeps PostgreSQL's programs, the newest first. */
const VERSIONED = '/usr/lib/postgresql';
const versioned = () =>
  existsSync(VERSIONED)
    ? readdirSync(VERSIONED)
        .sort((a, b) => Number(b) - Number(a))
        .map((version) => join(VERSIONED, version, 'bin'))
    : [];

/** The path of an installed program, or undefined. */
function program(name) {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', ...versioned()];
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
}

/** True when something listens there. In a process of its own, because requirements are looked at synchronously. */
function listens(port) {
  const script = `require('net').connect(${port}, '127.0.0.1').on('connect', () => process.exit(0)).on('error', () => process.exit(1))`;
  return spawnSync(process.execPath, ['-e', script], { timeout: 5000 }).status === 0;
}

/** A port of loopback that was free a moment ago. */
export async function freePort() {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address();
  probe.close();
  await once(probe, 'close');
  return port;
}

/** Both servers refuse to run as root: then as the user that their packages made. */
function asUser(name, folder) {
  if (process.getuid?.() !== 0) return {};
  const id = (flag) => Number(spawnSync('id', [flag, name], { encoding: 'utf8' }).stdout);
  const user = { uid: id('-u'), gid: id('-g') };
  chownSync(folder, user.uid, user.gid);
  return user;
}

function run(path, args, options) {
  const { status, stderr } = spawnSync(path, args, { ...options, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${path} failed (${status}): ${stderr}`);
}

/**
 * `launch` makes empty data and says how to start the server on it; `durable`: what it acknowledged outlives a kill and
 * a power cut, as MariaDB does without being asked.
 */
/** @typedef {{ variable: string, usual: { port: number, url: string }, programs: readonly string[], launch: (folder: string, port: number, options?: { durable?: boolean }) => { path: string, args: readonly string[], user: object, url: string } }} Server */

/** @type {Readonly<Record<'postgres' | 'mysql', Server>>} */
export const SERVERS = {
  postgres: {
    variable: 'ZHONGKONG_TEST_POSTGRES',
    usual: { port: 5432, url: 'postgres://postgres@127.0.0.1:5432/postgres' },
    programs: ['initdb', 'postgres'],
    launch(folder, port, { durable = false } = {}) {
      const user = asUser('postgres', folder);
      const data = join(folder, 'data');
      run(program('initdb'), ['-D', data, '-A', 'trust', '-U', 'postgres', '-E', 'UTF8', '--no-sync'], { ...user, cwd: folder });
      const args = ['-D', data, '-p', String(port), '-k', folder, '-c', 'listen_addresses=127.0.0.1'];
      if (!durable) args.push('-c', 'fsync=off');
      return { path: program('postgres'), args, user, url: `postgres://postgres@127.0.0.1:${port}/postgres` };
    },
  },
  mysql: {
    variable: 'ZHONGKONG_TEST_MYSQL',
    usual: { port: 3306, url: 'mysql://root@127.0.0.1:3306/mysql' },
    programs: ['mariadb-install-db', 'mariadbd'],
    launch(folder, port) {
      const user = asUser('mysql', folder);
      const data = join(folder, 'data');
      const none = ['--no-defaults', `--datadir=${data}`];
      run(program('mariadb-install-db'), [...none, '--auth-root-authentication-method=normal', '--skip-test-db'], { ...user, cwd: folder });
      const args = [
        ...none,
        `--port=${port}`,
        '--bind-address=127.0.0.1',
        `--socket=${join(folder, 'socket')}`,
        `--pid-file=${join(folder, 'pid')}`,
      ];
      return { path: program('mariadbd'), args, user, url: `mysql://root@127.0.0.1:${port}/mysql` };
    },
  },
};

/** Whether one of our own can be started. */
export const installed = ({ programs }) => programs.every((name) => program(name) !== undefined);

/** Whether the tests can have this server. */
export function present(server) {
  const given = process.env[server.variable];
  if (given !== undefined && given !== 'start') return true;
  return (given === undefined && listens(server.usual.port)) || installed(server);
}

/** Sets the variable to a server that runs; returns how to end what was started for it. */
async function provide({ variable, usual, launch }) {
  const given = process.env[variable];
  if (given !== undefined && given !== 'start') return async () => undefined;
  if (given === undefined && listens(usual.port)) {
    process.env[variable] = usual.url;
    return async () => undefined;
  }
  const folder = mkdtempSync(join(tmpdir(), 'zhongkong-db-'));
  const port = await freePort();
  const { path, args, user, url } = launch(folder, port);
  const child = spawn(path, args, { ...user, cwd: folder, stdio: 'ignore' });
  const giveUpAt = performance.now() + START_MS;
  while (!listens(port)) {
    if (child.exitCode !== null || performance.now() > giveUpAt) throw new Error(`${path} did not start (exit code ${child.exitCode})`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  process.env[variable] = url;
  return async () => {
    child.kill('SIGQUIT');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    rmSync(folder, { recursive: true, force: true });
  };
}

/** For vitest: before the first test of the project, and after the last. */
export async function setup() {
  const ends = [];
  // A server that cannot be had leaves its tests out before they get here (`requirements.mjs`).
  for (const server of Object.values(SERVERS)) if (present(server)) ends.push(await provide(server));
  return async () => {
    for (const end of ends.reverse()) await end();
  };
}
