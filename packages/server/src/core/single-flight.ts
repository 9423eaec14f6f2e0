/** One running promise per key: whoever comes while it runs joins it, and shares its result or its failure. */
export class SingleFlight<T> {
  readonly #running = new Map<string, Promise<T>>();

  /** The running flight of `key`, or a new one made by `start`. */
  run(key: string, start: () => Promise<T>): Promise<T> {
    const running = this.#running.get(key);
    if (running) return running;
    const flight = start().finally(() => {
      // Only the flight itself is ever in the slot, so there is nothing newer to protect.
      this.#running.delete(key);
    });
    this.#running.set(key, flight);
    return flight;
  }

  get(key: string): Promise<T> | undefined {
    return this.#running.get(key);
  }

  /** Everything in the air now; settles when all of it has, whatever its outcome. */
  async drain(): Promise<void> {
    await Promise.allSettled([...this.#running.values()]);
  }
}
