/**
 * The package as it is published: compiled, then run in a process from which everything that only Node has was removed.
 * It also measures a cached read there, since the promise is one of the published code: under 1 µs.
 */

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const PACKAGE = fileURLToPath(new URL('../../', import.meta.url));
const TSC = fileURLToPath(new URL('../../../../node_modules/typescript/bin/tsc', import.meta.url));

/** Runs in the bare process; prints one line of JSON. The best of five rounds: a busy machine only makes it slower. */
const PROGRAM = `
const write = process.stdout.write.bind(process.stdout);
for (const name of ['process', 'Buffer', 'require', 'global', 'setImmediate', 'clearImmediate', 'queueMicrotask', 'structuredClone']) delete globalThis[name];
const { createClient } = await import(ENTRY);
let requests = 0;
const answer = { account: 'a', kind: 'access_token', value: 'A', generation: 1, state: 'fresh', expires_in: 7000 };
const fetch = async () => ({ status: 200, headers: { get: () => null }, text: async () => { requests += 1; return JSON.stringify(answer); } });
const client = createClient({ url: 'http://127.0.0.1:8700', key: 'zk_1234567890', fetch });
const token = await client.token('a');
const rounds = [];
for (let round = 0; round < 5; round += 1) {
  const count = 200000;
  const start = performance.now();
  for (let call = 0; call < count; call += 1) client.token('a');
  rounds.push(((performance.now() - start) * 1000) / count);
}
write(JSON.stringify({ token, requests, same: client.token('a') === client.token('a'), microseconds: Math.min(...rounds) }));
`;

describe('the published code', () => {
  let folder = '';

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'zhongkong-client-'));
    execFileSync(process.execPath, [TSC, '-p', PACKAGE, '--outDir', folder, '--composite', 'false', '--incremental', 'false']);
    writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  }, 30_000);

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('imports only its own files', () => {
    const files = readdirSync(folder).filter((name) => /\.(js|d\.ts)$/.test(name));
    expect(files.length).toBeGreaterThan(8);
    const imported = files.flatMap((name) => [
      ...readFileSync(join(folder, name), 'utf8').matchAll(/(?:from|import)\s*\(?\s*['"]([^'"]+)['"]/g),
    ]);
    expect(imported.length).toBeGreaterThan(5);
    expect(imported.map((match) => match[1]).filter((from) => !from?.startsWith('./'))).toEqual([]);
  });

  it('declares no dependencies', () => {
    const manifest: object = JSON.parse(readFileSync(join(PACKAGE, 'package.json'), 'utf8'));
    expect(Object.keys(manifest).filter((field) => /dependencies/i.test(field))).toEqual([]);
  });

  it('runs without anything of Node, and a cached read takes under 1 µs', () => {
    const program = PROGRAM.replace('ENTRY', JSON.stringify(pathToFileURL(join(folder, 'index.js')).href));
    const run = spawnSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' });
    expect(run.stderr).toBe('');
    const result: { token: string; requests: number; same: boolean; microseconds: number } = JSON.parse(run.stdout);
    expect(result).toMatchObject({ token: 'A', requests: 1, same: true });
    expect(result.microseconds).toBeLessThan(1);
  });
});
