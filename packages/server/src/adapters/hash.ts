/** SHA-256 fingerprints, and comparisons that take the same time whatever differs. */

import { createHash, timingSafeEqual } from 'node:crypto';
import type { Hash } from '../core/hash.ts';

const sha256 = (text: string): Buffer => createHash('sha256').update(text, 'utf8').digest();

export const nodeHash: Hash = {
  fingerprint: (text) => sha256(text).toString('hex').slice(0, 8),
  // Of the digests: equal lengths, so that not even the length of a secret shows.
  equal: (a, b) => timingSafeEqual(sha256(a), sha256(b)),
};
