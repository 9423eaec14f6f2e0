/** Node's clocks behind the core's port. */

import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import type { Clock } from '../core/clock.ts';

/** Longest delay a Node timer takes, ms; a longer one would fire at once. */
const MAX_TIMER_MS = 2_147_483_647;

export const nodeClock: Clock = {
  monotonic: () => performance.now(),
  wall: () => Date.now(),
  // Keeps the process alive while it runs: who waits is stopped by its owner, not by an exit in the middle.
  sleep: async (ms, signal) => {
    try {
      await delay(Math.min(Math.max(0, ms), MAX_TIMER_MS), undefined, signal && { signal });
    } catch (error) {
      if (!signal?.aborted) throw error;
    }
  },
};
