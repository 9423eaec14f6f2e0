/**
 * What a contract suite runs on: two handles on one store, as two nodes have them, and the clock of that store.
 *
 * Handles of one pair share everything but their process memory; pairs share nothing.
 */

import { afterEach, beforeEach } from 'vitest';
import type { Account } from '../../../src/core/account.ts';
import type { ApiKeyRecord } from '../../../src/core/api-key.ts';
import type { CredentialId } from '../../../src/core/credential.ts';
import type { Acquired, Store } from '../../../src/core/store.ts';

export interface Pair {
  readonly a: Store;
  readonly b: Store;
}

/** Opens a new, empty store twice. `now` is its clock; stores with a server of their own cannot take it. */
export type OpenPair = (now: () => number) => Promise<Pair>;

export const START = 1_754_000_000_000;

/** A new store for each test, closed after it. Its clock stands still unless moved. */
export function useStore(open: OpenPair) {
  const state = { now: START };
  let pair: Pair | undefined;
  beforeEach(async () => {
    state.now = START;
    pair = await open(() => state.now);
  });
  afterEach(async () => {
    await pair?.a.close();
    await pair?.b.close();
  });
  const opened = (): Pair => {
    if (!pair) throw new Error('only inside a test');
    return pair;
  };
  return {
    get a(): Store {
      return opened().a;
    },
    get b(): Store {
      return opened().b;
    },
    now: (): number => state.now,
    advance(ms: number): void {
      state.now += ms;
    },
  };
}

export const credentialId = (account = 'wx1', kind = 'access_token', chain = 'stable'): CredentialId => ({ account, kind, chain });

/** The lease that must be there to be had. */
export function granted(result: Acquired | { readonly heldUntil: number }): Acquired {
  if ('lease' in result) return result;
  throw new Error(`held until ${result.heldUntil}`);
}

export function anAccount(id: string, over: Partial<Account> = {}): Account {
  return {
    id,
    platform: 'official-account',
    appId: id,
    parent: '',
    mode: 'stable',
    sealedSecrets: ['v1.aaaaaaaa.c2VhbGVk'],
    secretRevision: 1,
    secretFingerprints: ['0a1b2c3d'],
    enabled: true,
    note: '',
    declaration: '',
    createdAt: START,
    updatedAt: START,
    revision: 0,
    ...over,
  };
}

export function aKey(id: string, over: Partial<ApiKeyRecord> = {}): ApiKeyRecord {
  return {
    id,
    name: `name of ${id}`,
    digest: `digest of ${id}`,
    scopes: ['credential:read'],
    accounts: ['*'],
    kinds: null,
    paths: null,
    callsPerMinute: null,
    cidrs: null,
    sealed: false,
    expiresAt: null,
    revokedAt: null,
    createdAt: START,
    revision: 0,
    ...over,
  };
}
