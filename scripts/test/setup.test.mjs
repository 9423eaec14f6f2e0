/** The set-up's decisions, on folders made here: when is an install current, which level does it keep, who holds the lock. */

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { buildIsCurrent, build } from '../setup/build.mjs';
import { SetupFailure } from '../setup/failure.mjs';
import { installState } from '../setup/install.mjs';
import { LOCK_FOLDER, withLock } from '../setup/lock.mjs';
import { explainNpmFailure } from '../setup/npm-failure.mjs';

const OTHER_SYSTEM = process.platform === 'win32' ? 'linux' : 'win32';
const entry = (extra = {}) => ({ version: '1.0.0', integrity: 'sha512-x', ...extra });

/** What the lock file asks for: one package, one only for development, binaries of this and of another system. */
const LOCK = {
  '': { dependencies: { plain: '1' }, devDependencies: { tool: '1' } },
  'node_modules/plain': entry(),
  'node_modules/tool': entry({ dev: true }),
  'node_modules/native-here': entry({ optional: true, os: [process.platform], cpu: [process.arch] }),
  'node_modules/native-there': entry({ optional: true, os: [OTHER_SYSTEM] }),
  'node_modules/helper-of-native-there': entry({ optional: true }),
};
const HERE = ['plain', 'tool', 'native-here'];

let root = '';

const write = (path, value) => {
  mkdirSync(join(root, path, '..'), { recursive: true });
  writeFileSync(join(root, path), typeof value === 'string' ? value : JSON.stringify(value));
};
/** npm's own record of what is in node_modules. */
const installed = (names, extra = {}) => {
  const packages = Object.fromEntries(names.map((name) => [`node_modules/${name}`, LOCK[`node_modules/${name}`]]));
  write('node_modules/.package-lock.json', { packages: { ...packages, ...extra } });
};
const state = (dev) => installState(root, { dev });

