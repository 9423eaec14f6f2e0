/**
 * Callers that still send the real AppSecret: let in while a team moves over, where the configuration says so.
 *
 * The secret opens exactly its own account, for reading, and counts as an unlimited key of that account.
 */

import type { Accounts } from '../core/accounts.ts';
import type { ApiKeyRecord } from '../core/api-key.ts';

/** The caller that this AppSecret stands for, or null. */
export async function migratingCaller(accounts: Accounts, appId: string, secret: string): Promise<ApiKeyRecord | null> {
  for (const account of await accounts.byAppId(appId)) {
    if (accounts.ownsSecret(account, secret)) return callerFor(account.id);
  }
  return null;
}

/** No key has such an id. */
const callerFor = (account: string): ApiKeyRecord => ({
  id: `appsecret:${account}`,
  name: `appsecret:${account}`,
  digest: '',
  scopes: ['credential:read'],
  accounts: [account],
  kinds: null,
  paths: null,
  callsPerMinute: null,
  cidrs: null,
  sealed: false,
  expiresAt: null,
  revokedAt: null,
  createdAt: 0,
  revision: 0,
});
