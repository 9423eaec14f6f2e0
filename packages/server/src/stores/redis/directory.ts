/** Directory over Redis: accounts, keys, audit trail and change log under one roof, and the settings. */

import type { Account } from '../../core/account.ts';
import type { ApiKeyRecord } from '../../core/api-key.ts';
import type { AuditEntry, ChangePage, Directory, Page, StoredAuditEntry } from '../../core/store.ts';
import { RedisAccounts } from './accounts.ts';
import { RedisApiKeys } from './api-keys.ts';
import { RedisAudit } from './audit.ts';
import { readChanges } from './changes.ts';
import type { RedisConnection } from './connection.ts';
import { keyOf } from './keys.ts';
import { PUT_SETTING } from './lua/directory.ts';

export class RedisDirectory implements Directory {
  readonly #redis: RedisConnection;
  readonly #accounts: RedisAccounts;
  readonly #keys: RedisApiKeys;
  readonly #audit: RedisAudit;

  constructor(redis: RedisConnection) {
    this.#redis = redis;
    this.#accounts = new RedisAccounts(redis);
    this.#keys = new RedisApiKeys(redis);
    this.#audit = new RedisAudit(redis);
  }

  account(id: string): Promise<Account | null> {
    return this.#accounts.get(id);
  }
  accountsByAppId(appId: string): Promise<readonly Account[]> {
    return this.#accounts.byAppId(appId);
  }
  accounts(page: Page): Promise<readonly Account[]> {
    return this.#accounts.page(page);
  }
  countAccounts(): Promise<number> {
    return this.#accounts.count();
  }
  putAccount(account: Account): Promise<'written' | 'conflict'> {
    return this.#accounts.put(account);
  }
  removeAccount(id: string): Promise<boolean> {
    return this.#accounts.remove(id);
  }

  key(id: string): Promise<ApiKeyRecord | null> {
    return this.#keys.get(id);
  }
  keyByDigest(digest: string): Promise<ApiKeyRecord | null> {
    return this.#keys.byDigest(digest);
  }
  keys(page: Page): Promise<readonly ApiKeyRecord[]> {
    return this.#keys.page(page);
  }
  putKey(key: ApiKeyRecord): Promise<'written' | 'conflict'> {
    return this.#keys.put(key);
  }

  appendAudit(entries: readonly AuditEntry[]): Promise<void> {
    return this.#audit.append(entries);
  }
  audit(query: Parameters<Directory['audit']>[0]): Promise<readonly StoredAuditEntry[]> {
    return this.#audit.page(query);
  }
  pruneAudit(olderThan: number): Promise<number> {
    return this.#audit.prune(olderThan);
  }

  changes(cursor: string | null, limit: number): Promise<ChangePage> {
    return readChanges(this.#redis, cursor, limit);
  }

  async setting(name: string): Promise<string | null> {
    return this.#redis.command((redis) => redis.hget(keyOf(this.#redis.target.prefix, 'settings'), name));
  }

  async putSetting(name: string, expected: string | null, value: string): Promise<boolean> {
    const args = { name, exists: expected === null ? 0 : 1, expected: expected ?? '', value };
    return (await this.#redis.run(PUT_SETTING, args)) === 1;
  }
}
