/**
 * `npm run simulate`: compiles the simulation with the core it judges, then runs it. docs/simulation.md says what it is.
 *
 * Its compiled form stays out of the published build: packages/server/simulation/dist.
 */

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../', import.meta.url));
const built = spawnSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'packages/server/simulation'], {
  cwd: ROOT,
  stdio: 'inherit',
});
if (built.status !== 0) process.exit(1);
await import('../packages/server/simulation/dist/simulation/main.js');
