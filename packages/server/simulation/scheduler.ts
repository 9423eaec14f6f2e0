/**
 * Virtual time, and the one order in which everything happens.
 *
 * One event runs at a time, then everything it causes without time passing (all promise jobs), then the next. Events
 * of the same instant run in the order in which they were planned. A process that is dead loses its events; a frozen
 * one gets them when it goes on. The digest covers every event's time and owner: two runs are the same run, or not.
 */

/** Whose event it is: a process can be killed or frozen. */
export interface Owner {
  readonly number: number;
  readonly dead: boolean;
  /** Virtual instant up to which nothing of it runs. */
  readonly frozenUntil: number;
}

interface Planned {
  at: number;
  readonly order: number;
  readonly owner: Owner | null;
  readonly run: () => void;
}

const RESOLVED = Promise.resolve();

export class Scheduler {
  #now = 0;
  #order = 0;
  #digest = 0;
  #events = 0;
  #heap: Planned[] = [];

  get now(): number {
    return this.#now;
  }

  get digest(): number {
    return this.#digest >>> 0;
  }

  get events(): number {
    return this.#events;
  }

  /** Planned and not yet run. */
  get pending(): number {
    return this.#heap.length;
  }

  /** Anything else that must be the same in a replay. */
  mix(value: number): void {
    this.#digest = Math.imul(this.#digest ^ value, 0x01000193) + 1;
  }

  after(ms: number, owner: Owner | null, run: () => void): void {
    this.#order += 1;
    this.#push({ at: this.#now + (ms > 0 ? ms : 0), order: this.#order, owner, run });
  }

  /** Run everything planned up to and including `until`. */
  run(until: number): Promise<void> {
    return new Promise((resolve, reject) => {
      // Node empties the queue of promise jobs before it takes the next tick: a tick planned by a promise job comes last.
      const settle = (): void => process.nextTick(step);
      const step = (): void => {
        try {
          const next = this.#next(until);
          if (next === null) {
            this.#now = until;
            resolve();
            return;
          }
          this.#now = next.at;
          this.#events += 1;
          this.#digest = Math.imul(this.#digest ^ ((next.at * 64) | 0) ^ (next.owner?.number ?? 0), 0x01000193) + 1;
          next.run();
          void RESOLVED.then(settle);
        } catch (error) {
          reject(error as Error);
        }
      };
      void RESOLVED.then(settle);
    });
  }

  #next(until: number): Planned | null {
    for (;;) {
      const first = this.#heap[0];
      if (first === undefined || first.at > until) return null;
      this.#pop();
      const { owner } = first;
      if (owner === null) return first;
      if (owner.dead) continue;
      if (owner.frozenUntil <= first.at) return first;
      first.at = owner.frozenUntil;
      this.#push(first);
    }
  }

  #push(planned: Planned): void {
    const heap = this.#heap;
    let index = heap.length;
    heap.push(planned);
    while (index > 0) {
      const parentIndex = (index - 1) >> 1;
      const parent = heap[parentIndex] as Planned;
      if (!before(planned, parent)) break;
      heap[index] = parent;
      index = parentIndex;
    }
    heap[index] = planned;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop() as Planned;
    const { length } = heap;
    if (length === 0) return;
    let index = 0;
    for (let child = 1; child < length; child = 2 * index + 1) {
      const right = child + 1;
      if (right < length && before(heap[right] as Planned, heap[child] as Planned)) child = right;
      const smaller = heap[child] as Planned;
      if (!before(smaller, last)) break;
      heap[index] = smaller;
      index = child;
    }
    heap[index] = last;
  }
}

const before = (a: Planned, b: Planned): boolean => a.at < b.at || (a.at === b.at && a.order < b.order);
