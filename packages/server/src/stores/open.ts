/**
 * From the option `store` to an opened store. Drivers are loaded only when their scheme is asked for.
 *
 * Errors name the scheme and never the rest: a URL may hold a password.
 */

import { ZhongkongError } from '../core/errors.ts';
import type { Store } from '../core/store.ts';
import { STORE_FORMS, splitStoreUrl, storeUrlFault } from '../core/store-url.ts';

export interface OpenStoreOptions {
  /** The clock of stores without a server, epoch ms. Default: the machine's. */
  readonly now?: () => number;
  /** Replaces the clock of SQL stores with a server, epoch ms: for tests that move time. Default: the server's. */
  readonly serverNow?: () => number;
}

/** `rest` is what follows the scheme's colon. */
type Open = (rest: string, options: OpenStoreOptions) => Promise<Store>;

const openPostgres: Open = async (rest, { serverNow }) =>
  (await import('./sql/postgres.ts')).openPostgres(`postgres:${rest}`, serverNow ? { serverNow } : {});

const openMysql: Open = async (rest, { serverNow }) =>
  (await import('./sql/mysql.ts')).openMysql(`mysql:${rest}`, serverNow ? { serverNow } : {});

/** By scheme; those that `core/store-url.ts` calls available. */
const OPENERS: Readonly<Record<string, Open>> = {
  sqlite: async (path, options) => (await import('./sql/sqlite.ts')).openSqlite(path, options),
  postgres: openPostgres,
  postgresql: openPostgres,
  mysql: openMysql,
  mariadb: openMysql,
  redis: async (rest) => (await import('./redis/open.ts')).openRedis('redis', rest),
  rediss: async (rest) => (await import('./redis/open.ts')).openRedis('rediss', rest),
  memory: async (_, { now = Date.now }) => (await import('./memory/index.ts')).createMemoryStore({ now }),
};

/**
 * Opens `sqlite:PATH` (relative to the working directory), `postgres://…`, `mysql://…`, `redis://…` or `memory:`.
 * Throws `config_invalid` for anything else, `store_unavailable` when what it names cannot be used.
 */
export async function openStore(url: string, options: OpenStoreOptions = {}): Promise<Store> {
  const fault = storeUrlFault(url);
  const parts = splitStoreUrl(url);
  const open = parts && Object.hasOwn(OPENERS, parts.scheme) ? OPENERS[parts.scheme] : undefined;
  if (fault === null && open && parts) return open(parts.rest, options);
  const { en, zh } = fault ?? { en: 'it has no opener', zh: '无法打开' };
  throw new ZhongkongError('config_invalid', { en: `store: ${en}; use ${STORE_FORMS.en}`, zh: `store：${zh}，请使用 ${STORE_FORMS.zh}` });
}
