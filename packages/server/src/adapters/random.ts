/** Randomness for jitter. Secrets come from `node:crypto`, never from here. */

import type { Random } from '../core/random.ts';

export const nodeRandom: Random = { unit: () => Math.random() };
