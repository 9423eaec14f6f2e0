/** Bounds how long a caller waits, never the work itself: that goes on, and others may share it. */

import type { Clock } from './clock.ts';
import { ZhongkongError } from './errors.ts';

/** Without a reason each abort makes an error with its stack: most of what a read from the store costs. */
const OVER = 'over';

/** `work`, or `deadline_exceeded` after `ms`. */
export async function within<T>(clock: Clock, work: Promise<T>, ms: number): Promise<T> {
  const waiting = new AbortController();
  const late = clock.sleep(ms, waiting.signal).then(() => {
    throw new ZhongkongError('deadline_exceeded', 'the work is still running', { retryAfterSeconds: 1 });
  });
  // Whichever loses must not become an unhandled rejection.
  work.catch(() => undefined);
  late.catch(() => undefined);
  try {
    return await Promise.race([work, late]);
  } finally {
    waiting.abort(OVER);
  }
}
