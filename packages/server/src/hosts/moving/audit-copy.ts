/**
 * The audit trail, by far the most rows of a store, copied while a server goes on writing it; the rest once it is quiet.
 *
 * Lines are written to the target in the order of their numbers and each once. On PostgreSQL a line may be committed
 * after one with a higher number, so the newest are left for the end, when nobody writes.
 */

import type { Store } from '../../core/store.ts';
import { PAGE } from './held.ts';
import type { Pace } from './pace.ts';

/** So many lines are newer than any that is copied while lines are being written. */
const LEFT = PAGE;
const LOOK = 4 * PAGE + LEFT;

export class AuditCopy {
  readonly #source: Store;
  readonly #target: Store;
  readonly #pace: Pace;
  #seq = 0;

  constructor(source: Store, target: Store, pace: Pace) {
    this.#source = source;
    this.#target = target;
    this.#pace = pace;
  }

  /** All but the newest. `between`: after every look, so that others keep up. */
  async most(between: () => Promise<void>): Promise<void> {
    for (;;) {
      await between();
      const lines = await this.#source.archive.audit(this.#seq, LOOK);
      if (lines.length < LOOK) return;
      await this.#put(lines.slice(0, -LEFT));
    }
  }

  /** What is left, and how much that was. */
  async rest(): Promise<number> {
    for (let count = 0; ; ) {
      const lines = await this.#source.archive.audit(this.#seq, PAGE);
      await this.#put(lines);
      count += lines.length;
      if (lines.length < PAGE) return count;
    }
  }

  async #put(lines: Awaited<ReturnType<Store['archive']['audit']>>): Promise<void> {
    for (let from = 0; from < lines.length; from += PAGE) {
      const audit = lines.slice(from, from + PAGE);
      await this.#target.archive.put({ audit });
      this.#seq = audit.at(-1)?.seq ?? this.#seq;
      this.#pace.wrote('audit', audit.length);
    }
  }
}
