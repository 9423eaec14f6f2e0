/**
 * The stores that the option `store` can name: the one list of their URL schemes. Opening is `stores/open.ts`'s affair.
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
}

/** A URL of a server; what follows is its driver's to judge. */
const SERVER = /^\/\/./;

const STORE_KINDS: readonly StoreKind[] = [
  // SQLite's own `:memory:` would be a second word for `memory:`.
  { schemes: ['sqlite'], form: 'sqlite:PATH', rest: /^(?!:memory:$)[^\0]+$/, shared: false },
  { schemes: ['memory'], form: 'memory:', rest: /^$/, shared: false },
  { schemes: ['postgres', 'postgresql'], form: 'postgres://…', rest: SERVER, shared: true },
  { schemes: ['mysql', 'mariadb'], form: 'mysql://…', rest: SERVER, shared: true },
  { schemes: ['redis', 'rediss'], form: 'redis://…', rest: SERVER, shared: true },
];

/** A user with a password in a URL. */
export const holdsPassword = (url: string): boolean => /:\/\/[^/@]*:[^@]*@/.test(url);

const SCHEME = /^([a-z][a-z0-9+.-]{0,23}):(.*)$/is;

/** Its scheme in lower case and what follows the colon; null when it has none. */
export function splitStoreUrl(url: string): { readonly scheme: string; readonly rest: string } | null {
  const [, scheme, rest] = SCHEME.exec(url) ?? [];
  return scheme === undefined || rest === undefined ? null : { scheme: scheme.toLowerCase(), rest };
}

const kindOf = (scheme: string): StoreKind | undefined => STORE_KINDS.find(({ schemes }) => schemes.includes(scheme));

/** False also for what is no store at all. */
export const isShared = (url: string): boolean => kindOf(splitStoreUrl(url)?.scheme ?? '')?.shared ?? false;

const FORMS = STORE_KINDS.map(({ form }) => form);
const LAST = FORMS.at(-1);
const BUT_LAST = FORMS.slice(0, -1);

/** What can be opened, for messages. */
export const STORE_FORMS: Bilingual = { en: `${BUT_LAST.join(', ')} or ${LAST}`, zh: `${BUT_LAST.join('、')} 或 ${LAST}` };

/** Why `url` cannot be opened; null when it does. Names the scheme and never the rest, which may hold a password. */
export function storeUrlFault(url: string): Bilingual | null {
  const parts = splitStoreUrl(url);
  if (parts === null) return { en: 'it has no scheme', zh: '缺少 scheme' };
  const { scheme, rest } = parts;
  const kind = kindOf(scheme);
  if (!kind) return { en: `unknown scheme "${scheme}:"`, zh: `未知的 scheme “${scheme}:”` };
  return kind.rest.test(rest) ? null : { en: `"${scheme}:" is written ${kind.form}`, zh: `“${scheme}:” 的写法为 ${kind.form}` };
}
