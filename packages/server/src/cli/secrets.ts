/**
 * Where a command gets a secret from: a file, standard input, the environment or a hidden prompt. Never argv, which
 * every process of the machine can read.
 */

import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Bilingual } from '../core/failure.ts';
import { CliFailure, wrongUsage } from './failure.ts';
import { FAILED, type Io } from './io.ts';

export interface SecretSource {
  /** What it is called in a prompt. */
  readonly what: Bilingual;
  /** `--…-file`; `-` = standard input. */
  readonly file: string | undefined;
  readonly fileFlag: string;
  /** Environment variable, or null when there is none. */
  readonly variable: string | null;
  /** The most lines that may be given. */
  readonly most: 1 | 2;
  /** What each line must be, when that is known. */
  readonly form?: { readonly pattern: RegExp; readonly text: Bilingual };
}

/** One or two texts, in the order they stand there. Throws wrong usage when no source was named. */
export async function readSecrets(source: SecretSource, io: Io, language: 'en' | 'zh'): Promise<readonly string[]> {
  const secrets = (await textOf(source, io, language)).split(/\r?\n/).filter((line) => line !== '');
  const { most, form } = source;
  const { en, zh } = source.what;
  if (secrets.length < 1 || secrets.length > most) {
    const count = LINES[most];
    throw wrongUsage({ en: `${en}: give ${count.en}, got ${secrets.length}`, zh: `${zh}：应为${count.zh}，实际 ${secrets.length} 行` });
  }
  const wrong = form ? secrets.findIndex((secret) => !form.pattern.test(secret)) : -1;
  if (form && wrong >= 0) {
    const [line, count] = [wrong + 1, LINES[most]];
    throw wrongUsage({
      en: `${en}: line ${line} is not one (${secrets[wrong]?.length} characters; it must be ${form.text.en}); give ${count.en}, no JSON and no quotes`,
      zh: `${zh}：第 ${line} 行格式不对（现有 ${secrets[wrong]?.length} 个字符，应为 ${form.text.zh}）；请提供${count.zh}，不要写成 JSON 或加引号`,
    });
  }
  return secrets;
}

const LINES: Readonly<Record<1 | 2, Bilingual>> = {
  1: { en: 'exactly one line', zh: '恰好一行' },
  2: { en: 'one line, or two: first and fallback', zh: '一行，或两行（依次为首选和备用）' },
};

async function textOf({ what, file, fileFlag, variable }: SecretSource, io: Io, language: 'en' | 'zh'): Promise<string> {
  if (file === '-') return io.readInput();
  if (file !== undefined) {
    return readFile(resolve(io.cwd, file), 'utf8').catch((error: NodeJS.ErrnoException) => {
      throw new CliFailure(
        FAILED,
        { en: `${file} cannot be read (${error.code})`, zh: `无法读取 ${file}（${error.code}）` },
        'invalid_request',
      );
    });
  }
  const given = variable === null ? undefined : io.env[variable];
  if (given !== undefined) return given;
  if (io.canPrompt) return io.promptHidden(`${what[language]}: `);
  const ways = [`${fileFlag} FILE`, `${fileFlag} -`, ...(variable === null ? [] : [variable])].join(', ');
  throw wrongUsage({
    en: `${what.en} is needed and there is no terminal to ask on: use ${ways}. It never goes on the command line`,
    zh: `需要${what.zh}，但没有可供输入的终端：请使用 ${ways}；秘密不能写在命令行上`,
  });
}
