/**
 * Everybody's first mistake when moving over: a service still sends the real AppSecret where its API key belongs.
 *
 * The caller is refused as with any unknown key, and the operators are told which account it was. Looks only at accounts
 * that memory has, so that garbage costs no read of the store; at most one word per account and `QUIET_MS`.
 */

import { APP_SECRET } from '../core/account.ts';
import type { Accounts } from '../core/accounts.ts';
import { BoundedMap } from '../core/bounded-map.ts';
import type { EventSink } from '../core/events.ts';
import type { StoreTime } from '../core/store-time.ts';

const QUIET_MS = 600_000;
/** Accounts whose last word is remembered. */
const MAX_REMEMBERED = 10_000;

export interface MisplacedDeps {
  readonly accounts: Accounts;
  readonly time: StoreTime;
  readonly events: EventSink;
}

export class MisplacedSecrets {
  readonly #deps: MisplacedDeps;
  /** By account id: store time of the last word. */
  readonly #toldAt = new BoundedMap<number>(MAX_REMEMBERED);

  constructor(deps: MisplacedDeps) {
    this.#deps = deps;
  }

  /** `secret` was refused as an API key. Never throws: it must not change the answer. */
  look(appId: string, secret: string): void {
    const { accounts, time, events } = this.#deps;
    if (!APP_SECRET.test(secret)) return;
    const named = accounts.cached(appId);
    for (const account of accounts.cachedByAppId(appId) ?? (named ? [named] : [])) {
      const last = this.#toldAt.get(account.id);
      if (last !== undefined && time.now() < last + QUIET_MS) continue;
      try {
        if (!accounts.ownsSecret(account, secret)) continue;
      } catch {
        // Secrets that cannot be unsealed are told where they are needed.
        continue;
      }
      this.#toldAt.set(account.id, time.now());
      events.emit({ type: 'secret.misplaced', account: account.id });
    }
  }
}
