/** What people are told a store is: where it lives, without user, password and parameters. Loads no driver. */

import { splitStoreUrl } from '../core/store-url.ts';
import { parseRedisUrl } from './redis/url.ts';
import { MYSQL, parseServerUrl, POSTGRES } from './sql/server-url.ts';

/** By scheme; what follows its colon and the whole URL come in. */
const PLACES: Readonly<Record<string, (rest: string, url: string) => string>> = {
  sqlite: (path) => path,
  postgres: (_, url) => parseServerUrl(url, POSTGRES).place,
  postgresql: (_, url) => parseServerUrl(url, POSTGRES).place,
  mysql: (_, url) => parseServerUrl(url, MYSQL).place,
  mariadb: (_, url) => parseServerUrl(url, MYSQL).place,
  redis: (rest) => parseRedisUrl('redis', rest).place,
  rediss: (rest) => parseRedisUrl('rediss', rest).place,
};

/** The file of an embedded store, host and database of a server; for what cannot be read, its scheme alone. */
export function storePlace(url: string): string {
  const { scheme = '', rest = '' } = splitStoreUrl(url) ?? {};
  try {
    return (Object.hasOwn(PLACES, scheme) ? PLACES[scheme]?.(rest, url) : undefined) ?? `${scheme}:`;
  } catch {
    // Opening it says what is wrong with it.
    return `${scheme}:`;
  }
}
