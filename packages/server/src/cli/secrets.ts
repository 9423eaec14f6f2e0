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
}

/** One or two texts, in the order they stand there. Throws wrong usage when no source was named. */
export async function readSecrets(source: SecretSource, io: Io, language: 'en' | 'zh'): Promise<readonly string[]> {
  const secrets = (await textOf(source, io, language)).split(/\r?\n/).filter((line) => line !== '');
  if (secrets.length >= 1 && secrets.length <= source.most) return secrets;
  const { en, zh } = source.what;
  const count = source.most === 1 ? { en: 'exactly one line', zh: '恰好一行' } : { en: 'one or two lines', zh: '一到两行' };
  throw wrongUsage({ en: `${en}: give ${count.en}, got ${secrets.length}`, zh: `${zh}：应为${count.zh}，实际 ${secrets.length} 行` });
}

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
