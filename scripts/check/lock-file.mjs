/**
 * package-lock.json must install anywhere: no download addresses, binaries of every system, and in step with the manifests.
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SetupFailure } from '../setup/failure.mjs';
import { installState } from '../setup/install.mjs';

/** Packages whose binaries are optional packages per system: the lock file must have them for all of these. */
const SYSTEMS = ['linux-x64', 'linux-arm64', 'darwin-arm64', 'win32-x64'];

/** @param {Record<string, any>} packages the lock file's `packages` @returns {string[]} */
export function lockProblems(packages) {
  const entries = Object.entries(packages).filter(([path]) => path.includes('node_modules/'));
  if (entries.length === 0) return ['package-lock.json lists no packages'];
  const problems = entries
    .filter(([, entry]) => entry.resolved !== undefined && !entry.link)
    .map(([path]) => `${path} has a download address: set omit-lockfile-registry-resolved=true in .npmrc and write the lock file again`);
  for (const [path, entry] of entries) {
    for (const name of Object.keys(entry.optionalDependencies ?? {})) {
      // Only those named after a system; "fsevents" and the like are left out by npm on purpose.
      if (!SYSTEMS.some((system) => name.includes(system))) continue;
      if (packages[`${path}/node_modules/${name}`] ?? packages[`node_modules/${name}`]) continue;
      problems.push(`${path} needs ${name} on another system, but the lock file lacks it: delete node_modules, then "npm install"`);
    }
  }
  return problems;
}

/** @param {string} root @returns {string[]} */
export function checkLockFile(root) {
  try {
    installState(root, { dev: true });
  } catch (error) {
    if (error instanceof SetupFailure) return [error.message];
    throw error;
  }
  return lockProblems(JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages);
}
