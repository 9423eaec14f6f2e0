/**
 * Reads the configuration once: defaults ← file ← environment ← flags, checked as a whole, completed and frozen.
 *
 * All mistakes are told at once, one line each, as one `config_invalid`; nothing is guessed and nothing is ignored.
 */

import { readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { ZhongkongError } from '../core/errors.ts';
import type { DeclaredAccount, DeclaredKey } from '../core/declared.ts';
import type { AccountForm, KeyForm } from './declared.ts';
import { appSecret, databaseFile } from './formats.ts';
import { mistakesOf, unknownOption } from './mistakes.ts';
import { brokenRules, type Platforms } from './rules.ts';
import { type Config, type ConfigForm, configSchema } from './schema.ts';
import { readSources, type SourceInput, type Sources } from './sources.ts';

export interface LoadInput extends SourceInput {
  /** What accounts may be: the modes of each platform, the default first. */
  readonly platforms: Platforms;
}

/** Throws `config_invalid`; its message is one line per mistake. */
export async function loadConfig(input: LoadInput): Promise<Config> {
  const sources = await readSources(input);
  const { form, mistakes } = parse(sources);
  const all = [...sources.mistakes, ...mistakes, ...brokenRules(form, input.platforms)];
  const absolute = (path: string): string => resolve(input.cwd, path);
  const accounts = await Promise.all((form.accounts ?? []).map((account, index) => declaredAccount(account, index, absolute, all)));
  if (all.length > 0) throw new ZhongkongError('config_invalid', all.join('\n'));
  return deepFreeze(complete(form as ConfigForm, accounts, sources.file, absolute));
}

/** Every option by itself, so that one mistake hides no other: those that are right, and the lines for the rest. */
function parse({ raw, sourceOf }: Sources): { form: Partial<ConfigForm>; mistakes: string[] } {
  const form: Record<string, unknown> = {};
  const mistakes: string[] = [];
  for (const [name, schema] of Object.entries(configSchema.shape)) {
    const result = schema.safeParse(Object.hasOwn(raw, name) ? raw[name] : undefined);
    if (result.success) form[name] = result.data;
    else mistakes.push(...mistakesOf(configSchema, raw, result.error.issues, [name], sourceOf));
  }
  for (const name of Object.keys(raw)) {
    if (!Object.hasOwn(configSchema.shape, name)) mistakes.push(unknownOption(configSchema, [name], sourceOf));
  }
  return { form: form as Partial<ConfigForm>, mistakes };
}

function complete(form: ConfigForm, accounts: readonly DeclaredAccount[], file: string | null, absolute: (path: string) => string): Config {
  const database = databaseFile(form.store);
  const store = database === null ? form.store : `sqlite:${absolute(database)}`;
  const ownKeyFile = form.masterKey === null && database !== null ? join(dirname(absolute(database)), 'master-key') : null;
  const { tls, masterKeyFile } = form;
  return {
    ...form,
    store,
    masterKeyFile: masterKeyFile === null ? ownKeyFile : absolute(masterKeyFile),
    tls: tls && { certFile: absolute(tls.certFile), keyFile: absolute(tls.keyFile) },
    accounts: form.accounts && accounts,
    keys: form.keys.map(declaredKey),
    file,
  };
}

async function declaredAccount(
  account: AccountForm,
  index: number,
  absolute: (path: string) => string,
  mistakes: string[],
): Promise<DeclaredAccount> {
  const id = account.id ?? account.app_id ?? '';
  const { secret, secretFile } = account;
  const inFile = secret === undefined && secretFile !== undefined;
  const secrets = inFile ? await secretsOf(absolute(secretFile), index, mistakes) : [secret ?? ''].flat();
  return {
    id,
    platform: account.platform,
    appId: account.app_id ?? id,
    parent: '',
    mode: account.mode ?? null,
    secrets,
    enabled: account.enabled,
    note: account.note,
  };
}

async function secretsOf(path: string, index: number, mistakes: string[]): Promise<readonly string[]> {
  const name = `accounts[${index}].secretFile`;
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    mistakes.push(`${name} cannot be read (${error.code ?? 'unknown'}), got ${JSON.stringify(path)}`);
    return null;
  });
  if (text === null) return [];
  const secrets = text.split(/\r?\n/).filter((line) => line !== '');
  const isRight = secrets.length >= 1 && secrets.length <= 2 && secrets.every((secret) => appSecret().safeParse(secret).success);
  if (!isRight)
    mistakes.push(`${name} must hold one or two AppSecrets, one a line, without spaces, got (secret) in ${JSON.stringify(path)}`);
  return secrets;
}

function declaredKey({ calls_per_minute, expires_at, ...key }: KeyForm): DeclaredKey {
  return { ...key, callsPerMinute: calls_per_minute, expiresAt: expires_at };
}

function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  for (const inner of Object.values(value)) deepFreeze(inner);
  return Object.freeze(value);
}
