/** Opens a Redis as a Store: connects, looks at what it can be trusted with, and at whose data is there. */

import type { Store } from '../../core/store.ts';
import { schemaNewer } from '../schema-newer.ts';
import { RedisArchive } from './archive.ts';
import { RedisConnection, type RedisConnectionOptions } from './connection.ts';
import { RedisCredentials } from './credentials.ts';
import { RedisDirectory } from './directory.ts';
import { judge, serverFacts } from './durability.ts';
import { OPEN, PING } from './lua/life.ts';
import { RedisNotices } from './notices.ts';
import { parseRedisUrl } from './url.ts';

export interface RedisLayout {
  readonly number: number;
  /** The number of the oldest layout whose code may work beside this one. */
  readonly servesFrom: number;
}

/** The layout that docs/storage-schema.md describes. */
const LAYOUT: RedisLayout = { number: 1, servesFrom: 1 };

export interface RedisOptions extends RedisConnectionOptions {
  /** The layout that is known. Default: that of this code; another one is for tests of an upgrade. */
  readonly layout?: RedisLayout;
}

/** `rest` is what follows the scheme and its colon. Throws `store_unavailable` or `config_invalid`. */
export async function openRedis(scheme: 'redis' | 'rediss', rest: string, options: RedisOptions = {}): Promise<Store> {
  const target = parseRedisUrl(scheme, rest);
  const { layout = LAYOUT } = options;
  const redis = await RedisConnection.open(target, options);
  try {
    const warnings = judge(await serverFacts(redis), target);
    const found = await redis.run(OPEN, { known: layout.number, serves_from: layout.servesFrom, seen: 0 });
    const number = refuseNewer(found, target.place, layout);
    return { ...storeOn(redis, warnings, layout), schema: { found: number, now: number } };
  } catch (error) {
    await redis.close();
    throw error;
  }
}

function storeOn(redis: RedisConnection, warnings: NonNullable<Store['warnings']>, layout: RedisLayout): Store {
  const credentials = new RedisCredentials(redis);
  const notices = new RedisNotices(redis);
  return {
    credentials,
    due: credentials,
    directory: new RedisDirectory(redis),
    archive: new RedisArchive(redis),
    notices,
    warnings,
    async ping() {
      refuseNewer(await redis.run(PING, { known: layout.number, serves_from: layout.servesFrom }), redis.target.place, layout);
    },
    async close() {
      notices.close();
      await redis.close();
    },
  };
}

/** Not the store's trouble: what this version would write is no longer right, so the server stops being ready. The number that was found. */
function refuseNewer(found: unknown, place: string, { number }: RedisLayout): number {
  const [schema, servesFrom] = found as readonly [string, string | null];
  if (Number(schema) > number && Number(servesFrom ?? schema) > number) throw schemaNewer(place, Number(schema), number);
  return Number(schema);
}
