/** Opens a Redis as a Store. */

import type { Store } from '../../core/store.ts';
import { RedisConnection, type RedisConnectionOptions } from './connection.ts';
import { RedisCredentials } from './credentials.ts';
import { parseRedisUrl } from './url.ts';

export type RedisOptions = RedisConnectionOptions;

/** `rest` is what follows the scheme and its colon. Throws `store_unavailable` or `config_invalid`. */
export async function openRedis(scheme: 'redis' | 'rediss', rest: string, options: RedisOptions = {}): Promise<Store> {
  const redis = await RedisConnection.open(parseRedisUrl(scheme, rest), options);
  const credentials = new RedisCredentials(redis);
  return {
    credentials,
    due: credentials,
    directory: null as never,
    ping: async () => undefined,
    close: () => redis.close(),
  };
}