beforeEach(() => {
  // A space in the path, as in many home folders.
  root = mkdtempSync(join(tmpdir(), 'zhongkong set-up '));
  write('package.json', { workspaces: ['packages/*'], dependencies: { plain: '1' }, devDependencies: { tool: '1' } });
  write('package-lock.json', { packages: LOCK });
  mkdirSync(join(root, 'packages'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

describe('is the install current?', () => {
  it('not in a fresh clone', () => {
    expect(state(false)).toMatchObject({ current: false, dev: false });
  });

  it('without development packages only for commands that need none', () => {
    installed(['plain', 'native-here']);
    expect(state(false)).toMatchObject({ current: true, dev: false });
    expect(state(true)).toMatchObject({ current: false, dev: true });
  });

  it('with everything for this system; what is for another one is not missed', () => {
    installed(HERE);
    expect(state(true).current).toBe(true);
    expect(state(false).current).toBe(true);
  });

  it("not with another version, other contents, or another system's binaries", () => {
    installed(HERE, { 'node_modules/plain': entry({ version: '0.9.0' }) });
    expect(state(true).current).toBe(false);
    installed(HERE, { 'node_modules/plain': entry({ integrity: 'sha512-y' }) });
    expect(state(true).current).toBe(false);
    installed(['plain', 'tool', 'native-there']);
    expect(state(true).current).toBe(false);
  });

  it('a stale tree that has development packages is installed with them again, whoever asks', () => {
    installed(['tool']);
    expect(state(false)).toMatchObject({ current: false, dev: true });
  });

  it('a manifest that the lock file does not know is named', () => {
    write('package.json', { workspaces: ['packages/*'], dependencies: { plain: '2' }, devDependencies: { tool: '1' } });
    expect(() => state(false)).toThrow(SetupFailure);
    expect(() => state(false)).toThrow(/package\.json was changed \("dependencies"\)/);
  });
});

describe('is the build current?', () => {
  beforeEach(() => {
    write('packages/one/package.json', {});
    write('package-lock.json', { packages: { ...LOCK, 'packages/one': {} } });
    for (const file of ['tsconfig.json', 'tsconfig.base.json', 'packages/one/tsconfig.json']) write(file, {});
    write('packages/one/src/a.ts', 'export {};');
    write('packages/one/src/b.ts', 'export {};');
    // A compiler that writes what tsc -b would: one file per source, and its own stamp.
    const compiler = `
      const fs = require('node:fs');
      fs.mkdirSync('packages/one/dist', { recursive: true });
      for (const name of fs.readdirSync('packages/one/src')) fs.writeFileSync('packages/one/dist/' + name.replace('.ts', '.js'), '');
      fs.writeFileSync('packages/one/dist/.tsbuildinfo', '');
    `;
    write('node_modules/typescript/bin/tsc', compiler);
  });

  it('not before it was built, then yes, until a source changes, appears or goes', () => {
    expect(buildIsCurrent(root)).toBe(false);
    build(root);
    expect(buildIsCurrent(root)).toBe(true);

    utimesSync(join(root, 'packages/one/src/a.ts'), 1, 1);
    expect(buildIsCurrent(root)).toBe(false);
    build(root);
    write('packages/one/src/c.ts', 'export {};');
    expect(buildIsCurrent(root)).toBe(false);
    build(root);
    expect(buildIsCurrent(root)).toBe(true);

    rmSync(join(root, 'packages/one/src/b.ts'));
    expect(buildIsCurrent(root)).toBe(false);
    build(root);
    expect(readdirSync(join(root, 'packages/one/dist')).filter((name) => name.endsWith('.js'))).toEqual(['a.js', 'c.js']);
  });

  it('not when dist was deleted', () => {
    build(root);
    rmSync(join(root, 'packages/one/dist'), { recursive: true });
    expect(buildIsCurrent(root)).toBe(false);
  });

  it('a failing compiler is told with its own words', () => {
    write('node_modules/typescript/bin/tsc', 'console.log("error TS1234"); process.exitCode = 2;');
    expect(() => build(root)).toThrow(/TS1234[\s\S]*构建失败/);
    expect(buildIsCurrent(root)).toBe(false);
  });
});

describe('the lock', () => {
  it('lets one in at a time, in a row', async () => {
    const order = [];
    const work = (name) => async () => {
      order.push(`${name} in`);
      await new Promise(setImmediate);
      order.push(`${name} out`);
    };
    await Promise.all([withLock(root, work('a'), 1), withLock(root, work('b'), 1)]);
    expect(order).toEqual(['a in', 'a out', 'b in', 'b out']);
    expect(existsSync(join(root, LOCK_FOLDER))).toBe(false);
  });

  it('is released when the work fails', async () => {
    await expect(withLock(root, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(existsSync(join(root, LOCK_FOLDER))).toBe(false);
  });

  it('is taken over from a process that is gone', async () => {
    const { pid } = spawnSync(process.execPath, ['--version']);
    write(`${LOCK_FOLDER}/pid`, String(pid));
    let worked = false;
    await withLock(root, () => {
      worked = true;
    });
    expect(worked).toBe(true);
    expect(readdirSync(root).filter((name) => name.startsWith(LOCK_FOLDER))).toEqual([]);
  });
});

describe('what npm said', () => {
  it.each([
    ['npm error code ENOTFOUND', 'registry'],
    ['npm error code ENOSPC', 'disk is full'],
    ['npm error code EACCES', 'may not write'],
    ['npm error code EINTEGRITY', 'npm cache verify'],
    ['npm error code E404', 'mirror may lag'],
    ['npm error code SELF_SIGNED_CERT_IN_CHAIN', 'NODE_EXTRA_CA_CERTS'],
    ['something else', 'npm ci'],
  ])('%s: shown, and then what to do about it', (output, advice) => {
    const { message } = explainNpmFailure({ stderr: output });
    expect(message.startsWith(output)).toBe(true);
    expect(message).toContain(advice);
    expect(message).toMatch(/[一-鿿]/);
  });

  it('no npm at all', () => {
    const error = Object.assign(new Error('spawn npm ENOENT'), { code: 'ENOENT' });
    expect(explainNpmFailure({ error }).message).toContain('npm was not found');
  });
});

it('the first file of the set-up has no syntax or import that an old Node cannot load', () => {
  const file = fileURLToPath(new URL('../setup.mjs', import.meta.url));
  const old = `Object.defineProperty(process, 'versions', { value: { node: '18.20.0' } }); Object.defineProperty(process, 'version', { value: 'v18.20.0' });`;
  const run = spawnSync(process.execPath, ['--input-type=module', '-e', `${old} await import(${JSON.stringify(file)});`], {
    encoding: 'utf8',
  });
  expect(run.status).toBe(1);
  expect(run.stderr).toMatch(/needs Node 20\.19 or newer; this is v18\.20\.0[\s\S]*请升级 Node/);
});
