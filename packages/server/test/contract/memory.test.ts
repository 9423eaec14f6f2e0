/** The contract on the memory store: two handles on one state. */

import { describe } from 'vitest';
import { createMemoryStore, MemoryState } from '../../src/stores/memory/index.ts';
import { storeContract } from './suites/store.ts';

describe('memory', () => {
  storeContract(async (now) => {
    const state = new MemoryState();
    return { a: createMemoryStore({ now, state }), b: createMemoryStore({ now, state }) };
  });
});
