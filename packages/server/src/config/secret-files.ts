/** Reads the files that hold the AppSecrets of declared accounts: one line, or two for first and fallback. */

import { readFile } from 'node:fs/promises';
import { APP_SECRET, APP_SECRET_FORM } from '../core/account.ts';
import { type Mistake, mistake, pathText, quoted, type SourceOf, valueAt } from './mistakes.ts';

interface SecretFiles {
  /** By the account's index. */
  readonly secrets: ReadonlyMap<number, readonly string[]>;
  readonly mistakes: readonly Mistake[];
}

/** Reads what is named, whether or not the rest of its account is right. */
export async function readSecretFiles(raw: unknown, absolute: (path: string) => string, sourceOf: SourceOf): Promise<SecretFiles> {
  const secrets = new Map<number, readonly string[]>();
  const mistakes: Mistake[] = [];
  const accounts = valueAt(raw, ['accounts']);
  for (const index of Array.isArray(accounts) ? accounts.keys() : []) {
    const path = ['accounts', index, 'secretFile'];
    const file = valueAt(raw, path);
    // What is no path is the schema's to refuse, and both together a rule's.
    if (typeof file !== 'string' || file === '' || file.includes('\0') || valueAt(raw, ['accounts', index, 'secret']) !== undefined)
      continue;
    const told = (en: string, zh: string): void => {
      const name = pathText(path);
      mistakes.push(mistake({ en: `${name} ${en}`, zh: `${name} ${zh}` }, quoted(absolute(file)), sourceOf, path));
    };
    const text = await readFile(absolute(file), 'utf8').catch((error: NodeJS.ErrnoException) => {
      told(`cannot be read (${error.code ?? 'unknown'})`, `无法读取（${error.code ?? 'unknown'}）`);
      return null;
    });
    if (text === null) continue;
    const lines = text.split(/\r?\n/).filter((line) => line !== '');
    secrets.set(index, lines);
    if (lines.length >= 1 && lines.length <= 2 && lines.every((line) => APP_SECRET.test(line))) continue;
    told(
      `must hold an AppSecret (${APP_SECRET_FORM.en}), or two on two lines: first, fallback`,
      `应只含一行 AppSecret（${APP_SECRET_FORM.zh}），或两行：首选、备用`,
    );
  }
  return { secrets, mistakes };
}
