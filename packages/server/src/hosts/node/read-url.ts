/**
 * Recognises the URLs of the hottest reads in their one plain spelling, as clients and SDKs send them.
 *
 * Anything else about a URL (a further parameter, an escape, a repeated or oddly ordered something) is null: the app
 * reads it then. Runs once per spelling; the fast path remembers the outcome.
 */

import { DROPIN_KIND } from '../../dropin/dropin.ts';
import { refusedPath } from '../../http/path.ts';

export interface ReadUrl {
  readonly surface: 'v1' | 'dropin';
  /** Under `/v1` the account's id, on the drop-in the AppID. */
  readonly account: string;
  /** Null: the account's main kind. */
  readonly kind: string | null;
  /** The API key, when the URL carries it. */
  readonly key: string | null;
}

const V1 = /^\/v1\/accounts\/([A-Za-z0-9_.:@-]{1,128})\/(?:token|credentials\/([a-z_]{1,64}))$/;
const DROPIN = '/cgi-bin/token?';
const PLAIN = /^[A-Za-z0-9_.-]{1,128}$/;

export function readUrl(url: string): ReadUrl | null {
  if (url.startsWith(DROPIN)) return readDropin(url.slice(DROPIN.length));
  const [, account, kind] = V1.exec(url) ?? [];
  if (account === undefined || refusedPath(url)) return null;
  return { surface: 'v1', account, kind: kind ?? null, key: null };
}

/** Exactly grant_type, appid and secret, each once, in any order. */
function readDropin(query: string): ReadUrl | null {
  const pairs = query.split('&').map((pair) => pair.split('='));
  if (pairs.length !== 3 || pairs.some(({ length }) => length !== 2)) return null;
  const { grant_type, appid, secret } = Object.fromEntries(pairs) as Partial<Record<string, string>>;
  if (grant_type !== 'client_credential' || appid === undefined || secret === undefined) return null;
  return PLAIN.test(appid) && PLAIN.test(secret) ? { surface: 'dropin', account: appid, kind: DROPIN_KIND, key: secret } : null;
}
