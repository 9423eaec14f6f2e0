/** SQLite under several real processes: killed in the middle of writing, starting at once, changing each other's file. */

import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openSqlite } from '../../src/stores/sql/sqlite.ts';
import { aKey } from '../contract/suites/pair.ts';

const SERVER = fileURLToPath(new URL('../../', import.meta.url));
const ROOT = join(SERVER, '..', '..');
const COMPILER = [
  '--ignoreConfig --target es2023 --lib es2023 --module nodenext --types node --skipLibCheck --strict --rewriteRelativeImportExtensions',
  `--rootDir ${SERVER}`,
].flatMap((flags) => flags.split(' '));

describe('processes on one SQLite file', () => {
  let folder: string;
  let program: string;
  const children = new Set<ChildProcessWithoutNullStreams>();

  // Compiled here and not taken from dist/, so that it is the code under test whatever was built before.
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'zhongkong-'));
    chmodSync(folder, 0o755);
    const out = join(folder, 'program');
    const compiler = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin', 'tsc');
    const source = join(SERVER, 'test', 'e2e', 'sqlite-child.ts');
    const { status, stdout } = spawnSync(process.execPath, [compiler, ...COMPILER, '--outDir', out, source], {
      cwd: ROOT,
      encoding: 'utf8',
    });
    expect(stdout).toBe('');
    expect(status).toBe(0);
    writeFileSync(join(out, 'package.json'), '{"type":"module"}');
    symlinkSync(join(ROOT, 'node_modules'), join(out, 'node_modules'));
    program = join(out, 'test', 'e2e', 'sqlite-child.js');
  });
  afterAll(() => {
    for (const child of children) child.kill('SIGKILL');
    rmSync(folder, { recursive: true });
  });

  /** A process that has loaded its code and waits for `go`. */
  async function start(task: string, file: string) {
    const child = spawn(process.execPath, [program, task, file]);
    children.add(child);
    const exit = once(child, 'exit').then(([code, signal]) => {
      children.delete(child);
      return { code: code as number | null, signal: signal as string | null };
    });
    const lines: string[] = [];
    let rest = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      const parts = (rest + text).split('\n');
      rest = parts.pop() ?? '';
      lines.push(...parts);
    });
    let errors = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      errors += text;
    });
    /** Rejects when the process ends before it said so much. */
    const said = async (count: number) => {
      while (lines.length < count) {
        const ended = await Promise.race([exit, once(child.stdout, 'data').then(() => null)]);
        if (ended && lines.length < count) throw new Error(`ended early (${ended.code}): ${errors}`);
      }
    };
    await said(1);
    return { child, lines, exit, said, errors: () => errors, go: () => child.stdin.end('go\n') };
  }

  test('kill -9 in the middle of writing loses nothing that was acknowledged', async () => {
    const file = join(folder, 'killed.db');
    const acknowledged = new Map<string, number>();
    for (let round = 0; round < 3; round += 1) {
      const writer = await start('write-forever', file);
      writer.go();
      await writer.said(300);
      writer.child.kill('SIGKILL');
      expect(await writer.exit).toEqual({ code: null, signal: 'SIGKILL' });
      for (const line of writer.lines.slice(1)) {
        const [account = '', generation] = line.split(' ');
        acknowledged.set(account, Number(generation));
      }
      const store = await openSqlite(file, { now: () => Number.MAX_SAFE_INTEGER });
      expect(acknowledged.size).toBe(10);
      for (const [account, generation] of acknowledged) {
        const stored = await store.credentials.read({ account, kind: 'access_token', chain: 'stable' });
        // One more may have been committed that the process did not live to speak of.
        expect([generation, generation + 1]).toContain(stored?.generation);
        expect(JSON.parse(stored?.body ?? '{}')).toMatchObject({ generation: stored?.generation });
        expect(stored?.nextAttemptAt).toBe(stored?.generation);
      }
      // The next writer must not have to wait for the leases of the dead one.
      for (const { lease } of await store.due.claim('test', 1, 100)) await store.credentials.release(lease);
      await store.close();
    }
  });

  test('four that start at once on a file that is not there all come up', async () => {
    const file = join(folder, 'new', 'x.db');
    const starting = await Promise.all(Array.from({ length: 4 }, () => start('open', file)));
    for (const { go } of starting) go();
    for (const { exit, lines, errors } of starting) {
      expect({ ...(await exit), errors: errors() }).toEqual({ code: 0, signal: null, errors: '' });
      expect(lines).toEqual(['ready', 'opened']);
    }
  });

  test('a key revoked by another process is among the changes of this one', async () => {
    const file = join(folder, 'shared.db');
    const store = await openSqlite(file);
    await store.directory.putKey(aKey('k_1'));
    const { cursor } = await store.directory.changes(null, 100);
    const command = await start('revoke-key', file);
    command.go();
    expect((await command.exit).code).toBe(0);
    expect(await store.directory.changes(cursor, 100)).toMatchObject({ changes: [{ topic: 'key', id: 'k_1' }], overflow: false });
    expect(await store.directory.key('k_1')).toMatchObject({ revokedAt: 1 });
    await store.close();
  });

  test.each([
    ['a folder that may not be written', 0o555, 0o644],
    ['a file that may not be written', 0o777, 0o444],
    ['a file that may not be read', 0o777, 0o000],
  ])('%s is refused by name', async (what, folderMode, fileMode) => {
    const place = join(folder, what.replaceAll(' ', '-'));
    const file = join(place, 'x.db');
    mkdirSync(place);
    await (await openSqlite(file)).close();
    chmodSync(file, fileMode);
    chmodSync(place, folderMode);
    const command = await start('open-without-rights', file);
    command.go();
    await command.exit;
    chmodSync(place, 0o755);
    expect(command.lines).toEqual(['ready', `store_unavailable: ${file} cannot be written`]);
  });
});
