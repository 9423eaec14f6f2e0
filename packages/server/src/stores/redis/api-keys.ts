/** API keys in the directory: written under their revision, found by id and by digest; a name is free again once its key is revoked. */

import type { ApiKeyRecord } from '../../core/api-key.ts';
import type { Page } from '../../core/store.ts';
import type { RedisConnection } from './connection.ts';
import { keyOf } from './keys.ts';
import { KEY_BY_DIGEST, KEYS_PAGE, PUT_KEY } from './lua/directory.ts';
import { record, records } from './record.ts';

export class RedisApiKeys {
  readonly #redis: RedisConnection;
  readonly #key: string;

  constructor(redis: RedisConnection) {
    this.#redis = redis;
    this.#key = keyOf(redis.target.prefix, 'api_keys');
  }

  async get(id: string): Promise<ApiKeyRecord | null> {
    return record(await this.#redis.command((redis) => redis.hget(this.#key, id)));
  }

  async byDigest(digest: string): Promise<ApiKeyRecord | null> {
    return record(await this.#redis.run(KEY_BY_DIGEST, { digest }));
  }

  async page({ after, limit }: Page): Promise<readonly ApiKeyRecord[]> {
    return records(await this.#redis.run(KEYS_PAGE, { after: after ?? '', limit }));
  }

  async put(key: ApiKeyRecord): Promise<'written' | 'conflict'> {
    const { id, revision, digest, name, revokedAt } = key;
    const next: ApiKeyRecord = { ...key, revision: revision + 1 };
    const args = { id, revision, digest, name, active: revokedAt === null ? 1 : 0, record: JSON.stringify(next) };
    return (await this.#redis.run(PUT_KEY, args)) === 1 ? 'written' : 'conflict';
  }
}
