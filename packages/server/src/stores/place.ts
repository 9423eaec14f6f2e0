/** What people are told a store is: where it lives, without user, password and parameters. Loads no driver. */

import { MYSQL, parseServerUrl, POSTGRES, type ServerKind } from './sql/server-url.ts';

const SERVERS: Readonly<Record<string, ServerKind>> = { postgres: POSTGRES, postgresql: POSTGRES, mysql: MYSQL, mariadb: MYSQL };

/** The file of an embedded store, host and database of a server; null where there is nothing to tell. */
export function storePlace(url: string): string | null {
  const colon = url.indexOf(':');
  const scheme = url.slice(0, colon).toLowerCase();
  if (scheme === 'sqlite') return url.slice(colon + 1);
  const kind = Object.hasOwn(SERVERS, scheme) ? SERVERS[scheme] : undefined;
  try {
    return kind ? parseServerUrl(url, kind).place : null;
  } catch {
    // Opening it says what is wrong with it.
    return null;
  }
}
