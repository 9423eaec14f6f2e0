// Sealing: what comes out, where it opens, and that no change of it goes unnoticed.
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { KeyRing } from '../../../src/adapters/key-ring.ts';
import { createSeal } from '../../../src/adapters/seal.ts';
import { ZhongkongError } from '../../../src/core/errors.ts';

const KEY = Buffer.alloc(32, 1);
const OTHER = Buffer.alloc(32, 2);
const seal = createSeal(new KeyRing([KEY]));

const refused = (act: () => string) => {
  try {
    act();
  } catch (error) {
    return error instanceof ZhongkongError && error.code === 'unseal_failed';
  }
  return false;
};

describe('seal', () => {
  test('opens what it sealed, for any text and context', () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 600 });
    fc.assert(
      fc.property(text, text, (plain, context) => {
        expect(seal.open(seal.seal(plain, context), context)).toBe(plain);
      }),
    );
  });

  test('says which key it used and nothing of the text, and never the same twice', () => {
    const [one, two] = [seal.seal('the secret', 'c'), seal.seal('the secret', 'c')];
    expect(one).toMatch(/^v1\.[0-9a-f]{8}\.[A-Za-z0-9_-]+$/);
    expect(one).not.toBe(two);
    expect(Buffer.from(one.split('.')[2] ?? '', 'base64url').toString('latin1')).not.toContain('secret');
  });

  test('does not open in another place', () => {
    expect(refused(() => seal.open(seal.seal('x', 'credential a 1'), 'credential a 2'))).toBe(true);
  });

  test('notices every changed bit', () => {
    const sealed = seal.seal('a token', 'c');
    const [version, id, body = ''] = sealed.split('.');
    const bytes = Buffer.from(body, 'base64url');
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const changed = Buffer.from(bytes);
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(refused(() => seal.open(`${version}.${id}.${changed.toString('base64url')}`, 'c'))).toBe(true);
    }
  });

  test('refuses whatever is no sealed text', () => {
    const sealed = seal.seal('a token', 'c');
    const near = [
      '',
      'v1',
      sealed.slice(0, -1),
      sealed.slice(0, 30),
      sealed.replace('v1', 'v2'),
      `${sealed}.`,
      ` ${sealed}`,
      `${sealed}\n`,
    ];
    fc.assert(fc.property(fc.oneof(fc.constantFrom(...near), fc.string()), (text) => refused(() => seal.open(text, 'c'))));
  });

  test('opens what a previous master key sealed, and seals under the current one', () => {
    const old = seal.seal('x', 'c');
    const rotated = createSeal(new KeyRing([OTHER, KEY]));
    expect(rotated.open(old, 'c')).toBe('x');
    const fresh = rotated.seal('y', 'c');
    expect(fresh.slice(0, 11)).not.toBe(old.slice(0, 11));
    expect(refused(() => seal.open(fresh, 'c'))).toBe(true);
    expect(refused(() => createSeal(new KeyRing([OTHER])).open(old, 'c'))).toBe(true);
  });

  test('opens what earlier versions sealed', () => {
    expect(seal.open('v1.5c6f2258.BGv2S8rpjxn0V9Do7SJdh0CxzqrGOhWCOZsBfUdKJsUowWg', 'pinned')).toBe('a token');
  });
});
