/**
 * `npm run check`: everything that can be known without starting a server. Under a minute.
 *
 * Steps run side by side, as many as there are cores (at least two); a step's output is shown only when it fails.
 * A step that inspected nothing fails: a linter pointed at an empty list is green and worthless.
 */

import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { checkLinks } from './check/links.mjs';
import { checkLockFile } from './check/lock-file.mjs';
import { projectFiles } from './check/project-files.mjs';
import { checkQuotes } from './check/quoted-files.mjs';
import { checkText } from './check/text-rules.mjs';

const ROOT = fileURLToPath(new URL('../', import.meta.url));

/** Runs a script of an installed package, or a command when `args` is all there is. */
function run(file, args) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [file, ...args], { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text));
    child.on('error', (error) => resolve({ ok: false, output: `${output}${error.message}` }));
    child.on('close', (code) => resolve({ ok: code === 0, output }));
  });
}

const tool = (path, ...args) => run(`node_modules/${path}`, args);

/** Turns a green run into a red one unless `pattern`'s first group says that at least `least` files were looked at. */
function inspectedAtLeast(result, pattern, least) {
  const count = Number(pattern.exec(result.output)?.[1] ?? 0);
  if (!result.ok || count >= least) return result;
  return { ok: false, output: `${result.output}\nlooked at ${count} files, expected at least ${least}: is its configuration wrong?` };
}

const files = projectFiles(ROOT);
const sources = files.filter((path) => /\.(ts|mjs)$/.test(path)).length;
const report = (problems) => ({ ok: problems.length === 0, output: problems.join('\n') });

/** Of a failing step's output; enough to see what is wrong. */
const SHOWN_LINES = 100;

/** The slowest first. */
const STEPS = [
  { name: 'unit tests', run: () => tool('vitest/vitest.mjs', 'run', '--project', 'unit', '--project', 'workspace', '--reporter=dot') },
  { name: 'lint', run: async () => inspectedAtLeast(await tool('oxlint/bin/oxlint', '--deny-warnings'), /on (\d+) files/, sources) },
  { name: 'dead code', run: () => tool('knip/bin/knip.js', '--no-progress') },
  { name: 'types', run: () => tool('typescript/bin/tsc', '-p', 'tsconfig.test.json') },
  {
    name: 'format',
    run: async () => inspectedAtLeast(await tool('@biomejs/biome/bin/biome', 'format', '.'), /Checked (\d+) files/, sources),
  },
  { name: 'lock file', run: () => report(checkLockFile(ROOT)) },
  { name: 'text', run: () => report([...checkText(ROOT, files), ...checkLinks(ROOT, files), ...checkQuotes(ROOT, files)]) },
];

const started = performance.now();
const seconds = (from) => `${((performance.now() - from) / 1000).toFixed(1)} s`;
const failed = [];
const queue = [...STEPS];

async function attempt(step) {
  try {
    return await step.run();
  } catch (error) {
    return { ok: false, output: error.stack };
  }
}

async function worker() {
  for (let step = queue.shift(); step; step = queue.shift()) {
    const from = performance.now();
    const { ok, output } = await attempt(step);
    console.log(`${ok ? '✓' : '✗'} ${step.name.padEnd(12)} ${seconds(from)}`);
    if (ok) continue;
    failed.push(step.name);
    const lines = output.trim().split('\n');
    const more = lines.length > SHOWN_LINES ? [`… ${lines.length - SHOWN_LINES} lines more`] : [];
    console.log([...lines.slice(0, SHOWN_LINES), ...more, ''].map((text) => `  ${text}`).join('\n'));
  }
}

await Promise.all(Array.from({ length: Math.max(2, availableParallelism()) }, worker));

const verdict = failed.length === 0 ? 'all passed' : `failed: ${failed.join(', ')}`;
console.log(`check: ${STEPS.length} steps, ${verdict}, ${seconds(started)}`);
process.exitCode = failed.length === 0 ? 0 : 1;
