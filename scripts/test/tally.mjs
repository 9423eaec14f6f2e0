/**
 * From vitest's JSON report to the closing line. Pure, so that the rule "a skip is a failure when asked" has a test.
 */

import { relative } from 'node:path';

/** `packages/server/test/unit/x.test.ts` → `server/unit`; `scripts/test/x.test.mjs` → `workspace`. */
function levelOf(path) {
  const match = /^packages\/([^/]+)\/test\/([^/]+)\//.exec(path);
  return match ? `${match[1]}/${match[2]}` : 'workspace';
}

/**
 * @param {any} report vitest's JSON report, or null when there is none
 * @param {string} root
 */
export function tally(report, root) {
  const counts = { passed: 0, failed: 0 };
  const skipped = [];
  const levels = new Map();
  for (const file of report?.testResults ?? []) {
    const path = relative(root, file.name).replaceAll('\\', '/');
    for (const test of file.assertionResults) {
      if (test.status === 'passed') counts.passed += 1;
      else if (test.status === 'failed') counts.failed += 1;
      else skipped.push(`${path}: ${test.fullName}`);
      levels.set(levelOf(path), (levels.get(levelOf(path)) ?? 0) + 1);
    }
    // A file that could not be loaded has no tests to count; it counts as one that failed.
    const anyFailed = file.assertionResults.some((test) => test.status === 'failed');
    if (file.status === 'failed' && !anyFailed) counts.failed += 1;
  }
  return { ...counts, skipped, levels };
}

/**
 * @param {{ passed: number, failed: number, skipped: readonly string[], levels: Map<string, number>,
 *   missing: readonly { name: string, install: string }[], vitestOk: boolean, strict: boolean }} input
 */
export function summarize({ passed, failed, skipped, levels, missing, vitestOk, strict }) {
  const skips = [...missing.map(({ name, install }) => `${name} (install: ${install})`), ...skipped];
  const lines = ['', `ran: ${[...levels].map(([level, count]) => `${level} ${count}`).join(', ') || 'nothing'}`];
  for (const skip of skips) lines.push(`${strict ? 'required but skipped' : 'skipped'}: ${skip}`);
  // vitest also fails for errors outside of tests (an unhandled rejection); no test carries those.
  const stray = !vitestOk && failed === 0 && passed > 0 ? 1 : 0;
  if (stray) lines.push('vitest reported an error outside of any test (above)');
  const failures = failed + stray + (strict ? skips.length : 0) + (passed + failed + stray === 0 ? 1 : 0);
  return { lines, closing: `${passed} passed, ${failures} failed, ${strict ? 0 : skips.length} skipped`, ok: failures === 0 };
}
