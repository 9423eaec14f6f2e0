/**
 * Is what package-lock.json asks for installed? If not, `npm ci`.
 *
 * The truth is npm's own record in node_modules/.package-lock.json (written last, so an interrupted install has none):
 * it is compared with the lock file, so an install that someone made by hand counts too. A tree that has
 * devDependencies is only ever reinstalled with them: a demo after a test never takes the test tools away.
 */

import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SetupFailure } from './failure.mjs';
import { explainNpmFailure } from './npm-failure.mjs';

const RECORD = 'node_modules/.package-lock.json';
/** Binary packages that npm could not install for this lock file: not tried again until the lock file changes. */
const ACCEPTED = 'node_modules/.zhongkong-accepted.json';
const DEPENDENCY_FIELDS = ['dependencies', 'devDependencies', 'optionalDependencies', 'peerDependencies'];

const readJson = (path) => JSON.parse(readFileSync(path, 'utf8'));
const readJsonIfThere = (path) => (existsSync(path) ? readJson(path) : null);

const isMusl = () => process.platform === 'linux' && !process.report.getReport().header.glibcVersionRuntime;

function listAllows(list, value) {
  if (!list) return true;
  if (list.includes(`!${value}`)) return false;
  return list.every((entry) => entry.startsWith('!')) || list.includes(value);
}

/** Does this entry of the lock file belong on this machine, in an install of this level? */
function wanted(entry, dev) {
  if (entry.link || (entry.dev && !dev)) return false;
  // Optional and for every machine = a dependency of a binary package for another machine, which npm leaves out as well.
  if (entry.optional && !entry.os && !entry.cpu) return false;
  if (!listAllows(entry.os, process.platform) || !listAllows(entry.cpu, process.arch)) return false;
  return !entry.libc || listAllows(entry.libc, isMusl() ? 'musl' : 'glibc');
}

function missing(lock, record, dev) {
  const installed = record?.packages ?? {};
  return Object.entries(lock.packages)
    .filter(([path, entry]) => (path.startsWith('node_modules/') || path.includes('/node_modules/') ? wanted(entry, dev) : false))
    .filter(([path, entry]) => installed[path]?.version !== entry.version || installed[path]?.integrity !== entry.integrity)
    .map(([path]) => path);
}

/** Workspaces of the root package.json; only the form `folder/*` is used here. */
export function workspaces(root) {
  return (readJson(join(root, 'package.json')).workspaces ?? []).flatMap((pattern) => {
    const folder = pattern.replace(/\/\*$/, '');
    return readdirSync(join(root, folder))
      .map((name) => `${folder}/${name}`)
      .filter((path) => existsSync(join(root, path, 'package.json')));
  });
}

/** `npm ci` refuses a lock file that disagrees with a package.json; say which one, before a download. */
function assertLockAgrees(root, lock) {
  for (const path of ['', ...workspaces(root)]) {
    const manifest = readJson(join(root, path, 'package.json'));
    const locked = lock.packages[path] ?? {};
    for (const field of DEPENDENCY_FIELDS) {
      const canonical = (map) => JSON.stringify(Object.entries(map ?? {}).sort(([a], [b]) => (a < b ? -1 : 1)));
      if (canonical(manifest[field]) === canonical(locked[field])) continue;
      const file = path === '' ? 'package.json' : `${path}/package.json`;
      throw new SetupFailure(
        `${file} was changed ("${field}") but package-lock.json was not. Run "npm install" once.`,
        `${file} 的 “${field}” 已修改，但 package-lock.json 没有同步。请先运行一次 “npm install”。`,
      );
    }
  }
}

/**
 * @param {string} root @param {{ dev: boolean }} options
 * @returns {{ current: boolean, dev: boolean, lock: any }}
 */
export function installState(root, { dev }) {
  const lock = readJson(join(root, 'package-lock.json'));
  assertLockAgrees(root, lock);
  const record = readJsonIfThere(join(root, RECORD));
  const hasDev = Object.values(record?.packages ?? {}).some((entry) => entry.dev);
  const absent = missing(lock, record, dev || hasDev);
  const accepted = new Set(readJsonIfThere(join(root, ACCEPTED)) ?? []);
  const current = absent.every((path) => lock.packages[path].optional && accepted.has(`${path} ${lock.packages[path].integrity}`));
  return { current, dev: dev || hasDev, lock };
}

/** The npm that runs us when there is one (right on Windows and under version managers), else the one on the PATH. */
function npm(root, args) {
  const script = process.env.npm_execpath;
  const viaScript = script !== undefined && /npm-cli\.[cm]?js$/.test(script) && existsSync(script);
  return spawnSync(viaScript ? process.execPath : 'npm', viaScript ? [script, ...args] : args, {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    stdio: ['ignore', 'pipe', 'pipe'],
    shell: !viaScript && process.platform === 'win32',
  });
}

/** @param {string} root @param {ReturnType<typeof installState>} state */
export function install(root, state) {
  const started = Date.now();
  console.error(`Installing dependencies${state.dev ? ' (with test tools)' : ''}… / 正在安装依赖…`);
  // --include=dev also overrules NODE_ENV=production and a user's own omit setting. No dependency needs an install script.
  const result = npm(root, [
    'ci',
    state.dev ? '--include=dev' : '--omit=dev',
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
  ]);
  if (result.error || result.status !== 0) throw explainNpmFailure(result);

  const record = readJsonIfThere(join(root, RECORD));
  const absent = missing(state.lock, record, state.dev);
  const required = absent.filter((path) => !state.lock.packages[path].optional);
  if (required.length > 0) {
    throw new SetupFailure(
      `npm finished, but these packages are not installed: ${required.join(', ')}. Delete node_modules and run the command again.`,
      `npm 已执行完毕，但以下依赖没有装上：${required.join(', ')}。请删除 node_modules 后重试。`,
    );
  }
  if (absent.length > 0) {
    writeFileSync(join(root, ACCEPTED), JSON.stringify(absent.map((path) => `${path} ${state.lock.packages[path].integrity}`)));
  }
  console.error(`Installed in ${((Date.now() - started) / 1000).toFixed(1)} s.`);
}
