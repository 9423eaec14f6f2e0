/** The option `store`: which schemes open, and what is said of the others. */

import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { loadDriver, openStore } from '../../../src/stores/open.ts';

describe('openStore', () => {
  const folder = mkdtempSync(join(tmpdir(), 'zhongkong-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  test.each(['sqlite:', 'SQLite:'])('%sPATH opens a file', async (scheme) => {
    const file = join(folder, 'sub', 'x.db');
    const store = await openStore(`${scheme}${file}`, { now: () => 42.9 });
    expect(await store.credentials.now()).toBe(42);
    await store.close();
    expect(existsSync(file)).toBe(true);
  });

  test('a path may hold colons, spaces, question marks and Chinese', async () => {
    const file = join(folder, 'a:b c?mode=memory#中控.db');
    const store = await openStore(`sqlite:${file}`);
    await store.directory.putSetting('x', null, 'v');
    await store.close();
    expect(existsSync(file)).toBe(true);
  });

  test('a relative path starts at the working directory', async () => {
    const before = process.cwd();
    process.chdir(folder);
    try {
      await (await openStore('sqlite:data/zhongkong.db')).close();
    } finally {
      process.chdir(before);
    }
    expect(existsSync(join(folder, 'data', 'zhongkong.db'))).toBe(true);
  });

  test('memory: opens a store of its own each time', async () => {
    const [a, b] = [await openStore('memory:'), await openStore('memory:', { now: () => 42 })];
    await a.directory.putSetting('x', null, 'v');
    expect(await b.directory.setting('x')).toBeNull();
    expect(await b.credentials.now()).toBe(42);
    await expect(openStore('memory:x')).rejects.toMatchObject({ code: 'config_invalid' });
  });

  test.each([
    ['mongodb://u:hunter2@h/x', 'unknown scheme "mongodb:"'],
    ['constructor:x', 'unknown scheme "constructor:"'],
    ['data/zhongkong.db', 'it has no scheme'],
    ['', 'it has no scheme'],
  ])('%j is refused', async (url, what) => {
    await expect(openStore(url)).rejects.toMatchObject({
      code: 'config_invalid',
      message: `store: ${what}; use sqlite:PATH, memory:, postgres://…, mysql://… or redis://…`,
    });
  });

  test('a driver that is not installed is named, with the command that installs it', async () => {
    await expect(loadDriver('postgres', 'no-such-driver')).rejects.toMatchObject({
      code: 'config_invalid',
      message: 'store: the driver of postgres: cannot be loaded: no-such-driver (ERR_MODULE_NOT_FOUND)',
      advice: { en: expect.stringContaining('npm install no-such-driver') },
    });
  });
});
