/**
 * What a person must know of one option, kept beside its schema: the text of the generated reference, and whether
 * its value may be shown.
 *
 * Register a schema last: every zod method makes a new schema, and the registry knows this very one.
 */

import { z } from 'zod';

export interface OptionDoc {
  readonly en: string;
  readonly zh: string;
  /** Its value never appears in a message. */
  readonly secret?: true;
  /** Its value is a URL that may hold a user, a password or parameters: only the rest is shown. */
  readonly url?: true;
  /** Name after `ZHONGKONG_`, when it is not the path in capitals. */
  readonly env?: string;
  /** The default in words, where it is no constant. */
  readonly defaultText?: { readonly en: string; readonly zh: string };
}

const DOCS = z.registry<OptionDoc>();

/** `schema`, described. */
export function described<T extends z.ZodType>(schema: T, doc: OptionDoc): T {
  DOCS.add(schema, doc);
  return schema;
}

export const docOf = (schema: z.ZodType): OptionDoc | undefined => DOCS.get(schema);
