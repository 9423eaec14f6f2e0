/** Waiting, being stopped and saying how far it is: what a long piece of work on a store needs of its surroundings. */

import { setTimeout as sleep } from 'node:timers/promises';
import { ZhongkongError } from '../../core/errors.ts';

export interface Pace {
  /** Monotonic ms. */
  now(): number;
  sleep(ms: number): Promise<void>;
  /** Throws once the operator wants an end. */
  assertGoingOn(): void;
  /** So many rows more were written. */
  wrote(what: 'accounts' | 'keys' | 'credentials' | 'audit', rows: number): void;
}

/** `stopped` is asked between pages. */
export const machinePace = (stopped: () => boolean, wrote: Pace['wrote'] = () => undefined): Pace => ({
  now: () => performance.now(),
  sleep: async (ms) => void (await sleep(ms)),
  assertGoingOn() {
    if (stopped()) throw new ZhongkongError('conflict', { en: 'it was interrupted', zh: '操作被中断' });
  },
  wrote,
});
