/**
 * How a command fails: an exit code, one line that says what happened, one of advice.
 *
 * Whatever is not ours is `internal`: its message may hold anything, so only its kind is shown.
 */

import { ZhongkongError } from '../core/errors.ts';
import type { Bilingual } from '../core/failure.ts';
import { FAILED, type Io, WRONG_CONFIG, WRONG_USAGE } from './io.ts';
import type { Language } from './language.ts';
import { clean } from './output.ts';
import { inChinese } from './titles.ts';

/** A failure whose exit code and words are known. */
export class CliFailure extends Error {
  override readonly name = 'CliFailure';
  readonly exitCode: number;
  readonly text: Bilingual;
  /** In brackets after the line, e.g. `not_found`; null for plain wrong usage. */
  readonly code: string | null;
  readonly advice: Bilingual | null;

  constructor(exitCode: number, text: Bilingual, code: string | null = null, advice: Bilingual | null = null) {
    super(text.en);
    this.exitCode = exitCode;
    this.text = text;
    this.code = code;
    this.advice = advice;
  }
}

export const wrongUsage = (text: Bilingual): CliFailure => new CliFailure(WRONG_USAGE, text);

/** In both languages, the Chinese one with a title where only English was said. */
export const errorText = ({ text: { en, zh }, code }: ZhongkongError): Bilingual => ({ en, zh: zh === en ? inChinese(code, en) : zh });

/** The name that says most: of a store that is unavailable, which trouble it has. */
export const errorCode = ({ code, details }: ZhongkongError): string => details.trouble ?? code;

/** What stops a start: the configuration, or the store that it names. */
const START_FAULTS: ReadonlySet<string> = new Set(['config_invalid', 'store_unavailable', 'unseal_failed']);

/** `error`, thrown while opening: then a store that cannot be opened is wrong configuration. */
export function startFailure(error: unknown): unknown {
  if (!(error instanceof ZhongkongError) || !START_FAULTS.has(error.code)) return error;
  return new CliFailure(WRONG_CONFIG, errorText(error), errorCode(error), error.advice);
}

function known(error: unknown): CliFailure {
  if (error instanceof CliFailure) return error;
  if (error instanceof ZhongkongError) {
    const exitCode = error.code === 'config_invalid' ? WRONG_CONFIG : FAILED;
    return new CliFailure(exitCode, errorText(error), errorCode(error), error.advice);
  }
  const kind = error instanceof Error ? ((error as NodeJS.ErrnoException).code ?? error.name) : typeof error;
  return new CliFailure(FAILED, { en: `unexpected fault (${kind})`, zh: `意外错误（${kind}）` }, 'internal', {
    en: 'This is a fault of Zhongkong. Run again with ZHONGKONG_DEBUG=1 and report the lines it adds; they hold no secrets.',
    zh: '这是 Zhongkong 自身的缺陷。请设置 ZHONGKONG_DEBUG=1 后重试，并反馈新增的输出（其中不含秘密）。',
  });
}

/** Where it happened, without the messages, which may hold anything. */
const framesOf = (error: Error): string =>
  (error.stack ?? '')
    .split('\n')
    .filter((line) => line.startsWith('    at '))
    .map((line) => `${line}\n`)
    .join('');

const LABELS = {
  en: { error: 'error: ', advice: 'advice: ' },
  zh: { error: '错误：', advice: '建议：' },
} as const satisfies Record<Language, object>;

/** Tells the person, and gives the exit code. */
export function tellFailure(error: unknown, io: Io, language: Language): number {
  const { exitCode, text, code, advice } = known(error);
  const labels = LABELS[language];
  const lines = text[language].split('\n');
  for (const line of lines) io.err(`${labels.error}${clean(line)}${code === null ? '' : ` [${code}]`}\n`);
  if (advice) io.err(`${labels.advice}${clean(advice[language])}\n`);
  if (io.env.ZHONGKONG_DEBUG === '1' && error instanceof Error) io.err(framesOf(error));
  return exitCode;
}
