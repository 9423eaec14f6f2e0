/** Time as a parameter of the core. */
export interface Clock {
  /** Monotonic ms since some start; the base of every duration. */
  monotonic(): number;
  /** The node's own wall clock, epoch ms; only used to place the monotonic clock in time. */
  wall(): number;
  /**
   * Resolves after `ms`. The core's only way to wait. Once `signal` is aborted nobody waits any more: an implementation
   * may then drop its timer and resolve, or never settle.
   */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}
