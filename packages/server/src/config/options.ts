/**
 * Every single option of the schema as a row: its path, its environment variable, its flag and its form.
 *
 * Derived from the schema, so an option cannot be forgotten in the environment, the flags or the reference.
 */

import type { z } from 'zod';
import { docOf, type OptionDoc } from './option-doc.ts';
import { configSchema } from './schema.ts';

export type OptionForm = 'text' | 'integer' | 'flag' | 'list' | 'json';

export interface Option {
  /** E.g. `['log', 'level']`. */
  readonly path: readonly string[];
  /** E.g. `log.level`. */
  readonly name: string;
  /** E.g. `ZHONGKONG_LOG_LEVEL`. */
  readonly env: string;
  /** E.g. `ZHONGKONG_ADMIN_KEY_FILE`, the variable that names a file with the value; null for what is no secret. */
  readonly envFile: string | null;
  /** E.g. `--log-level`; null for what never goes into argv. */
  readonly flag: string | null;
  readonly form: OptionForm;
  readonly doc: OptionDoc;
  /** As it would be written in the file; undefined = none. */
  readonly defaultValue: unknown;
}

export interface SchemaDef {
  readonly type: string;
  readonly innerType?: z.ZodType;
  readonly in?: z.ZodType;
  readonly element?: z.ZodType;
  readonly shape?: Readonly<Record<string, z.ZodType>>;
  readonly defaultValue?: unknown;
}

/** Zod's own description of a schema. */
export const defOf = (schema: z.ZodType): SchemaDef => schema.def as unknown as SchemaDef;

/** What is inside defaults, nullables and transforms. */
export function bare(schema: z.ZodType): z.ZodType {
  const { innerType, in: input } = defOf(schema);
  const inner = innerType ?? input;
  return inner ? bare(inner) : schema;
}

function formOf(schema: z.ZodType): OptionForm {
  const { type, element } = defOf(bare(schema));
  if (type === 'number') return 'integer';
  if (type === 'boolean') return 'flag';
  if (type === 'array' && element && defOf(bare(element)).type === 'string') return 'list';
  return type === 'string' || type === 'enum' ? 'text' : 'json';
}

/** Has an option of its own for its file, which the embedded store also makes. */
const MASTER_KEY = 'ZHONGKONG_MASTER_KEY';

const words = (path: readonly string[]): string[] => path.flatMap((part) => part.split(/(?=[A-Z])/)).map((word) => word.toLowerCase());

function option(path: readonly string[], schema: z.ZodType): Option {
  const doc = docOf(schema);
  if (!doc) throw new Error(`the option ${path.join('.')} has no description`);
  const form = formOf(schema);
  const env = `ZHONGKONG_${doc.env ?? words(path).join('_').toUpperCase()}`;
  return {
    path,
    name: path.join('.'),
    env,
    envFile: (doc.secret || doc.url) && env !== MASTER_KEY ? `${env}_FILE` : null,
    flag: doc.secret || form === 'json' ? null : `--${words(path).join('-')}`,
    form,
    doc,
    defaultValue: defOf(schema).defaultValue,
  };
}

function walk(path: readonly string[], schema: z.ZodType): Option[] {
  const { shape } = defOf(bare(schema));
  if (!shape) return [option(path, schema)];
  return Object.entries(shape).flatMap(([name, inner]) => walk([...path, name], inner));
}

export const OPTIONS: readonly Option[] = walk([], configSchema);
