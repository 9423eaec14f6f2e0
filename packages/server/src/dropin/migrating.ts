/**
 * Callers that still send the real AppSecret: let in while a team moves over, where the configuration says so.
 *
 * The secret opens exactly its own account, for reading, and counts as an unlimited key of that account.
 */

import { Gate } from '../access/gate.ts';
import type { Accounts } from '../core/accounts.ts';
import type { ApiKeyRecord } from '../core/api-key.ts';

/** Look-ups of AppIDs that memory does not know, at once and in line: anybody may ask, so they cannot flood the store. */
const LOOKUPS_RUNNING = 16;
const LOOKUPS_WAITING = 1000;

export class MigratingCallers {
  readonly #accounts: Accounts;
  readonly #gate = new Gate(LOOKUPS_RUNNING, LOOKUPS_WAITING);

  constructor(accounts: Accounts) {
    this.#accounts = accounts;
  }

  /** The caller that this AppSecret stands for, or null. Throws `rate_limited` in a flood of unknown AppIDs. */
  async find(appId: string, secret: string): Promise<ApiKeyRecord | null> {
    const accounts = this.#accounts;
    const known = accounts.cachedByAppId(appId) ?? (await this.#gate.run(() => accounts.byAppId(appId)));
    const owner = known.find((account) => accounts.ownsSecret(account, secret));
    return owner ? callerFor(owner.id) : null;
  }
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
