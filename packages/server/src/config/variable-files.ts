/**
 * Variables that name a file instead of holding the value: `ZHONGKONG_ADMIN_KEY_FILE` for `ZHONGKONG_ADMIN_KEY`, and so
 * for every option that is a secret or a URL with one. Container platforms and systemd hand secrets over as files.
 *
 * White space around the value is no part of it. Nothing of a file is ever quoted.
 */

import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Mistake } from './mistakes.ts';
import { OPTIONS } from './options.ts';

interface VariableFiles {
  /** By the name of the variable. */
  readonly texts: ReadonlyMap<string, string>;
  readonly mistakes: readonly Mistake[];
}

interface Given {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
}

export async function readVariableFiles({ env, cwd }: Given): Promise<VariableFiles> {
  const texts = new Map<string, string>();
  const mistakes: Mistake[] = [];
  for (const { env: variable, envFile } of OPTIONS) {
    const named = envFile === null ? undefined : env[envFile];
    if (envFile === null || named === undefined) continue;
    const outcome = env[variable] === undefined ? await textOf(envFile, named, cwd) : both(variable, envFile);
    if (typeof outcome === 'string') texts.set(envFile, outcome);
    else mistakes.push(outcome);
  }
  return { texts, mistakes };
}

async function textOf(envFile: string, named: string, cwd: string): Promise<string | Mistake> {
  if (named === '') return { en: `${envFile} is empty: give it a path, or unset it`, zh: `${envFile} 为空：请填写路径或取消设置` };
  const path = resolve(cwd, named);
  try {
    const text = (await readFile(path, 'utf8')).trim();
    if (text !== '') return text;
    return { en: `${envFile}: the file ${path} is empty`, zh: `${envFile}：文件 ${path} 是空的` };
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown';
    return { en: `${envFile}: the file ${path} cannot be read (${code})`, zh: `${envFile}：无法读取文件 ${path}（${code}）` };
  }
}

const both = (variable: string, envFile: string): Mistake => ({
  en: `${variable} and ${envFile} are both set: keep one`,
  zh: `${variable} 和 ${envFile} 只能设置一个`,
});
