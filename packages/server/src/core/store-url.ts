/**
 * The stores that the option `store` can name: the one list of their URL schemes.
 *
 * What a later version opens is known already, so that it is refused with the right words and before anything else is
 * asked for. Opening is `stores/open.ts`'s affair.
 */

import type { Bilingual } from './failure.ts';

interface StoreKind {
  readonly schemes: readonly string[];
  /** How it is written, for people. */
  readonly form: string;
  /** What follows the scheme's colon. */
  readonly rest: RegExp;
  /** Other machines can use it too, so its keys must be given and not made. */
  readonly shared: boolean;
  /** This version opens it. */
  readonly available: boolean;
}

/** A URL of a server; what follows is its driver's to judge. */
const SERVER = /^\/\/./;

const STORE_KINDS: readonly StoreKind[] = [
  // SQLite's own `:memory:` would be a second word for `memory:`.
  { schemes: ['sqlite'], form: 'sqlite:PATH', rest: /^(?!:memory:$)[^\0]+$/, shared: false, available: true },
  { schemes: ['memory'], form: 'memory:', rest: /^$/, shared: false, available: true },
  { schemes: ['postgres', 'postgresql'], form: 'postgres://…', rest: SERVER, shared: true, available: false },
  { schemes: ['mysql', 'mariadb'], form: 'mysql://…', rest: SERVER, shared: true, available: false },
  { schemes: ['redis', 'rediss'], form: 'redis://…', rest: SERVER, shared: true, available: true },
];

const SCHEME = /^([a-z][a-z0-9+.-]{0,23}):(.*)$/is;

/** Its scheme in lower case and what follows the colon; null when it has none. */
export function splitStoreUrl(url: string): { readonly scheme: string; readonly rest: string } | null {
  const [, scheme, rest] = SCHEME.exec(url) ?? [];
  return scheme === undefined || rest === undefined ? null : { scheme: scheme.toLowerCase(), rest };
}

const kindOf = (scheme: string): StoreKind | undefined => STORE_KINDS.find(({ schemes }) => schemes.includes(scheme));

/** False also for what is no store at all. */
export const isShared = (url: string): boolean => kindOf(splitStoreUrl(url)?.scheme ?? '')?.shared ?? false;

const FORMS = STORE_KINDS.filter(({ available }) => available).map(({ form }) => form);

/** What this version opens, for messages. */
export const STORE_FORMS: Bilingual = { en: FORMS.join(' or '), zh: FORMS.join(' 或 ') };

/** Why this version does not open `url`; null when it does. Names the scheme and never the rest, which may hold a password. */
export function storeUrlFault(url: string): Bilingual | null {
  const parts = splitStoreUrl(url);
  if (parts === null) return { en: 'it has no scheme', zh: '缺少 scheme' };
  const { scheme, rest } = parts;
  const kind = kindOf(scheme);
  if (!kind) return { en: `unknown scheme "${scheme}:"`, zh: `未知的 scheme “${scheme}:”` };
  if (!kind.available) return { en: `"${scheme}:" is not available in this version`, zh: `当前版本尚不支持 “${scheme}:”` };
  return kind.rest.test(rest) ? null : { en: `"${scheme}:" is written ${kind.form}`, zh: `“${scheme}:” 的写法为 ${kind.form}` };
}
