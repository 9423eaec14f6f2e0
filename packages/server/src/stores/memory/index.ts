/**
 * A store that lives in this process and dies with it: `memory:`, tests and the simulation.
 *
 * Two handles on one state behave like two nodes on one database; they have to share one clock.
 */

import type { Store } from '../../core/store.ts';
import { MemoryArchive } from './archive.ts';
import { MemoryCredentials } from './credentials.ts';
import { MemoryDirectory } from './directory.ts';
import { MemoryState } from './state.ts';

export { MemoryState } from './state.ts';

export interface MemoryStoreOptions {
  /** The store's clock: epoch ms. */
  readonly now: () => number;
  /** Share it to open the same store twice. Default: a new, empty one. */
  readonly state?: MemoryState;
}

export function createMemoryStore(options: MemoryStoreOptions): Store {
  const state = options.state ?? new MemoryState();
  const credentials = new MemoryCredentials(state, () => Math.floor(options.now()));
  return {
    credentials,
    directory: new MemoryDirectory(state),
    due: credentials,
    archive: new MemoryArchive(state),
    ping: async () => undefined,
    close: async () => undefined,
  };
}
