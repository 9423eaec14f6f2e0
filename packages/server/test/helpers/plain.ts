/** Seal and hash that can be read, for tests: bound to their context like the real ones, and nothing more. */

import { ZhongkongError } from '../../src/core/errors.ts';
import type { Hash } from '../../src/core/hash.ts';
import type { Random } from '../../src/core/random.ts';
import type { Seal } from '../../src/core/seal.ts';

export const plainSeal: Seal = {
  seal: (plain, context) => JSON.stringify([context, plain]),
  open: (sealed, context) => {
    const [bound, plain] = JSON.parse(sealed) as [string, string];
    if (bound !== context) throw new ZhongkongError('unseal_failed', 'sealed for another place');
    return plain;
  },
};

export const plainHash: Hash = {
  fingerprint: (text) => `fp:${text}`,
  equal: (a, b) => a === b,
};

/** Always the same number. */
export const fixedRandom = (unit = 0.5): Random => ({ unit: () => unit });

/** A reproducible sequence (mulberry32). */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return {
    unit: () => {
      state = (state + 0x6d2b79f5) >>> 0;
      let mixed = Math.imul(state ^ (state >>> 15), state | 1);
      mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
      return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
    },
  };
}
