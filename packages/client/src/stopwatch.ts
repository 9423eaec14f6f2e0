/**
 * How long ago something was: the only notion of time the cache has.
 *
 * The age is the larger of what the wall clock and the monotonic clock say. The monotonic clock stands still while a
 * machine sleeps or a function's snapshot is kept; the wall clock may be set back. The larger age errs on the side of
 * asking again.
 */

/** Milliseconds since the stopwatch was made. */
export type Stopwatch = () => number;

/** Makes stopwatches; `now` alone decides when given. */
export function stopwatches(now: (() => number) | undefined): () => Stopwatch {
  if (now) {
    return () => {
      const start = now();
      return () => now() - start;
    };
  }
  return () => {
    const wall = Date.now();
    const monotonic = performance.now();
    return () => Math.max(Date.now() - wall, performance.now() - monotonic);
  };
}
