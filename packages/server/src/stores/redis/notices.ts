/**
 * Hears of changes that other handles make, at once. A notice says only that something changed; what, the change log
 * tells. One that is missed costs nothing but time: the log is polled anyway.
 */

import type { RedisConnection } from './connection.ts';
import { keyOf } from './keys.ts';

const ignore = (): void => undefined;

export class RedisNotices {
  readonly #redis: RedisConnection;
  readonly #stops = new Set<() => void>();

  constructor(redis: RedisConnection) {
    this.#redis = redis;
  }

  /** Calls `wake` whenever something may have changed; returns the way to stop. */
  listen(wake: () => void): () => void {
    const { handle, target } = this.#redis;
    const channel = keyOf(target.prefix, 'changes');
    const listener = this.#redis.listener();
    listener.on('error', ignore);
    listener.on('message', (_: string, from: string) => {
      if (from !== handle) wake();
    });
    // Each time it is back: what was said meanwhile was missed.
    listener.on('ready', () => void listener.subscribe(channel).then(wake, ignore));
    listener.connect().catch(ignore);
    const stop = (): void => {
      this.#stops.delete(stop);
      listener.removeAllListeners('message');
      listener.disconnect();
    };
    this.#stops.add(stop);
    return stop;
  }

  close(): void {
    for (const stop of this.#stops) stop();
  }
}
