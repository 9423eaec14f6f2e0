// The master key's form, and what is derived from it.
import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { createKeyDigest, digestKeyOf } from '../../../src/adapters/key-digest.ts';
import { deriveKey, masterKeyCheck, masterKeyId, parseMasterKey, parseMasterKeys } from '../../../src/adapters/master-key.ts';
import { KEY, refusal } from './refusal.ts';

const OTHER = Buffer.alloc(32, 9);
const BASE64 = KEY.toString('base64');

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

describe('parseMasterKeys', () => {
  test.each([',', ' ', '\n', ', \n', ' ,'])('several, apart by %j', (between) => {
    expect(parseMasterKeys(`${BASE64}${between}${OTHER.toString('base64')}\n`)).toEqual([KEY, OTHER]);
  });

  test('names which of them is none', () => {
    expect(refusal(() => parseMasterKeys(`${BASE64}\nhello`))).toBe('masterKey, key 2, is not base64');
    expect(refusal(() => parseMasterKeys(' \n'), '\0')).toBe('masterKey holds 0 bytes, needs 32');
  });
});

describe('what is derived', () => {
  test('differs by purpose and by master key, and is always the same', () => {
    const other = Buffer.alloc(32, 8);
    const all = [KEY, other].flatMap((master) => [
      deriveKey(master, 'seal').toString('hex'),
      deriveKey(master, 'other').toString('hex'),
      masterKeyCheck(master),
      createKeyDigest(digestKeyOf(master))('zk_a'),
      createKeyDigest(digestKeyOf(master))('zk_b'),
    ]);
    expect(new Set(all).size).toBe(all.length);
    for (const text of all) expect(text).toMatch(/^[0-9a-f]{64}$/);
    expect(masterKeyId(KEY)).toMatch(/^[0-9a-f]{8}$/);
    expect(masterKeyId(KEY)).not.toBe(masterKeyId(other));
    // Fixed for ever: stored data depends on them.
    expect(masterKeyId(KEY)).toBe('96fe9868');
    expect(createKeyDigest(digestKeyOf(KEY))('zk_a').slice(0, 16)).toBe('15b65f70c5e4de17');
  });
});
