/**
 * Whether a Redis keeps what it acknowledges: an append-only file, and no eviction. Without both the start is refused,
 * unless the operator says `allowVolatile`: a component's refresh token that is forgotten cannot be asked for again.
 *
 * Managed offerings may forbid CONFIG; INFO then tells all but how often the file is flushed.
 */

import { ZhongkongError } from '../../core/errors.ts';
import type { Bilingual } from '../../core/failure.ts';
import type { RedisConnection } from './connection.ts';

/** What a server says of itself; null where it does not tell. */
export interface ServerFacts {
  readonly version: string | null;
  readonly appendonly: string | null;
  readonly appendfsync: string | null;
  readonly maxmemoryPolicy: string | null;
}

/** Users with names, and scripts that may ask the time and write. */
const OLDEST_MAJOR = 6;

export async function serverFacts(redis: RedisConnection): Promise<ServerFacts> {
  const info = await asked(() => redis.command((client) => client.info()));
  const field = (name: string): string | null => new RegExp(`^${name}:(.+?)\\r?$`, 'm').exec(info ?? '')?.[1] ?? null;
  const config = async (name: string): Promise<string | null> => {
    const reply = await asked(() => redis.command((client) => client.config('GET', name)));
    return Array.isArray(reply) && typeof reply[1] === 'string' ? reply[1] : null;
  };
  const aof = field('aof_enabled');
  return {
    version: field('redis_version'),
    appendonly: (await config('appendonly')) ?? (aof === null ? null : aof === '1' ? 'yes' : 'no'),
    appendfsync: await config('appendfsync'),
    maxmemoryPolicy: (await config('maxmemory-policy')) ?? field('maxmemory_policy'),
  };
}

/** Null when the server refuses to tell; what keeps it from answering at all is met by the next command. */
async function asked<T>(ask: () => Promise<T>): Promise<T | null> {
  try {
    return await ask();
  } catch {
    return null;
  }
}

/** Throws `config_invalid` for a server that may forget, unless that is allowed. What remains to be said comes back. */
export function judge(
  facts: ServerFacts,
  { place, allowVolatile }: { readonly place: string; readonly allowVolatile: boolean },
): readonly Bilingual[] {
  const { version, appendonly, appendfsync, maxmemoryPolicy } = facts;
  if (version !== null && Number.parseInt(version, 10) < OLDEST_MAJOR) {
    throw new ZhongkongError('config_invalid', {
      en: `store: ${place} is Redis ${version}; version ${OLDEST_MAJOR} or newer is needed`,
      zh: `store：${place} 是 Redis ${version}，需要 ${OLDEST_MAJOR} 或更新的版本`,
    });
  }
  const risks = [
    appendonly !== 'yes' && `appendonly ${appendonly ?? 'unknown'}`,
    maxmemoryPolicy !== 'noeviction' && `maxmemory-policy ${maxmemoryPolicy ?? 'unknown'}`,
  ].filter((risk) => risk !== false);
  if (risks.length > 0 && !allowVolatile) {
    throw new ZhongkongError(
      'config_invalid',
      {
        en: `store: ${place} may forget what it acknowledged (${risks.join(', ')})`,
        zh: `store：${place} 可能丢失已确认的数据（${risks.join('、')}）`,
      },
      {
        advice: {
          en: 'Set "appendonly yes", "appendfsync always" and "maxmemory-policy noeviction" in Redis. For trials, or when you take the risk, add allowVolatile=true to the URL: redis://…?allowVolatile=true',
          zh: '请在 Redis 中设置 appendonly yes、appendfsync always 和 maxmemory-policy noeviction；仅供试用或愿意承担风险时，可在 URL 后加 allowVolatile=true：redis://…?allowVolatile=true',
        },
      },
    );
  }
  if (risks.length > 0) {
    return [
      {
        en: `${place} may forget what it acknowledged (${risks.join(', ')}), which allowVolatile=true permits. Do not use it for what cannot be issued again.`,
        zh: `${place} 可能丢失已确认的数据（${risks.join('、')}），因 allowVolatile=true 而放行；请勿用于无法重新获取的凭据。`,
      },
    ];
  }
  if (appendfsync === 'always') return [];
  return [
    {
      en: `${place} has appendfsync ${appendfsync ?? 'unknown'}: a power cut may take the last second of what was acknowledged. With "always" nothing is lost.`,
      zh: `${place} 的 appendfsync 为 ${appendfsync ?? '未知'}：断电可能丢失最后一秒已确认的数据；设为 always 则不会丢失。`,
    },
  ];
}
