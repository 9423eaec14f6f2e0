/** A Map that forgets the least recently used entry beyond `max`. A Map keeps insertion order; touching re-inserts. */
export class BoundedMap<V> {
  readonly #max: number;
  readonly #map = new Map<string, V>();

  constructor(max: number) {
    this.#max = max;
  }

  get size(): number {
    return this.#map.size;
  }

  /** Half full or less, recency cannot matter yet, so the hot path skips the re-insertion. */
  get(key: string): V | undefined {
    const value = this.#map.get(key);
    if (value !== undefined && this.#map.size * 2 > this.#max) {
      this.#map.delete(key);
      this.#map.set(key, value);
    }
    return value;
  }

  /** Without making it more recent. */
  has(key: string): boolean {
    return this.#map.has(key);
  }

  set(key: string, value: V): void {
    this.#map.delete(key);
    this.#map.set(key, value);
    if (this.#map.size <= this.#max) return;
    for (const oldest of this.#map.keys()) {
      this.#map.delete(oldest);
      return;
    }
  }

  /** From the one that will be forgotten first. */
  values(): Iterable<V> {
    return this.#map.values();
  }

  delete(key: string): void {
    this.#map.delete(key);
  }

  clear(): void {
    this.#map.clear();
  }
}
