/**
 * The order of a set-up: look (milliseconds) → take the lock only when something is stale → look again → install → build.
 *
 * Everything is printed to stderr: stdout belongs to the command that follows (`demo --json` prints one line there).
 */

import { fileURLToPath } from 'node:url';
import { build, buildIsCurrent } from './build.mjs';
import { install, installState } from './install.mjs';
import { withLock } from './lock.mjs';
import { SetupFailure } from './failure.mjs';

export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

const current = (root, dev) => installState(root, { dev }).current && buildIsCurrent(root);

/** @param {{ dev: boolean, root?: string }} options */
export async function setUp({ dev, root = ROOT }) {
  try {
    if (current(root, dev)) return;
    await withLock(root, () => {
      // Another set-up may have done the work while this one waited.
      const state = installState(root, { dev });
      if (!state.current) install(root, state);
      if (!buildIsCurrent(root)) build(root);
    });
  } catch (error) {
    if (!(error instanceof SetupFailure)) throw error;
    console.error(`\n${error.message}`);
    process.exitCode = 1;
    // `node setup.mjs && next` must not go on; exitCode alone does that, the explicit exit drops open handles.
    process.exit();
  }
}
