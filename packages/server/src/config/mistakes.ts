/**
 * What is wrong with a configuration, one line per mistake: the option's path, what it must be, what it is, whence.
 *
 * Never shows a secret: not the value of a secret option, and of a list, an object or an unknown option none at all.
 */

import type { z } from 'zod';
import type { Bilingual } from '../core/failure.ts';
import { wordsOf } from './both.ts';
import { docOf } from './option-doc.ts';
import { bare, defOf, type SchemaDef } from './options.ts';

export type Path = readonly PropertyKey[];

/** One line of what is wrong, in both languages. */
export type Mistake = Bilingual;

/** Where a value came from, e.g. `ZHONGKONG_LISTEN`; undefined when it is nobody's. */
export type SourceOf = (path: Path) => string | undefined;

/** No option's name is longer; a longer one may be a secret that slipped to the wrong side of a colon. */
const PLAIN_NAME = /^[\w-]{1,24}$/;

export function pathText(path: Path): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`;
    const name = String(part);
    const plain = PLAIN_NAME.test(name) ? name : `(a name of ${name.length} characters)`;
    return text === '' ? plain : `${text}.${plain}`;
  }, '');
}

/** Every schema from the root to `path`; undefined where the path leads out of the schema. */
function* schemasAlong(root: z.ZodType, path: Path): Generator<z.ZodType | undefined> {
  let schema: z.ZodType | undefined = root;
  yield schema;
  for (const part of path) {
    const def: SchemaDef | undefined = schema && defOf(bare(schema));
    schema = typeof part === 'number' ? def?.element : def?.shape?.[String(part)];
    yield schema;
  }
}

export function valueAt(root: unknown, path: Path): unknown {
  return path.reduce<unknown>((value, part) => {
    const known = typeof value === 'object' && value !== null && Object.hasOwn(value, part);
    return known ? (value as Record<PropertyKey, unknown>)[part] : undefined;
  }, root);
}

/** A URL without what may be a secret in it. */
const withoutSecrets = (url: string): string => url.replace(/:\/\/.*@/s, '://(secret)@').replace(/\?.*$/s, '?(secret)');

const LONGEST_SHOWN = 80;

const plain = (text: string): Bilingual => ({ en: text, zh: text });
/** A text that is nobody's secret. */
export const quoted = (text: string): Bilingual =>
  plain(JSON.stringify(text.length > LONGEST_SHOWN ? `${text.slice(0, LONGEST_SHOWN)}…` : text));
export const SECRET: Bilingual = { en: '(secret)', zh: '（已隐藏）' };

const A_LIST: Bilingual = { en: 'a list', zh: '列表' };
const AN_OBJECT: Bilingual = { en: 'an object', zh: '一组选项' };
const SCALARS: Readonly<Record<string, Bilingual>> = {
  string: { en: 'a string', zh: '文本' },
  number: { en: 'a number', zh: '数字' },
  boolean: { en: 'a boolean', zh: '布尔值' },
};

/** What a value is, where nothing of it may be shown. */
export function kindOf(value: unknown): Bilingual {
  if (Array.isArray(value)) return A_LIST;
  return SCALARS[typeof value] ?? AN_OBJECT;
}

function shown(root: z.ZodType, path: Path, value: unknown): Bilingual {
  if (value === null) return plain('null');
  if (typeof value === 'object') return kindOf(value);
  const own = [...schemasAlong(root, path)].at(-1);
  const doc = own && docOf(own);
  // Outside the schema, e.g. inside a pair of secrets, nothing is known to be harmless.
  if (own === undefined || doc?.secret) return SECRET;
  // A text where a section or a list belongs may be anything.
  if (/^(object|array|tuple)$/.test(defOf(bare(own)).type)) return kindOf(value);
  return typeof value === 'string' ? quoted(doc?.url ? withoutSecrets(value) : value) : plain(String(value));
}

const WANTED: Readonly<Record<string, Bilingual>> = {
  object: { en: 'must be a section', zh: '应为一组选项' },
  array: { en: 'must be a list', zh: '应为列表' },
  string: { en: 'must be a text', zh: '应为文本' },
};

/** `<what>[, got <got>][ (from <sources>)]`; `paths` say whose sources. */
export function mistake(what: Bilingual, got: Bilingual | null, sourceOf: SourceOf, ...paths: readonly Path[]): Mistake {
  const sources = [...new Set(paths.map(sourceOf))].filter((source) => source !== undefined);
  const from = sources.length === 0 ? plain('') : { en: ` (from ${sources.join(', ')})`, zh: `（来自 ${sources.join('、')}）` };
  const value = got === null ? plain('') : { en: `, got ${got.en}`, zh: `，实际为 ${got.zh}` };
  return { en: what.en + value.en + from.en, zh: what.zh + value.zh + from.zh };
}

/** The lines for what zod found wrong with `input`, whose issues' paths start at `prefix`. */
export function mistakesOf(
  root: z.ZodType,
  input: unknown,
  issues: readonly z.core.$ZodIssue[],
  prefix: Path,
  sourceOf: SourceOf,
): Mistake[] {
  return issues.map((issue) => {
    const path = [...prefix, ...issue.path];
    const name = pathText(path);
    const value = valueAt(input, path);
    if (value === undefined) return mistake({ en: `${name} is required`, zh: `${name} 必填` }, null, sourceOf, path.slice(0, -1));
    const ofZod = issue.code === 'invalid_type' && !issue.message.includes('\n');
    const want = ofZod ? (WANTED[issue.expected] ?? plain(issue.expected)) : wordsOf(issue.message);
    return mistake({ en: `${name} ${want.en}`, zh: `${name} ${want.zh}` }, shown(root, path, value), sourceOf, path);
  });
}

/** A line for each name in `value` that the schema does not know, wherever it stands. */
export function unknownNames(schema: z.ZodType, value: unknown, sourceOf: SourceOf, path: Path = []): Mistake[] {
  const { shape, element } = defOf(bare(schema));
  if (element && Array.isArray(value)) return value.flatMap((item, index) => unknownNames(element, item, sourceOf, [...path, index]));
  if (!shape || typeof value !== 'object' || value === null || Array.isArray(value)) return [];
  return Object.entries(value).flatMap(([name, inner]) => {
    const known = Object.hasOwn(shape, name) ? shape[name] : undefined;
    if (known) return unknownNames(known, inner, sourceOf, [...path, name]);
    const names = Object.keys(shape).join(', ');
    const { en, zh } = mistake(notAnOption(pathText([...path, name])), null, sourceOf, [...path, name]);
    return [{ en: `${en}; known here: ${names}`, zh: `${zh}，可用的名称：${names}` }];
  });
}

const notAnOption = (name: string): Bilingual => ({ en: `${name} is not an option`, zh: `${name} 不是配置项` });
