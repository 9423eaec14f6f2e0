// The master key's file: made once, whole, for its owner alone.
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readKeyFile, readOrCreateKeyFile, replaceKeyFile } from '../../../src/adapters/key-file.ts';
import { KEY, refusal } from './refusal.ts';

const BASE64 = KEY.toString('base64');

const only = (keys: readonly Buffer[]): Buffer => {
  expect(keys).toHaveLength(1);
  return keys[0] as Buffer;
};

describe('the key file', () => {
  let folder = '';
  let path = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'zhongkong-key-'));
    path = join(folder, 'master-key');
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  test('is made once, for its owner alone, and read from then on', () => {
    const key = only(readOrCreateKeyFile(path));
    expect(key).toHaveLength(32);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readFileSync(path, 'utf8')).toBe(`${key.toString('base64')}\n`);
    expect(readOrCreateKeyFile(path)).toEqual([key]);
    expect(readdirSync(folder)).toEqual(['master-key']);
  });

  test('two that make it at the same moment end with the first one’s key', () => {
    let first: readonly Buffer[] = [];
    const second = readOrCreateKeyFile(path, () => {
      // Between the other's look for the file and its own attempt to make one.
      first = readOrCreateKeyFile(path);
      return randomBytes(32);
    });
    expect(second).toEqual(first);
    expect(readdirSync(folder)).toEqual(['master-key']);
  });

  test('that is open to others is refused', () => {
    writeFileSync(path, BASE64, { mode: 0o600 });
    for (const mode of [0o640, 0o604, 0o620, 0o601]) {
      chmodSync(path, mode);
      expect(refusal(() => readOrCreateKeyFile(path))).toBe(`master key file ${path} can be read by others (mode 0${mode.toString(8)})`);
    }
    chmodSync(path, 0o400);
    expect(readOrCreateKeyFile(path)).toEqual([KEY]);
  });

  test.each([
    ['empty', '', /holds 0 bytes, needs 32$/],
    ['cut short', BASE64.slice(0, 40), /holds 30 bytes, needs 32$/],
    ['of something else', 'hello world', /is not base64$/],
    ['large', 'A'.repeat(5000), /is too large for a key \(5000 bytes\)$/],
  ])('%s is refused and stays as it is', (_, content, message) => {
    writeFileSync(path, content, { mode: 0o600 });
    expect(refusal(() => readOrCreateKeyFile(path), content || '\0')).toMatch(message);
    expect(readFileSync(path, 'utf8')).toBe(content);
  });

  test('a folder in its place, and a folder that is not there', () => {
    mkdirSync(path, { mode: 0o700 });
    expect(refusal(() => readOrCreateKeyFile(path))).toMatch(/is not a file$|cannot be read: EISDIR$/);
    expect(refusal(() => readOrCreateKeyFile(join(folder, 'none', 'key')))).toMatch(/cannot be made: ENOENT$/);
  });

  test('takes several keys in the place of one, and keeps its owner and mode', () => {
    const first = only(readOrCreateKeyFile(path));
    chmodSync(path, 0o400);
    replaceKeyFile(path, [KEY, first]);
    expect(readKeyFile(path)).toEqual([KEY, first]);
    expect(statSync(path).mode & 0o777).toBe(0o400);
    expect(readFileSync(path, 'utf8')).toBe(`${BASE64}\n${first.toString('base64')}\n`);
    expect(readdirSync(folder)).toEqual(['master-key']);
  });

  test('is replaced where a link to it leads', () => {
    const link = join(folder, 'link');
    readOrCreateKeyFile(path);
    symlinkSync(path, link);
    replaceKeyFile(link, [KEY]);
    expect(lstatSync(link).isSymbolicLink()).toBe(true);
    expect(readKeyFile(path)).toEqual([KEY]);
  });

  test('that cannot be replaced stays as it is', () => {
    expect(refusal(() => replaceKeyFile(path, [KEY]))).toBe(`master key file ${path} cannot be replaced: ENOENT`);
    mkdirSync(join(folder, 'full', 'of-something'), { recursive: true });
    expect(refusal(() => replaceKeyFile(join(folder, 'full'), [KEY]))).toMatch(/cannot be replaced: E/);
    expect(readdirSync(folder)).toEqual(['full']);
  });
});
