// One vitest project per level: `unit` and `contract` are quick and need nothing; the others start real processes, and
// `stores` needs database servers (`scripts/test/database-servers.mjs`).
// `workspace` tests the repository's own rules and scripts, and the judge of the fault runs.
import { defineConfig } from 'vitest/config';

/** No test sleeps; the bounds are for the slowest machine, so that a busy one fails nothing. */
const level = (name: string, include: string[], boundMs = 30_000, more: object = {}) => ({
  resolve: { conditions: ['source'] },
  ssr: { resolve: { conditions: ['source'] } },
  test: { name, include, environment: 'node' as const, testTimeout: boundMs, hookTimeout: boundMs, ...more },
});

export default defineConfig({
  test: {
    projects: [
      level('workspace', ['scripts/test/**/*.test.mjs', 'faults/test/*.test.mjs']),
      level('unit', ['packages/*/test/unit/**/*.test.ts']),
      level('contract', ['packages/*/test/contract/**/*.test.ts']),
      level('stores', ['packages/*/test/stores/**/*.test.ts'], 60_000, { globalSetup: './scripts/test/database-servers.mjs' }),
      level('race', ['packages/*/test/race/**/*.test.ts']),
      level('simulation', ['packages/*/test/simulation/**/*.test.ts'], 120_000),
      level('e2e', ['packages/*/test/e2e/**/*.test.ts'], 60_000),
      level('sdk', ['packages/*/test/sdk/**/*.test.ts'], 60_000),
      // After all the others and one at a time: they measure what callers see while processes die.
      level('faults', ['faults/test/runs/*.test.mjs'], 480_000, { maxWorkers: 1, sequence: { groupOrder: 1 } }),
    ],
  },
});
