/** English or Chinese: by `--lang`, else by the locale of the environment, else English. */

import type { Bilingual } from '../core/failure.ts';

export type Language = keyof Bilingual;

/** What `--lang` takes: a language's name, with a country or without. */
export const isLanguage = (value: string): boolean => /^(en|zh)([-_.].*)?$/i.test(value);

/** The locale as POSIX picks it: the first of these that is set and not empty. */
const LOCALE_VARIABLES = ['LC_ALL', 'LC_MESSAGES', 'LANG'];

export function languageOf(argv: readonly string[], env: Readonly<Record<string, string | undefined>>): Language {
  const at = argv.findIndex((word) => word === '--lang' || word.startsWith('--lang='));
  const flag = at === -1 ? undefined : (argv[at]?.split('=')[1] ?? argv[at + 1]);
  const locale = flag ?? LOCALE_VARIABLES.map((name) => env[name]).find((value) => value !== undefined && value !== '');
  return locale?.toLowerCase().startsWith('zh') ? 'zh' : 'en';
}
