/**
 * `redis://[USER[:PASSWORD]@]HOST[:PORT][/DATABASE][?prefix=…&allowVolatile=true]`; `rediss://` is the same over TLS.
 *
 * What it does not know it refuses, so that a mistyped option is not a lost one. Nothing of it but the place is shown.
 */

import { ZhongkongError } from '../../core/errors.ts';

export interface RedisTarget {
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly database: number;
  /** What all keys begin with, in braces. Default `zhongkong`. */
  readonly prefix: string;
  /** The operator takes it on himself that Redis may forget what it acknowledged. */
  readonly allowVolatile: boolean;
  /** What messages call it. */
  readonly place: string;
}

const PREFIX = /^[A-Za-z0-9_.-]{1,64}$/;
const DEFAULT_PORT = 6379;

const invalid = (en: string, zh: string): ZhongkongError =>
  new ZhongkongError('config_invalid', { en: `store: ${en}`, zh: `store：${zh}` });

/** `rest` is what follows the scheme and its colon. Throws `config_invalid`. */
export function parseRedisUrl(scheme: 'redis' | 'rediss', rest: string): RedisTarget {
  // Parsed as http, whose rules for hosts and ports are those meant here.
  const url = rest.startsWith('//') && URL.canParse(`http:${rest}`) ? new URL(`http:${rest}`) : null;
  if (url === null || url.hash !== '') {
    const form = `${scheme}://[USER:PASSWORD@]HOST[:PORT][/DATABASE]`;
    throw invalid(
      `a ${scheme}:// URL must be ${form}; write special characters as %XX`,
      `${scheme}:// 的写法为 ${form}，特殊字符需写成 %XX`,
    );
  }
  const database = /^\/?(\d{1,6})?$/.exec(url.pathname);
  if (!database)
    throw invalid(
      `the path of a ${scheme}:// URL must be the number of a database, such as /0`,
      `${scheme}:// 的路径须为数据库编号，例如 /0`,
    );
  const { prefix, allowVolatile } = parameters(url.searchParams);
  // The http scheme drops its own default port, 80.
  const port = url.port === '' ? (/^\/\/[^/?]*:80(?:[/?]|$)/.test(rest) ? 80 : DEFAULT_PORT) : Number(url.port);
  const number = Number(database[1] ?? 0);
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port,
    tls: scheme === 'rediss',
    username: decoded(url.username),
    password: decoded(url.password),
    database: number,
    prefix,
    allowVolatile,
    place: `${scheme}://${url.hostname}:${port}/${number}`,
  };
}

function parameters(query: URLSearchParams): Pick<RedisTarget, 'prefix' | 'allowVolatile'> {
  let prefix = 'zhongkong';
  let allowVolatile = false;
  for (const [name, value] of query) {
    if (name === 'prefix' && PREFIX.test(value)) prefix = value;
    else if (name === 'allowVolatile' && (value === 'true' || value === 'false')) allowVolatile = value === 'true';
    else if (name === 'prefix')
      throw invalid('prefix must be 1 to 64 of A-Z a-z 0-9 _ . -', 'prefix 须为 1 到 64 个 A-Z a-z 0-9 _ . - 字符');
    else if (name === 'allowVolatile') throw invalid('allowVolatile must be true or false', 'allowVolatile 须为 true 或 false');
    else
      throw invalid(
        'a Redis URL may have the parameters prefix and allowVolatile, and no other',
        'Redis 的 URL 只支持 prefix 和 allowVolatile 两个参数',
      );
  }
  return { prefix, allowVolatile };
}

function decoded(text: string): string | undefined {
  if (text === '') return undefined;
  try {
    return decodeURIComponent(text);
  } catch {
    throw invalid('user and password of a URL must be percent-encoded', 'URL 中的用户名和密码须用 %XX 编码');
  }
}
