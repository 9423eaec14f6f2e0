/**
 * Broken variants of the product, made at its ports: each must be found out by the referee.
 *
 * A simulation that finds nothing proves something only if it would have found these.
 */

import { credentialKey } from '../src/core/credential.ts';
import type { Acquired, CredentialStore, DueQueue, StoredCredential } from '../src/core/store.ts';
import type { MemoryState } from '../src/stores/memory/index.ts';

export const MUTATIONS = {
  'no-fence': 'leases carry no number: whoever held one can write',
  'no-condition': 'a commit is written whatever happened meanwhile',
  'no-re-read': 'under a lease, go on from what this process last saw',
  'no-intent': 'nothing is written before a call that may kill',
  'no-last-look': 'send whether or not the lease outlasts the call',
  'no-compare': 'a reported value is taken for the current one',
  'no-takeover': 'nobody hears that a lease was taken over, so nobody looks at what its holder may have done',
} as const;

export type Mutation = keyof typeof MUTATIONS;

export interface StoreMutations {
  readonly credentials: (real: CredentialStore) => CredentialStore;
  readonly due: (real: DueQueue) => DueQueue;
}

const NONE: StoreMutations = { credentials: (real) => real, due: (real) => real };

/** The store as one process of the mutant sees it. */
export function storeMutations(mutation: Mutation | null, state: MemoryState): StoreMutations {
  switch (mutation) {
    case 'no-fence':
    case 'no-condition':
      return { ...NONE, credentials: (real) => unconditional(real, state, mutation === 'no-condition') };
    case 'no-intent':
      return { ...NONE, credentials: withoutIntents };
    case 'no-re-read':
      return withoutReRead();
    case 'no-takeover':
      return withoutTakeovers();
    default:
      return NONE;
  }
}

const over = (real: CredentialStore, changes: Partial<CredentialStore>): CredentialStore => ({
  now: () => real.now(),
  read: (id) => real.read(id),
  list: (account) => real.list(account),
  acquire: (id, holder, ms) => real.acquire(id, holder, ms),
  write: (lease, next, options) => real.write(lease, next, options),
  release: (lease) => real.release(lease),
  schedule: (id, at) => real.schedule(id, at),
  removeAll: (account) => real.removeAll(account),
  ...changes,
});

/** Writes under the row's own fence; `always` even makes a removed row again. */
function unconditional(real: CredentialStore, state: MemoryState, always: boolean): CredentialStore {
  return over(real, {
    async write(lease, next, options) {
      const key = credentialKey(lease.id);
      if (always && !state.rows.has(key)) await real.schedule(lease.id, null);
      const row = state.rows.get(key);
      return row ? real.write({ ...lease, fence: row.fence }, next, options) : 'stale';
    },
  });
}

function withoutIntents(real: CredentialStore): CredentialStore {
  return over(real, {
    write: (lease, next, options) =>
      real.write(lease, { ...next, body: next.body.replace(/"intent":\{[^}]*\}/, '"intent":null') }, options),
  });
}

function withoutTakeovers(): StoreMutations {
  const untold = (got: Acquired): Acquired => ({ ...got, lease: { ...got.lease, takenOver: false } });
  return {
    credentials: (real) =>
      over(real, {
        async acquire(id, holder, ms) {
          const got = await real.acquire(id, holder, ms);
          return 'lease' in got ? untold(got) : got;
        },
      }),
    due: (real) => ({
      claim: async (holder, ms, limit) => (await real.claim(holder, ms, limit)).map(untold),
      nextDueAt: () => real.nextDueAt(),
    }),
  };
}

function withoutReRead(): StoreMutations {
  const seen = new Map<string, StoredCredential>();
  const stale = (got: Acquired): Acquired => {
    const key = credentialKey(got.stored.id);
    const last = seen.get(key);
    if (!last) seen.set(key, got.stored);
    return last ? { ...got, stored: last } : got;
  };
  return {
    credentials: (real) =>
      over(real, {
        async read(id) {
          const stored = await real.read(id);
          if (stored) seen.set(credentialKey(id), stored);
          return stored;
        },
        async acquire(id, holder, ms) {
          const got = await real.acquire(id, holder, ms);
          return 'lease' in got ? stale(got) : got;
        },
        async write(lease, next, options) {
          const outcome = await real.write(lease, next, options);
          if (outcome === 'committed') seen.set(credentialKey(lease.id), { id: lease.id, fence: lease.fence, ...next });
          return outcome;
        },
      }),
    due: (real) => ({
      claim: async (holder, ms, limit) => (await real.claim(holder, ms, limit)).map(stale),
      nextDueAt: () => real.nextDueAt(),
    }),
  };
}
