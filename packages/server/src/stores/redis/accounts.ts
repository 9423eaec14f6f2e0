/** Accounts in the directory: written under their revision, found by id and by AppID. */

import type { Account } from '../../core/account.ts';
import type { Page } from '../../core/store.ts';
import type { RedisConnection } from './connection.ts';
import { keyOf } from './keys.ts';
import { ACCOUNTS_BY_APP_ID, ACCOUNTS_PAGE, PUT_ACCOUNT, REMOVE_ACCOUNT } from './lua/directory.ts';
import { record, records } from './record.ts';

export class RedisAccounts {
  readonly #redis: RedisConnection;
  readonly #key: string;

  constructor(redis: RedisConnection) {
    this.#redis = redis;
    this.#key = keyOf(redis.target.prefix, 'accounts');
  }

  async get(id: string): Promise<Account | null> {
    return record(await this.#redis.command((redis) => redis.hget(this.#key, id)));
  }

  async byAppId(appId: string): Promise<readonly Account[]> {
    return records(await this.#redis.run(ACCOUNTS_BY_APP_ID, { app_id: appId }));
  }

  async page({ after, limit }: Page): Promise<readonly Account[]> {
    return records(await this.#redis.run(ACCOUNTS_PAGE, { after: after ?? '', limit }));
  }

  async count(): Promise<number> {
    return this.#redis.command((redis) => redis.hlen(this.#key));
  }

  async put(account: Account): Promise<'written' | 'conflict'> {
    const { id, revision, appId, platform, parent } = account;
    const next: Account = { ...account, revision: revision + 1 };
    const args = { id, revision, app_id: appId, platform, parent, record: JSON.stringify(next) };
    return (await this.#redis.run(PUT_ACCOUNT, args)) === 1 ? 'written' : 'conflict';
  }

  async remove(id: string): Promise<boolean> {
    return (await this.#redis.run(REMOVE_ACCOUNT, { id })) === 1;
  }
}
