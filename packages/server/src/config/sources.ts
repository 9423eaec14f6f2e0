/**
 * Where option values come from: the configuration file, then `ZHONGKONG_*`, then flags; the later one wins.
 *
 * The result is still raw: only texts of the environment and of flags are turned into the form that their option has.
 * A mistake in reading is a line; the file's own text is never quoted, since it holds secrets.
 */

import { access, readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { LineCounter, parseDocument } from 'yaml';
import { holdsPassword } from '../core/store-url.ts';
import { kindOf, type Mistake, mistake, pathText, SECRET, type SourceOf, valueAt } from './mistakes.ts';
import { OPTIONS, type Option } from './options.ts';
import { readVariableFiles } from './variable-files.ts';

export interface SourceInput {
  /** By option name, e.g. `{ "log.level": "debug" }`. */
  readonly flags: Readonly<Record<string, string>>;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** `--config FILE`; else `zhongkong.yaml` or `zhongkong.json` of the working directory, when there is one. */
  readonly file?: string | undefined;
}

export interface Sources {
  readonly raw: Record<string, unknown>;
  readonly sourceOf: SourceOf;
  /** Absolute path of the file that was read, or null. */
  readonly file: string | null;
  readonly mistakes: readonly Mistake[];
}

const DEFAULT_FILES = ['zhongkong.yaml', 'zhongkong.json'];
/** Easily taken for one of the above. */
const NEAR_MISS = 'zhongkong.yml';

/** Variables that are ours but no options: of the command line, and of the tests. */
const OTHER_VARIABLES = new Set([
  ...['ZHONGKONG_URL', 'ZHONGKONG_KEY', 'ZHONGKONG_ACCOUNT_SECRET', 'ZHONGKONG_DEBUG', 'ZHONGKONG_MIGRATE_TO'],
  ...['ZHONGKONG_REQUIRE', 'ZHONGKONG_TEST_POSTGRES', 'ZHONGKONG_TEST_MYSQL'],
]);
/** What Kubernetes puts into every container of a namespace with a Service whose name starts with "zhongkong". */
const SERVICE_LINK = /_(SERVICE_(HOST|PORT\w*)|PORT(_\d+_(TCP|UDP|SCTP)\w*)?)$/;

export async function readSources(input: SourceInput): Promise<Sources> {
  const mistakes: Mistake[] = [];
  const origins = new Map<string, string>();
  const { file, values } = await readFileOf(input, mistakes);
  const raw = structuredClone(values);
  const put = (option: Option, text: string, origin: string): void => {
    const value = read(option, text);
    if (value === undefined) {
      const what = { en: `${option.name} must be JSON`, zh: `${option.name} 应为 JSON` };
      mistakes.push(mistake(what, SECRET, () => origin, option.path));
      return;
    }
    if (setAt(raw, option.path, value)) origins.set(option.name, origin);
  };
  const inFiles = await readVariableFiles(input);
  mistakes.push(...inFiles.mistakes);
  for (const option of OPTIONS) {
    const text = input.env[option.env];
    const inFile = option.envFile === null ? undefined : inFiles.texts.get(option.envFile);
    if (option.envFile !== null && inFile !== undefined) put(option, inFile, option.envFile);
    if (text === '')
      mistakes.push({ en: `${option.env} is empty: give it a value, or unset it`, zh: `${option.env} 为空：请赋值或取消设置` });
    else if (text !== undefined) put(option, text, option.env);
    const given = input.flags[option.name];
    if (given === undefined) continue;
    if (option.doc.url && holdsPassword(given))
      mistakes.push({
        en: `${option.name} holds a password, which must not stand in argv: use ${option.env}`,
        zh: `${option.name} 含有密码，不能写在命令行上：请改用 ${option.env}`,
      });
    put(option, given, option.flag ?? option.name);
  }
  mistakes.push(...unknownVariables(input.env));
  const sourceOf: SourceOf = (path) => {
    for (let length = path.length; length > 0; length -= 1) {
      const origin = origins.get(pathText(path.slice(0, length)));
      if (origin !== undefined) return origin;
    }
    return file !== null && valueAt(values, path.slice(0, 1)) !== undefined ? file.name : undefined;
  };
  return { raw, sourceOf, file: file?.path ?? null, mistakes };
}

/** A text in the form its option has; what does not fit stays a text, for the schema to refuse. Undefined: not JSON. */
function read({ form }: Option, text: string): unknown {
  if (form === 'integer') return /^-?\d{1,15}$/.test(text) ? Number(text) : text;
  if (form === 'flag') return text === 'true' ? true : text === 'false' ? false : text;
  if (form === 'list') return text.split(',').map((item) => item.trim());
  if (form !== 'json') return text;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    // The parser's own message quotes the text.
    return undefined;
  }
}

