/**
 * Keeps this node's memory honest: polls the store for changes that others made and drops what they concern.
 *
 * The cursor is the store's, so a missed round is made up for by the next one.
 */

import type { Change, Directory } from './store.ts';

export interface WatcherDeps {
  readonly directory: Directory;
  /** Drop what one change concerns. */
  readonly drop: (change: Change) => void;
  /** Drop everything: too much changed to list. */
  readonly dropAll: () => void;
}

/** A poll of 2 s at 5,000 changes a second: some 2,500 refreshes, of all nodes. */
const PAGE = 10_000;

export class Watcher {
  readonly #deps: WatcherDeps;
  #cursor: string | null = null;

  constructor(deps: WatcherDeps) {
    this.#deps = deps;
  }

  /** One round: everything that changed since the last. The first round only finds out where "now" is. */
  async poll(): Promise<void> {
    const { directory, drop, dropAll } = this.#deps;
    const isFirst = this.#cursor === null;
    const page = await directory.changes(this.#cursor, PAGE);
    this.#cursor = page.cursor;
    if (page.overflow) dropAll();
    else if (!isFirst) page.changes.forEach(drop);
  }
}
