/**
 * docs/wechat-facts.md names a test and a knob for each fact. This keeps the names true: every file
 * named exists, every knob named exists, and no knob is left without a row.
 */
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { DEFAULT_KNOBS } from '../../src/index.ts';

const root = new URL('../../../../', import.meta.url);
const text = readFileSync(new URL('docs/wechat-facts.md', root), 'utf8');
const SOURCE = /^(doc: |field sample|probe log|SDK source|staff reply|inferred)/;
const rowsOf = (part: string) =>
  part
    .split('\n')
    .filter((line) => line.startsWith('| ') && !line.startsWith('| statement'))
    .map((line) => line.split('|').map((cell) => cell.trim()));
const rows = rowsOf(text);
// The server's rows name its own options, not knobs.
const simulatorPart = text.slice(0, text.indexOf("## Rows of the server's own tests"));
const simulatorRows = rowsOf(simulatorPart);

describe('docs/wechat-facts.md', () => {
  it('has a source and a test for each row, and each test file exists', () => {
    expect(rows.length).toBeGreaterThan(50);
    const missing: string[] = [];
    for (const [, statement, source, tests] of rows) {
      if (!SOURCE.test(source ?? '')) missing.push(`${statement}: source ${source}`);
      for (const file of (tests as string).split(', ')) {
        const path = file.startsWith('packages/') ? file : `packages/simulator/test/${file}`;
        if (!existsSync(new URL(path, root))) missing.push(`${statement}: ${file}`);
      }
    }
    expect(missing).toEqual([]);
  });

  it('names every knob of the simulator and none that does not exist', () => {
    const named = new Set([...simulatorPart.matchAll(/`([a-z]\w+)`/gi)].map((match) => match[1] as string));
    expect(Object.keys(DEFAULT_KNOBS).filter((knob) => !named.has(knob))).toEqual([]);
    const unknown: string[] = [];
    for (const [, statement, , , knobs] of simulatorRows) {
      for (const [, knob] of (knobs ?? '').matchAll(/`(?!account\.)(\w+)`/g)) {
        if (!Object.hasOwn(DEFAULT_KNOBS, knob as string)) unknown.push(`${statement}: ${knob}`);
      }
    }
    expect(unknown).toEqual([]);
  });
});
