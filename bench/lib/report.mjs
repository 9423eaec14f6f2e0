/** Tables for people, JSON for machines. */

import { mkdir, writeFile } from 'node:fs/promises';
import { arch, cpus, platform } from 'node:os';
import { fileURLToPath } from 'node:url';

const RESULTS = new URL('../results/', import.meta.url);

export const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

/** Prints `rows` (arrays of text, the first one the heading), numbers to the right. */
export function table(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => String(row[column]).length)));
  for (const row of rows) {
    const cells = row.map((cell, column) => (column === 0 ? String(cell).padEnd(widths[0]) : String(cell).padStart(widths[column])));
    process.stdout.write(`  ${cells.join('  ').trimEnd()}\n`);
  }
}

export const say = (text) => process.stdout.write(`  ${text}\n`);

export async function writeResults(name, results) {
  const file = fileURLToPath(new URL(`${name}.json`, RESULTS));
  await mkdir(RESULTS, { recursive: true });
  const machine = { node: process.version, platform: platform(), arch: arch(), cpus: cpus().length, model: cpus()[0]?.model ?? '' };
  await writeFile(file, `${JSON.stringify({ name, at: new Date().toISOString(), machine, ...results }, null, 2)}\n`);
  return file;
}
