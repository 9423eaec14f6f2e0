/**
 * What must hold in and among the items of `accounts` and `keys`, beyond the form of each field.
 *
 * Looks at what was written, whether or not the schema took the rest of it: a misspelt name in an account hides neither
 * its wrong platform nor its missing secret.
 */

import type { Bilingual } from '../core/failure.ts';
import { type Mistake, mistake, type Path, pathText, quoted, SECRET, type SourceOf, valueAt } from './mistakes.ts';

/** Modes that accounts of a platform may use, the default first, by platform. */
export type Platforms = Readonly<Record<string, readonly string[]>>;

/** An item of a list as it was written. */
interface Item {
  readonly path: Path;
  /** E.g. `accounts[0]`. */
  readonly at: string;
  readonly has: (field: string) => boolean;
  /** Undefined when it is no text. */
  readonly text: (field: string) => string | undefined;
}

function itemsOf(raw: unknown, list: string): readonly Item[] {
  const items = valueAt(raw, [list]);
  if (!Array.isArray(items)) return [];
  return items.flatMap((item: unknown, index) => {
    if (typeof item !== 'object' || item === null || Array.isArray(item)) return [];
    const field = (name: string): unknown => valueAt(item, [name]);
    const text = (name: string): string | undefined => {
      const value = field(name);
      return typeof value === 'string' ? value : undefined;
    };
    return [{ path: [list, index], at: pathText([list, index]), has: (name: string) => field(name) !== undefined, text }];
  });
}

/** What is wrong with an item: the field, the words after its name, what may be shown of its value. */
interface Broken {
  readonly field: string;
  readonly want: Bilingual;
  readonly got: Bilingual | null;
}

const broken = (field: string, en: string, zh: string, got: Bilingual | null = null): Broken => ({ field, want: { en, zh }, got });

function brokenAccount({ at, has, text }: Item, platforms: Platforms): readonly Broken[] {
  const found: Broken[] = [];
  const [platform, mode] = [text('platform'), text('mode')];
  const modes = platform !== undefined && Object.hasOwn(platforms, platform) ? platforms[platform] : undefined;
  const oneOf = (names: readonly string[]): [string, string] => [`must be one of ${names.join(', ')}`, `应为 ${names.join('、')} 之一`];
  if (!has('id') && !has('app_id')) found.push(broken('id', 'is required (or app_id)', '必填（或填 app_id）'));
  if (platform !== undefined && !modes) found.push(broken('platform', ...oneOf(Object.keys(platforms)), quoted(platform)));
  if (modes && mode !== undefined && !modes.includes(mode)) found.push(broken('mode', ...oneOf(modes), quoted(mode)));
  if (!has('secret') && !has('secretFile')) found.push(broken('secret', 'is required (or secretFile)', '必填（或填 secretFile）'));
  if (has('secret') && has('secretFile'))
    found.push(broken('secret', `and ${at}.secretFile are both set: keep one`, `和 ${at}.secretFile 只能设置一个`));
  return found;
}

/** Names that the audit trail knows as the admin key and the command line on the server's machine. */
const OWN_NAMES: ReadonlySet<string> = new Set(['admin', 'cli']);

function brokenKey({ text }: Item, adminKey: unknown): readonly Broken[] {
  const found: Broken[] = [];
  const [name, key] = [text('name'), text('key')];
  if (name !== undefined && OWN_NAMES.has(name)) found.push(broken('name', 'is one of our own', '是系统保留的名称', quoted(name)));
  if (key !== undefined && key === adminKey) found.push(broken('key', 'is the adminKey too', '与 adminKey 相同', SECRET));
  return found;
}

/** What no two items may share. */
interface Identity {
  readonly of: (item: Item) => string | undefined;
  readonly field: string;
  readonly got: (item: Item) => Bilingual;
}

const idOf = ({ text }: Item): string | undefined => text('id') ?? text('app_id');
const appIdOf = ({ text }: Item): string | undefined => text('app_id') ?? text('id');

const ACCOUNT_IDENTITIES: readonly Identity[] = [
  { of: idOf, field: 'id', got: (item) => quoted(idOf(item) ?? '') },
  {
    of: (item) => {
      const [platform, appId] = [item.text('platform'), appIdOf(item)];
      return platform === undefined || appId === undefined ? undefined : `${platform} ${appId}`;
    },
    field: 'app_id',
    got: (item) => quoted(appIdOf(item) ?? ''),
  },
];
const KEY_IDENTITIES: readonly Identity[] = [
  { of: ({ text }) => text('name'), field: 'name', got: ({ text }) => quoted(text('name') ?? '') },
  { of: ({ text }) => text('key'), field: 'key', got: () => SECRET },
];

/** One entry for each item that is like an earlier one. */
function repeated(items: readonly Item[], { of, field, got }: Identity): readonly (readonly [Item, Broken])[] {
  const firstAt = new Map<string, string>();
  return items.flatMap((item) => {
    const identity = of(item);
    if (identity === undefined) return [];
    const first = firstAt.get(identity);
    if (first !== undefined) return [[item, broken(field, `is that of ${first} too`, `与 ${first} 重复`, got(item))] as const];
    firstAt.set(identity, item.at);
    return [];
  });
}

export function brokenItems(raw: unknown, platforms: Platforms, sourceOf: SourceOf): Mistake[] {
  const accounts = itemsOf(raw, 'accounts');
  const keys = itemsOf(raw, 'keys');
  const adminKey = valueAt(raw, ['adminKey']);
  const found: readonly (readonly [Item, Broken])[] = [
    ...accounts.flatMap((item) => brokenAccount(item, platforms).map((what) => [item, what] as const)),
    ...ACCOUNT_IDENTITIES.flatMap((identity) => repeated(accounts, identity)),
    ...keys.flatMap((item) => brokenKey(item, adminKey).map((what) => [item, what] as const)),
    ...KEY_IDENTITIES.flatMap((identity) => repeated(keys, identity)),
  ];
  return found.map(([{ path, at }, { field, want, got }]) => {
    const name = `${at}.${field}`;
    return mistake({ en: `${name} ${want.en}`, zh: `${name} ${want.zh}` }, got, sourceOf, [...path, field]);
  });
}
