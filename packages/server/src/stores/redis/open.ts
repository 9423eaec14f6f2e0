/** Opens a Redis as a Store: connects, looks at what it can be trusted with, and at whose data is there. */

import { ZhongkongError } from '../../core/errors.ts';
import type { Store } from '../../core/store.ts';
import { RedisConnection, type RedisConnectionOptions } from './connection.ts';
import { RedisCredentials } from './credentials.ts';
import { RedisDirectory } from './directory.ts';
import { judge, serverFacts } from './durability.ts';
import { OPEN, PING } from './lua/life.ts';
import { RedisNotices } from './notices.ts';
import { parseRedisUrl } from './url.ts';

/** Number of the layout that docs/storage-schema.md describes. */
const SCHEMA = 1;

/** `rest` is what follows the scheme and its colon. Throws `store_unavailable` or `config_invalid`. */
export async function openRedis(scheme: 'redis' | 'rediss', rest: string, options: RedisConnectionOptions = {}): Promise<Store> {
  const target = parseRedisUrl(scheme, rest);
  const redis = await RedisConnection.open(target, options);
  try {
    const warnings = judge(await serverFacts(redis), target);
    refuseNewer(await redis.run(OPEN, { known: SCHEMA, seen: 0 }), target.place);
    return storeOn(redis, warnings);
  } catch (error) {
    await redis.close();
    throw error;
  }
}

function storeOn(redis: RedisConnection, warnings: NonNullable<Store['warnings']>): Store {
  const credentials = new RedisCredentials(redis);
  const notices = new RedisNotices(redis);
  return {
    credentials,
    due: credentials,
    directory: new RedisDirectory(redis),
    notices,
    warnings,
    async ping() {
      refuseNewer(await redis.run(PING, { known: SCHEMA }), redis.target.place);
    },
    async close() {
      notices.close();
      await redis.close();
    },
  };
}

/** Not the store's trouble: what this version would write is no longer right, so the server stops being ready. */
function refuseNewer(number: unknown, place: string): void {
  if (Number(number) <= SCHEMA) return;
  const what = {
    en: `${place} has schema ${number}, this version of Zhongkong knows schema ${SCHEMA}: a later version has used it`,
    zh: `${place} 的结构版本为 ${number}，当前版本的 Zhongkong 只支持到 ${SCHEMA}：更新的版本已使用过它`,
  };
  throw new ZhongkongError('config_invalid', what, {
    advice: {
      en: 'Start the later version again, or restore a backup from before the upgrade. Nothing was changed.',
      zh: '请改用较新的版本启动，或恢复升级之前的备份。数据未被改动。',
    },
  });
}