/** False when a section on the way is no section: then the schema says so. */
function setAt(root: Record<string, unknown>, path: readonly string[], value: unknown): boolean {
  let section = root;
  for (const part of path.slice(0, -1)) {
    const inner = Object.hasOwn(section, part) ? (section[part] ?? {}) : {};
    if (typeof inner !== 'object' || Array.isArray(inner)) return false;
    section[part] = inner;
    section = inner as Record<string, unknown>;
  }
  section[path.at(-1) ?? ''] = value;
  return true;
}

function unknownVariables(env: SourceInput['env']): Mistake[] {
  const known = new Set(OPTIONS.flatMap((option) => [option.env, option.envFile]));
  const isStrange = (name: string) =>
    name.startsWith('ZHONGKONG_') && !known.has(name) && !OTHER_VARIABLES.has(name) && !SERVICE_LINK.test(name);
  return Object.keys(env)
    .filter((name) => env[name] !== undefined && isStrange(name))
    .map((name) => ({
      en: `${name} is no environment variable of Zhongkong; docs/configuration.md lists them`,
      zh: `${name} 不是 Zhongkong 的环境变量，可用的见 docs/configuration.md`,
    }));
}

interface FileRead {
  readonly file: { readonly path: string; readonly name: string } | null;
  readonly values: Record<string, unknown>;
}

const isThere = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

async function readFileOf({ cwd, file: chosen }: SourceInput, mistakes: Mistake[]): Promise<FileRead> {
  const none: FileRead = { file: null, values: {} };
  const names = chosen === undefined ? [] : [chosen];
  if (chosen === undefined) {
    for (const name of DEFAULT_FILES) if (await isThere(resolve(cwd, name))) names.push(name);
    if (await isThere(resolve(cwd, NEAR_MISS)))
      mistakes.push({
        en: `${NEAR_MISS} is not read: rename it to ${DEFAULT_FILES[0]}, or name it with --config`,
        zh: `不会读取 ${NEAR_MISS}：请改名为 ${DEFAULT_FILES[0]}，或用 --config 指定`,
      });
  }
  if (names.length > 1)
    mistakes.push({
      en: `${names.join(' and ')} are both there: keep one, or choose one with --config`,
      zh: `${names.join(' 和 ')} 同时存在：请只保留一个，或用 --config 指定`,
    });
  const [name] = names;
  if (name === undefined) return none;
  const path = resolve(cwd, name);
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    const code = error.code ?? 'unknown';
    mistakes.push({ en: `the configuration file ${path} cannot be read (${code})`, zh: `无法读取配置文件 ${path}（${code}）` });
    return null;
  });
  if (text === null) return none;
  return { file: { path, name }, values: parseFile(name, text, mistakes) };
}

/** YAML 1.2, of which JSON is a part; repeated keys are refused in both. */
function parseFile(name: string, text: string, mistakes: Mistake[]): Record<string, unknown> {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, version: '1.2' });
  for (const { code, pos } of [...document.errors, ...document.warnings]) {
    const { line, col } = lines.linePos(pos[0]);
    const why = code.toLowerCase().replaceAll('_', ' ');
    mistakes.push({
      en: `${name} is not valid at line ${line}, column ${col} (${why})`,
      zh: `${name} 第 ${line} 行第 ${col} 列有语法错误（${why}）`,
    });
  }
  if (document.errors.length > 0) return {};
  let values: unknown;
  try {
    values = document.toJS();
  } catch {
    mistakes.push({ en: `${name} uses aliases that cannot be resolved`, zh: `${name} 中的别名（alias）无法解析` });
    return {};
  }
  if (values === null) return {};
  if (typeof values === 'object' && !Array.isArray(values)) return values as Record<string, unknown>;
  mistakes.push(
    mistake({ en: `${name} must hold options by name`, zh: `${name} 应以名称为键列出配置项` }, kindOf(values), () => undefined),
  );
  return {};
}
