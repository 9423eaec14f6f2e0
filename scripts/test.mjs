/**
 * `npm test`: every vitest project, with one closing line `N passed, N failed, N skipped`.
 *
 * Arguments are handed to vitest (`npm test -- --project unit keeper`). What a missing program makes impossible is left
 * out by name; ZHONGKONG_REQUIRE=all (CI) turns every skip into a failure. A run that found no test fails.
 */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { summarize, tally } from './test/tally.mjs';
import { REQUIREMENTS } from './test/requirements.mjs';

const ROOT = fileURLToPath(new URL('../', import.meta.url));
const REQUIRE = process.env.ZHONGKONG_REQUIRE ?? '';
if (REQUIRE !== '' && REQUIRE !== 'all') {
  console.error(`ZHONGKONG_REQUIRE may be "all" or empty; it is "${REQUIRE}".`);
  process.exit(2);
}

const missing = REQUIREMENTS.filter((requirement) => !requirement.present());
const left = missing.flatMap((requirement) => requirement.files).flatMap((glob) => ['--exclude', glob]);
const folder = mkdtempSync(join(tmpdir(), 'zhongkong-test-'));
const report = join(folder, 'report.json');

const args = ['run', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`, ...left, ...process.argv.slice(2)];
const run = spawnSync(process.execPath, ['node_modules/vitest/vitest.mjs', ...args], {
  cwd: ROOT,
  stdio: ['ignore', 'inherit', 'inherit'],
});

let result = null;
try {
  result = JSON.parse(readFileSync(report, 'utf8'));
} catch (error) {
  console.error(`vitest left no report: ${error.message}`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

const { lines, closing, ok } = summarize({ ...tally(result, ROOT), missing, vitestOk: run.status === 0, strict: REQUIRE === 'all' });
for (const text of lines) console.log(text);
console.log(closing);
process.exitCode = ok ? 0 : 1;
