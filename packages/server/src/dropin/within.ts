/** Bounds how long a caller waits. The work itself goes on. */

import { ZhongkongError } from '../core/errors.ts';

/** `work`, or `deadline_exceeded` after `ms`. */
export async function within<T>(work: Promise<T>, ms: number): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new ZhongkongError('deadline_exceeded', 'no answer in time', { retryAfterSeconds: 1 })), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
