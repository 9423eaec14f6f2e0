/** An API key's record for tests: everything allowed, unless told otherwise. */

import type { ApiKeyRecord } from '../../../src/core/api-key.ts';

export const keyRecord = (overrides: Partial<ApiKeyRecord> = {}): ApiKeyRecord => ({
  id: 'k_test00000000',
  name: 'test',
  digest: 'digest',
  scopes: ['credential:read'],
  accounts: ['*'],
  kinds: null,
  paths: null,
  callsPerMinute: null,
  cidrs: null,
  sealed: false,
  expiresAt: null,
  revokedAt: null,
  createdAt: 0,
  revision: 1,
  ...overrides,
});

/** Not random at all, but never the same twice. */
export function countingBytes(): (n: number) => Uint8Array {
  let next = 0;
  return (n) => Uint8Array.from({ length: n }, () => (next = (next * 167 + 41) % 251));
}
