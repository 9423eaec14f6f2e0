/**
 * Is dist/ built from the sources that are there? If not, `tsc -b`.
 *
 * A stamp holds the path, size and mtime of every input (sources, tsconfigs, manifests, lock file); reading them takes
 * milliseconds, while even an idle `tsc -b` takes half a second. A wrong "stale" costs one incremental `tsc -b`.
 */

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { SetupFailure } from './failure.mjs';
import { workspaces } from './install.mjs';

const STAMP = 'node_modules/.zhongkong/build';
const SHARED_INPUTS = ['package.json', 'package-lock.json', 'tsconfig.json', 'tsconfig.base.json'];

const filesUnder = (root, folder) =>
  !existsSync(join(root, folder))
    ? []
    : readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath ?? entry.path, entry.name));

/** Workspaces that `tsc -b` builds. */
const built = (root) => workspaces(root).filter((path) => existsSync(join(root, path, 'tsconfig.json')));

function fingerprint(root) {
  const hash = createHash('sha256').update(`${process.platform} ${process.arch}\n`);
  const packages = built(root);
  const inputs = [
    ...SHARED_INPUTS.map((path) => join(root, path)),
    ...packages.flatMap((path) => [
      join(root, path, 'package.json'),
      join(root, path, 'tsconfig.json'),
      ...filesUnder(root, `${path}/src`),
    ]),
  ];
  for (const path of inputs.sort((a, b) => (a < b ? -1 : 1))) {
    const { size, mtimeMs } = statSync(path);
    hash.update(`${path}\0${size}\0${mtimeMs}\n`);
  }
  return hash.digest('hex');
}

/** @param {string} root */
export function buildIsCurrent(root) {
  const stamp = join(root, STAMP);
  return (
    existsSync(stamp) &&
    built(root).every((path) => existsSync(join(root, path, 'dist/.tsbuildinfo'))) &&
    readFileSync(stamp, 'utf8') === fingerprint(root)
  );
}

/** tsc never deletes: what a removed source left behind in dist would still be found by an import. */
function removeOrphans(root) {
  for (const path of built(root)) {
    for (const file of filesUnder(root, `${path}/dist`)) {
      if (!/\.(js|d\.ts|js\.map)$/.test(file)) continue;
      const source = file.replace(join(root, path, 'dist'), join(root, path, 'src')).replace(/\.(d\.ts|js|js\.map)$/, '.ts');
      if (!existsSync(source)) rmSync(file);
    }
  }
}

/** @param {string} root */
export function build(root) {
  const started = Date.now();
  console.error('Building… / 正在构建…');
  // Taken before the compile: a source saved meanwhile makes the next run build again.
  const stamp = fingerprint(root);
  const result = spawnSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-b'], { cwd: root, encoding: 'utf8' });
  if (result.status !== 0) {
    throw new SetupFailure(
      'The build failed: the sources have type errors (above).',
      '构建失败：源码存在类型错误（见上）。',
      `${result.stdout}${result.stderr}${result.error?.message ?? ''}`,
    );
  }
  removeOrphans(root);
  mkdirSync(dirname(join(root, STAMP)), { recursive: true });
  writeFileSync(join(root, STAMP), stamp);
  console.error(`Built in ${((Date.now() - started) / 1000).toFixed(1)} s.`);
}
