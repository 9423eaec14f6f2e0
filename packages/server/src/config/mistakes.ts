/**
 * What is wrong with a configuration, one line per mistake: the option's path, what it must be, what it is, whence.
 *
 * Never shows a secret: not the value of a secret option, and of a list, an object or an unknown option none at all.
 */

import type { z } from 'zod';
import { docOf } from './option-doc.ts';
import { bare, defOf, type SchemaDef } from './options.ts';

export type Path = readonly PropertyKey[];

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

function shown(root: z.ZodType, path: Path, value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'an object';
  const own = [...schemasAlong(root, path)].at(-1);
  const doc = own && docOf(own);
  // Outside the schema, e.g. inside a pair of secrets, nothing is known to be harmless.
  if (own === undefined || doc?.secret) return '(secret)';
  // A text where a section or a list belongs may be anything.
  if (/^(object|array|tuple)$/.test(defOf(bare(own)).type)) return `a ${typeof value}`;
  if (typeof value !== 'string') return String(value);
  const text = doc?.url ? withoutSecrets(value) : value;
  return JSON.stringify(text.length > LONGEST_SHOWN ? `${text.slice(0, LONGEST_SHOWN)}…` : text);
}

const KIND_NAMES: Readonly<Record<string, string>> = { object: 'a section', array: 'a list', string: 'a text' };

/** The lines for what zod found wrong with `value`, which stands at `prefix` under `root`. */
export function mistakesOf(
  root: z.ZodType,
  input: unknown,
  issues: readonly z.core.$ZodIssue[],
  prefix: Path,
  sourceOf: SourceOf,
): string[] {
  return issues.flatMap((issue) => {
    const path = [...prefix, ...issue.path];
    if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownOption(root, [...path, key], sourceOf));
    const value = valueAt(input, path);
    if (value === undefined) return [`${pathText(path)} is required${from(sourceOf(path.slice(0, -1)))}`];
    const want =
      issue.code === 'invalid_type' && !issue.message.startsWith('must')
        ? `must be ${KIND_NAMES[issue.expected] ?? issue.expected}`
        : issue.message;
    return [`${pathText(path)} ${want}, got ${shown(root, path, value)}${from(sourceOf(path))}`];
  });
}

export function unknownOption(root: z.ZodType, path: Path, sourceOf: SourceOf): string {
  const parent = [...schemasAlong(root, path.slice(0, -1))].at(-1);
  const known = Object.keys((parent && defOf(bare(parent)).shape) ?? {});
  return `${pathText(path)} is not an option${from(sourceOf(path))}; known here: ${known.join(', ')}`;
}

export const from = (source: string | undefined): string => (source === undefined ? '' : ` (from ${source})`);
