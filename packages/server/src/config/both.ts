/**
 * Zod carries one text per issue; ours are in two languages, so both travel in it, one a line.
 *
 * A text completes the sentence "<option> …"; the Chinese one starts with 应 or 须.
 */

import type { Bilingual } from '../core/failure.ts';

export const both = (en: string, zh: string): string => `${en}\n${zh}`;

/** Back from an issue's message; what is zod's own stands for both languages. */
export function wordsOf(message: string): Bilingual {
  const [en = '', zh = en] = message.split('\n');
  return { en, zh };
}
