// The master key's form, its file, and what is derived from it.
import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createKeyDigest } from '../../../src/adapters/key-digest.ts';
import { deriveKey, masterKeyCheck, masterKeyId, parseMasterKey, readOrCreateKeyFile } from '../../../src/adapters/master-key.ts';
import { ZhongkongError } from '../../../src/core/errors.ts';

const KEY = Buffer.alloc(32, 7);
const BASE64 = KEY.toString('base64');

/** The error's message, checked to be `config_invalid`, one line, with advice, and free of the key. */
function refusal(act: () => unknown, secret = BASE64): string {
  try {
    act();
  } catch (error) {
    if (!(error instanceof ZhongkongError)) throw error;
    expect(error.code).toBe('config_invalid');
    expect(error.message).not.toMatch(/\n/);
    expect(error.details.advice?.en).toBeTruthy();
    expect(error.details.advice?.zh).toMatch(/[\u4e00-\u9fff]/);
    expect(`${error.message} ${JSON.stringify(error.details)}`).not.toContain(secret);
    return error.message;
  }
  return expect.unreachable('it was accepted');
}

describe('parseMasterKey', () => {
  test('base64 of 32 bytes, white space around it', () => {
    expect(parseMasterKey(BASE64)).toEqual(KEY);
    expect(parseMasterKey(` ${BASE64}\n`)).toEqual(KEY);
  });

  test.each([
    ['another length', randomBytes(31).toString('base64'), 'masterKey holds 31 bytes, needs 32'],
    ['nothing', '', 'masterKey holds 0 bytes, needs 32'],
    ['hex', KEY.toString('hex'), 'masterKey holds 48 bytes, needs 32'],
    ['no base64', `${BASE64.slice(0, -3)}!!=`, 'masterKey is not base64'],
    ['text after it', `${BASE64} ${BASE64}`, 'masterKey is not base64'],
    ['bits that base64 of 32 bytes has not', `${BASE64.slice(0, -2)}d=`, 'masterKey is not base64'],
  ])('%s is refused', (_, text, message) => {
    expect(refusal(() => parseMasterKey(text), text || '\0')).toBe(message);
  });
});

describe('the key file', () => {
  let folder = '';
  let path = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'zhongkong-key-'));
    path = join(folder, 'master-key');
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  test('is made once, for its owner alone, and read from then on', () => {
    const key = readOrCreateKeyFile(path);
    expect(key).toHaveLength(32);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readFileSync(path, 'utf8')).toBe(`${key.toString('base64')}\n`);
    expect(readOrCreateKeyFile(path)).toEqual(key);
    expect(readdirSync(folder)).toEqual(['master-key']);
  });

  test('two that make it at the same moment end with the first one’s key', () => {
    let first: Buffer | null = null;
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
    expect(readOrCreateKeyFile(path)).toEqual(KEY);
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
});

describe('what is derived', () => {
  test('differs by purpose and by master key, and is always the same', () => {
    const other = Buffer.alloc(32, 8);
    const all = [KEY, other].flatMap((master) => [
      deriveKey(master, 'seal').toString('hex'),
      deriveKey(master, 'other').toString('hex'),
      masterKeyCheck(master),
      createKeyDigest(master)('zk_a'),
      createKeyDigest(master)('zk_b'),
    ]);
    expect(new Set(all).size).toBe(all.length);
    for (const text of all) expect(text).toMatch(/^[0-9a-f]{64}$/);
    expect(masterKeyId(KEY)).toMatch(/^[0-9a-f]{8}$/);
    expect(masterKeyId(KEY)).not.toBe(masterKeyId(other));
    // Fixed for ever: stored data depends on them.
    expect(masterKeyId(KEY)).toBe('96fe9868');
    expect(createKeyDigest(KEY)('zk_a').slice(0, 16)).toBe('15b65f70c5e4de17');
  });
});
