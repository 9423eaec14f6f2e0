/**
 * A map that remembers the last `capacity` entries in order of insertion. A ring of keys gives the
 * oldest in O(1); asking a Map for its first key walks over deleted slots and is not.
 * Invariant: `map.size <= capacity`; a key is put at most once while it is remembered.
 */
export class BoundedMap<V> {
  readonly #map = new Map<string, V>();
  readonly #ring: (string | undefined)[] = [];
  readonly #onEvict: ((key: string, value: V) => void) | undefined;
  readonly #capacity: number;
  #next = 0;

  constructor(capacity: number, onEvict?: (key: string, value: V) => void) {
    this.#capacity = capacity;
    this.#onEvict = onEvict;
  }

  get size(): number {
    return this.#map.size;
  }

  get(key: string): V | undefined {
    return this.#map.get(key);
  }

  has(key: string): boolean {
    return this.#map.has(key);
  }

  put(key: string, value: V): void {
    if (this.#capacity === 0) {
      this.#onEvict?.(key, value);
      return;
    }
    if (this.#map.has(key)) return;
    this.#evict(this.#ring[this.#next]);
    this.#ring[this.#next] = key;
    this.#map.set(key, value);
    this.#next = (this.#next + 1) % this.#capacity;
  }

  /** Oldest first: drops entries while `isOld` says so, looking at no more than it drops plus one. */
  dropWhile(isOld: (value: V) => boolean): void {
    const oldest = this.#ring.length < this.#capacity ? 0 : this.#next; // a ring not yet full starts at 0
    for (let step = 0; step < this.#ring.length; step++) {
      const at = (oldest + step) % this.#capacity;
      const key = this.#ring[at];
      if (key === undefined) continue;
      const value = this.#map.get(key);
      if (value !== undefined && !isOld(value)) return;
      this.#evict(key);
      this.#ring[at] = undefined;
    }
  }

  #evict(key: string | undefined): void {
    if (key === undefined) return;
    const value = this.#map.get(key);
    this.#map.delete(key);
    if (value !== undefined) this.#onEvict?.(key, value);
  }
}
