import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { createApiKey, createKeyId, isWellFormedKey, KEY_TEXT, looksMistyped } from '../../../src/access/key-format.ts';

describe('an API key', () => {
  test('is zk_ and 40 base62 characters, and well-formed', () => {
    for (let i = 0; i < 200; i += 1) {
      const key = createApiKey(randomBytes);
      expect(key).toMatch(/^zk_[0-9A-Za-z]{40}$/);
      expect(key).toMatch(KEY_TEXT);
      expect(isWellFormedKey(key)).toBe(true);
    }
  });

  test('with any one character changed is mistyped', () => {
    const key = createApiKey(randomBytes);
    for (let at = 3; at < key.length; at += 1) {
      const other = key[at] === 'a' ? 'b' : 'a';
      const typo = key.slice(0, at) + other + key.slice(at + 1);
      expect(isWellFormedKey(typo)).toBe(false);
      expect(looksMistyped(typo)).toBe(true);
    }
  });

  test('cut short or run on is mistyped; another form of key is not', () => {
    const key = createApiKey(randomBytes);
    expect(looksMistyped(key.slice(0, -1))).toBe(true);
    expect(looksMistyped(`${key}x`)).toBe(true);
    expect(looksMistyped(key)).toBe(false);
    expect(looksMistyped('an-operators-own-key-of-24-chars')).toBe(false);
  });

  test('is uniform: bytes that would favour some characters are thrown away', () => {
    // All bytes from 248 on are refused, so a source of those and zeros gives zeros only.
    let flip = 0;
    const source = (n: number) => Uint8Array.from({ length: n }, () => (flip++ % 2 === 0 ? 255 : 0));
    expect(createApiKey(source).slice(3, 37)).toBe('0'.repeat(34));
    expect(createKeyId(source)).toBe(`k_${'0'.repeat(12)}`);
  });
});
