/** A short run by its command, as CI and people make it. */

import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

/** Resolves with `{ code, output }`; what it writes to standard error is part of the output. */
export function faults(...args) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['faults/main.mjs', ...args], { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text));
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, output }));
  });
}
