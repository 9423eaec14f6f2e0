/**
 * Calls per minute per key, counted in this process.
 *
 * A ring of 60 one-second slots with a running sum: never more than the limit in any minute, in 300 bytes per key.
 * Refused calls do not count.
 */

import type { ApiKeyRecord } from '../core/api-key.ts';
import { BoundedMap } from '../core/bounded-map.ts';

const SLOTS = 60;
/** Keys with a limit that are counted at once; the least recently used beyond it start anew. */
const MAX_KEYS = 100_000;

interface Window {
  readonly slots: Uint32Array;
  sum: number;
  /** The second the newest slot stands for. */
  second: number;
}

export class RateLimiter {
  readonly #monotonic: () => number;
  readonly #windows = new BoundedMap<Window>(MAX_KEYS);

  /** `monotonic`: ms. */
  constructor(monotonic: () => number) {
    this.#monotonic = monotonic;
  }

  /** Count one call. 0: it may go on; else the ms after which the next one can. Keys without a limit cost nothing. */
  take(record: Pick<ApiKeyRecord, 'id' | 'callsPerMinute'>): number {
    const { id, callsPerMinute } = record;
    if (callsPerMinute === null) return 0;
    const now = this.#monotonic();
    const second = Math.floor(now / 1000);
    const window = this.#window(id, second);
    if (window.sum < callsPerMinute) {
      const slot = second % SLOTS;
      window.slots[slot] = (window.slots[slot] ?? 0) + 1;
      window.sum += 1;
      return 0;
    }
    return (oldestSecond(window) + SLOTS) * 1000 - now;
  }

  #window(id: string, second: number): Window {
    let window = this.#windows.get(id);
    if (!window) {
      window = { slots: new Uint32Array(SLOTS), sum: 0, second };
      this.#windows.set(id, window);
    }
    for (let passed = Math.max(window.second + 1, second - SLOTS + 1); passed <= second; passed += 1) {
      const slot = passed % SLOTS;
      window.sum -= window.slots[slot] ?? 0;
      window.slots[slot] = 0;
    }
    window.second = Math.max(window.second, second);
    return window;
  }
}

function oldestSecond({ slots, second }: Window): number {
  for (let one = second - SLOTS + 1; one < second; one += 1) {
    if ((slots[((one % SLOTS) + SLOTS) % SLOTS] ?? 0) > 0) return one;
  }
  return second;
}
