/**
 * `npm run bench` runs all benchmarks, `npm run bench -- NAME` one of them.
 *
 * Each takes under a minute (those that do not run only when they are named), runs on loopback only, puts its peers beside us in the same run and prints ratios, because
 * absolute rates drift between machines and moments. Results go to `bench/results/NAME.json` as well.
 */

import { writeResults } from './lib/report.mjs';

const BENCHES = {
  'token-read': () => import('./token-read.mjs'),
  refresh: () => import('./refresh.mjs'),
  stores: () => import('./stores.mjs'),
  'redis-writes': () => import('./redis-writes.mjs'),
  'start-up': () => import('./start-up.mjs'),
  scale: () => import('./scale.mjs'),
  moving: () => import('./moving.mjs'),
};
/** Run only when named, and why. */
const ON_DEMAND = { scale: 'fills a PostgreSQL with a million accounts: minutes, and some GB of disk' };

const asked = process.argv.slice(2).filter((word) => word !== '--');
const unknown = asked.filter((name) => !Object.hasOwn(BENCHES, name));
if (unknown.length > 0) {
  process.stderr.write(`unknown: ${unknown.join(', ')}; there are ${Object.keys(BENCHES).join(', ')}\n`);
  process.exit(2);
}

for (const name of asked.length > 0 ? asked : Object.keys(BENCHES)) {
  const startedAt = performance.now();
  process.stdout.write(`\n${name}\n`);
  if (asked.length === 0 && Object.hasOwn(ON_DEMAND, name)) {
    process.stdout.write(`  skipped: ${ON_DEMAND[name]}; npm run bench -- ${name}\n`);
    continue;
  }
  const { run } = await BENCHES[name]();
  const results = await run();
  const file = await writeResults(name, results);
  process.stdout.write(`${((performance.now() - startedAt) / 1000).toFixed(0)} s, written to ${file}\n`);
}
