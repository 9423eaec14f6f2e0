/**
 * Reads the configuration once: defaults ← file ← environment ← flags, checked as a whole, completed and frozen.
 *
 * All mistakes are told at once, one line each, as one `config_invalid`; nothing is guessed and nothing is ignored.
 */

import { dirname, join, resolve } from 'node:path';
import { ZhongkongError } from '../core/errors.ts';
import type { DeclaredAccount, DeclaredKey } from '../core/declared.ts';
import type { AccountForm, KeyForm } from './declared.ts';
import { databaseFile } from './formats.ts';
import { brokenItems, type Platforms } from './item-rules.ts';
import { type Mistake, mistakesOf, unknownNames } from './mistakes.ts';
import { brokenRules } from './rules.ts';
import { type Config, type ConfigForm, configSchema } from './schema.ts';
import { readSecretFiles } from './secret-files.ts';
import { readSources, type SourceInput, type Sources } from './sources.ts';

export interface LoadInput extends SourceInput {
  /** What accounts may be: the modes of each platform, the default first. */
  readonly platforms: Platforms;
  /** Also what only a server needs has to be there. Default true. */
  readonly serving?: boolean;
}

/** Throws `config_invalid`; its message is one line per mistake. */
export async function loadConfig(input: LoadInput): Promise<Config> {
  const sources = await readSources(input);
  const { raw, sourceOf, file } = sources;
  const absolute = (path: string): string => resolve(input.cwd, path);
  const { form, mistakes } = parse(sources);
  const secretFiles = await readSecretFiles(raw, absolute, sourceOf);
  const all: readonly Mistake[] = [
    ...sources.mistakes,
    ...unknownNames(configSchema, raw, sourceOf),
    ...mistakes,
    ...brokenRules(form, input.serving ?? true, sourceOf),
    ...brokenItems(raw, input.platforms, sourceOf),
    ...secretFiles.mistakes,
  ];
  if (all.length > 0) {
    const lines = (language: keyof Mistake): string => all.map((line) => line[language]).join('\n');
    throw new ZhongkongError('config_invalid', { en: lines('en'), zh: lines('zh') });
  }
  return deepFreeze(complete(form as ConfigForm, secretFiles.secrets, file, absolute));
}

/** Every option by itself, so that one mistake hides no other: those that are right, and the lines for the rest. */
function parse({ raw, sourceOf }: Sources): { form: Partial<ConfigForm>; mistakes: Mistake[] } {
  const form: Record<string, unknown> = {};
  const mistakes: Mistake[] = [];
  for (const [name, schema] of Object.entries(configSchema.shape)) {
    const result = schema.safeParse(Object.hasOwn(raw, name) ? raw[name] : undefined);
    if (result.success) form[name] = result.data;
    else mistakes.push(...mistakesOf(configSchema, raw, result.error.issues, [name], sourceOf));
  }
  return { form: form as Partial<ConfigForm>, mistakes };
}

function complete(
  form: ConfigForm,
  secretsInFiles: ReadonlyMap<number, readonly string[]>,
  file: string | null,
  absolute: (path: string) => string,
): Config {
  const database = databaseFile(form.store);
  const store = database === null ? form.store : `sqlite:${absolute(database)}`;
  const ownKeyFile = form.masterKey === null && database !== null ? join(dirname(absolute(database)), 'master-key') : null;
  const { tls, masterKeyFile } = form;
  return {
    ...form,
    store,
    upstreams: { ...withoutNulls(form.upstreams), wechat: form.upstreams.wechat },
    masterKeyFile: masterKeyFile === null ? ownKeyFile : absolute(masterKeyFile),
    tls: tls && { certFile: absolute(tls.certFile), keyFile: absolute(tls.keyFile) },
    accounts: form.accounts && form.accounts.map((account, index) => declaredAccount(account, secretsInFiles.get(index))),
    keys: form.keys.map(declaredKey),
    file,
  };
}

const withoutNulls = (upstreams: Readonly<Record<string, string | null>>): Record<string, string> =>
  Object.fromEntries(Object.entries(upstreams).flatMap(([name, origin]) => (origin === null ? [] : [[name, origin]])));

function declaredAccount(account: AccountForm, secretsInFile: readonly string[] | undefined): DeclaredAccount {
  const id = account.id ?? account.app_id ?? '';
  return {
    id,
    platform: account.platform,
    appId: account.app_id ?? id,
    parent: '',
    mode: account.mode ?? null,
    secrets: secretsInFile ?? [account.secret ?? []].flat(),
    enabled: account.enabled,
    note: account.note,
  };
}

function declaredKey({ calls_per_minute, expires_at, ...key }: KeyForm): DeclaredKey {
  return { ...key, callsPerMinute: calls_per_minute, expiresAt: expires_at };
}

function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  for (const inner of Object.values(value)) deepFreeze(inner);
  return Object.freeze(value);
}
