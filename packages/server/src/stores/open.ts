/**
 * From the option `store` to an opened store. Drivers are loaded only when their scheme is asked for.
 *
 * Errors name the scheme and never the rest: a URL may hold a password.
 */

import { ZhongkongError } from '../core/errors.ts';
import type { Store } from '../core/store.ts';

export interface OpenStoreOptions {
  /** The clock of stores without a server, epoch ms. Default: the machine's. */
  readonly now?: () => number;
  /** Replaces the clock of stores with a server, epoch ms: for tests that move time. Default: the server's. */
  readonly serverNow?: () => number;
}

/** `rest` is what follows the scheme's colon. */
type Open = (rest: string, options: OpenStoreOptions) => Promise<Store>;

const openPostgres: Open = async (rest, { serverNow }) =>
  (await import('./sql/postgres.ts')).openPostgres(`postgres:${rest}`, serverNow ? { serverNow } : {});

const openMysql: Open = async (rest, { serverNow }) =>
  (await import('./sql/mysql.ts')).openMysql(`mysql:${rest}`, serverNow ? { serverNow } : {});

const OPENERS: Readonly<Record<string, Open>> = {
  postgres: openPostgres,
  postgresql: openPostgres,
  mysql: openMysql,
  mariadb: openMysql,
  sqlite: async (path, options) => (await import('./sql/sqlite.ts')).openSqlite(path, options),
  memory: async (rest, { now = Date.now }) => {
    if (rest !== '') throw new ZhongkongError('config_invalid', 'store: "memory:" takes nothing after the colon');
    return (await import('./memory/index.ts')).createMemoryStore({ now });
  },
};

/** Schemes of the contract that later versions open. */
const LATER: ReadonlySet<string> = new Set(['redis', 'rediss']);

/**
 * Opens `sqlite:PATH` (relative to the working directory), `postgres://…`, `mysql://…` or `memory:`.
 * Throws `config_invalid` for anything else, `store_unavailable` when what it names cannot be used.
 */
export async function openStore(url: string, options: OpenStoreOptions = {}): Promise<Store> {
  const colon = url.indexOf(':');
  const scheme = colon < 0 ? '' : url.slice(0, colon).toLowerCase();
  const open = Object.hasOwn(OPENERS, scheme) ? OPENERS[scheme] : undefined;
  if (open) return open(url.slice(colon + 1), options);
  if (LATER.has(scheme)) {
    throw new ZhongkongError('config_invalid', `store: "${scheme}:" is not available in this version; use "sqlite:PATH"`);
  }
  const name = scheme === '' ? 'it has no scheme' : `unknown scheme "${scheme}:"`;
  throw new ZhongkongError('config_invalid', `store: ${name}; use "sqlite:PATH", "postgres://…", "mysql://…" or "memory:"`);
}
