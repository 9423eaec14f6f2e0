/**
 * Hash and seal that are cheap and exact. A sealed text does not show what it holds (promise 6 is checked by looking
 * for plain values wherever the product writes), and opens only in the place it was made for.
 */

import { ZhongkongError } from '../src/core/errors.ts';
import type { Hash } from '../src/core/hash.ts';
import type { Seal } from '../src/core/seal.ts';
import { textHash } from './dice.ts';

const hex = (text: string): string => (textHash(text) >>> 0).toString(16).padStart(8, '0');
const reversed = (text: string): string => [...text].reverse().join('');

export const plainHash: Hash = {
  fingerprint: hex,
  equal: (a, b) => a === b,
};

export const plainSeal: Seal = {
  seal: (plain, context) => `s.${hex(context)}.${reversed(plain)}`,
  open: (sealed, context) => {
    const bound = `s.${hex(context)}.`;
    if (!sealed.startsWith(bound)) throw new ZhongkongError('unseal_failed', 'sealed for another place');
    return reversed(sealed.slice(bound.length));
  },
};
