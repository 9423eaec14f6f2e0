// One vitest project per level: `unit` and `contract` are quick and need nothing; the others start real processes.
// `workspace` tests the repository's own rules and scripts.
import { defineConfig } from 'vitest/config';

const level = (name: string, include: string[], extra: object = {}) => ({
  resolve: { conditions: ['source'] },
  ssr: { resolve: { conditions: ['source'] } },
  test: { name, include, environment: 'node' as const, ...extra },
});

export default defineConfig({
  test: {
    projects: [
      level('workspace', ['scripts/test/**/*.test.mjs']),
      level('unit', ['packages/*/test/unit/**/*.test.ts']),
      level('contract', ['packages/*/test/contract/**/*.test.ts']),
      level('race', ['packages/*/test/race/**/*.test.ts']),
      level('simulation', ['packages/*/test/simulation/**/*.test.ts'], { testTimeout: 120_000, hookTimeout: 60_000 }),
      level('e2e', ['packages/*/test/e2e/**/*.test.ts'], { testTimeout: 60_000, hookTimeout: 60_000 }),
      level('sdk', ['packages/*/test/sdk/**/*.test.ts'], { testTimeout: 60_000, hookTimeout: 60_000 }),
    ],
  },
});
