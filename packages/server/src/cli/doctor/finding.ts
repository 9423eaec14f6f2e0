/** What doctor found: one thing each, with what to do about it. */

import type { Bilingual } from '../../core/failure.ts';
import type { Language } from '../language.ts';
import { clean } from '../output.ts';

/** `ok` and `info` need nothing; `warning` deserves a look; `error` keeps something from working. */
export type Level = 'ok' | 'info' | 'warning' | 'error';

export interface Finding {
  /** What was looked at: `clock`, `dns`, `tls`, `store`, `secret`, … */
  readonly check: string;
  /** The account, file or option it is about, or null. */
  readonly subject: string | null;
  readonly level: Level;
  readonly text: Bilingual;
  readonly advice: Bilingual | null;
}

/** A finding; `advice` for what is not right. */
export const finding = (
  check: string,
  level: Level,
  text: Bilingual,
  advice: Bilingual | null = null,
  subject: string | null = null,
): Finding => ({
  check,
  subject,
  level,
  text,
  advice,
});

const MARKS: Readonly<Record<Level, string>> = { ok: '✓', info: '·', warning: '!', error: '✗' };

export function findingLines({ check, subject, level, text, advice }: Finding, language: Language): string {
  const head = `${MARKS[level]} ${check}${subject === null ? '' : ` ${clean(subject)}`}: ${clean(text[language])}\n`;
  return advice === null ? head : `${head}    → ${clean(advice[language])}\n`;
}

/** Code of a system error, else its class: never its message, which may hold anything. */
export const reasonOf = (error: unknown): string =>
  error instanceof Error ? ((error as NodeJS.ErrnoException).code ?? error.name) : 'unknown';
