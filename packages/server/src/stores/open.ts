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

interface StoreKind {
  /** The package that speaks to it; null: none. */
  readonly driver: string | null;
  /** `rest` is what follows the scheme's colon. */
  open(rest: string, options: OpenStoreOptions): Promise<Store>;
}

const SQLITE: StoreKind = {
  driver: 'libsql',
  open: async (path, options) => (await import('./sql/sqlite.ts')).openSqlite(path, options),
};
const POSTGRES: StoreKind = {
  driver: 'pg',
  open: async (rest, { serverNow }) => (await import('./sql/postgres.ts')).openPostgres(`postgres:${rest}`, serverNow ? { serverNow } : {}),
};
const MYSQL: StoreKind = {
  driver: 'mysql2',
  open: async (rest, { serverNow }) => (await import('./sql/mysql.ts')).openMysql(`mysql:${rest}`, serverNow ? { serverNow } : {}),
};
const redis = (scheme: 'redis' | 'rediss'): StoreKind => ({
  driver: 'ioredis',
  open: async (rest) => (await import('./redis/open.ts')).openRedis(scheme, rest),
});
const MEMORY: StoreKind = {
  driver: null,
  open: async (_, { now = Date.now }) => (await import('./memory/index.ts')).createMemoryStore({ now }),
};

/** By scheme; those that `core/store-url.ts` calls available. */
const KINDS: Readonly<Record<string, StoreKind>> = {
  sqlite: SQLITE,
  postgres: POSTGRES,
  postgresql: POSTGRES,
  mysql: MYSQL,
  mariadb: MYSQL,
  redis: redis('redis'),
  rediss: redis('rediss'),
  memory: MEMORY,
};

const CANNOT_LOAD: ReadonlySet<unknown> = new Set(['ERR_MODULE_NOT_FOUND', 'MODULE_NOT_FOUND', 'ERR_DLOPEN_FAILED']);

/**
 * Loads the driver before the modules that import it: on Node 20 a package that fails inside of them ends the process
 * although the import was caught. Throws `config_invalid` when it is not installed, or not for this system.
 */
export async function loadDriver(scheme: string, driver: string): Promise<void> {
  try {
    await import(driver);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (!CANNOT_LOAD.has(code)) throw error;
    const what = {
      en: `store: the driver of ${scheme}: cannot be loaded: ${driver} (${code})`,
      zh: `store：无法加载 ${scheme} 的驱动 ${driver}（${code}）`,
    };
    const advice = {
      en: `Install it beside zhongkong: npm install ${driver}. If it is there, install again on this very system and without --omit=optional: a part of it is made for one system.`,
      zh: `请在 zhongkong 旁安装：npm install ${driver}。若已安装，请在本机重新安装，且不要使用 --omit=optional：其中有针对特定系统的部分。`,
    };
    throw new ZhongkongError('config_invalid', what, { cause: error, advice });
  }
}

/**
 * Opens `sqlite:PATH` (relative to the working directory), `postgres://…`, `mysql://…`, `redis://…` or `memory:`.
 * Throws `config_invalid` for anything else, `store_unavailable` when what it names cannot be used.
 */
export async function openStore(url: string, options: OpenStoreOptions = {}): Promise<Store> {
  const fault = storeUrlFault(url);
  const parts = splitStoreUrl(url);
  const kind = parts && Object.hasOwn(KINDS, parts.scheme) ? KINDS[parts.scheme] : undefined;
  if (fault === null && kind && parts) {
    if (kind.driver !== null) await loadDriver(parts.scheme, kind.driver);
    return kind.open(parts.rest, options);
  }
  const { en, zh } = fault ?? { en: 'it has no opener', zh: '无法打开' };
  throw new ZhongkongError('config_invalid', { en: `store: ${en}; use ${STORE_FORMS.en}`, zh: `store：${zh}，请使用 ${STORE_FORMS.zh}` });
}
