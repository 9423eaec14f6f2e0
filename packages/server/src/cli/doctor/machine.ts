/** Files and disk of this machine, and what the configuration takes risks with. Only looks, changes nothing. */

import type { Stats } from 'node:fs';
import { stat, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isOpenToOthers, modeText } from '../../adapters/secret-file.ts';
import { databaseFile } from '../../config/formats.ts';
import type { Config } from '../../config/schema.ts';
import { configWarnings } from '../../config/warnings.ts';
import { type Finding, finding, reasonOf } from './finding.ts';

/** Null when it is not there. */
const statOf = (file: string): Promise<Stats | null> => stat(file).catch(() => null);

export async function checkFiles(config: Config): Promise<Finding[]> {
  const database = databaseFile(config.store);
  const adminKeyFile = database === null ? null : join(dirname(database), 'admin-key');
  const found = await Promise.all([keyFile(config), configFile(config), leftAdminKey(adminKeyFile), disk(database)]);
  return [...found.flat(), ...warnings(config)];
}

async function keyFile({ masterKeyFile }: Config): Promise<Finding[]> {
  if (masterKeyFile === null) return [];
  const found = await statOf(masterKeyFile);
  if (found === null) return [];
  const mode = modeText(found.mode);
  if (!isOpenToOthers(found)) {
    return [finding('key-file', 'ok', { en: `mode ${mode}`, zh: `权限 ${mode}` }, null, masterKeyFile)];
  }
  const text = { en: `others may read it (mode ${mode})`, zh: `其他用户可读（权限 ${mode}）` };
  const advice = { en: `Run: chmod 600 '${masterKeyFile}'`, zh: `请执行 chmod 600 '${masterKeyFile}'` };
  return [finding('key-file', 'error', text, advice, masterKeyFile)];
}

async function configFile({ file, accounts, keys, adminKey, masterKey }: Config): Promise<Finding[]> {
  const found = file === null ? null : await statOf(file);
  const hasSecrets = (accounts?.length ?? 0) + keys.length > 0 || adminKey !== null || masterKey !== null;
  if (file === null || found === null || !hasSecrets || !isOpenToOthers(found)) return [];
  const mode = modeText(found.mode);
  const text = { en: `others may read it (mode ${mode})`, zh: `其他用户可读（权限 ${mode}）` };
  const advice = {
    en: `If secrets stand in it, run: chmod 600 '${file}', or keep them in secretFile or the environment.`,
    zh: `如果其中写有秘密，请执行 chmod 600 '${file}'，或改用 secretFile、环境变量。`,
  };
  return [finding('config-file', 'warning', text, advice, file)];
}

async function leftAdminKey(file: string | null): Promise<Finding[]> {
  if (file === null || (await statOf(file)) === null) return [];
  const text = { en: 'the first admin key still lies here', zh: '首次生成的管理员 key 仍留在此文件中' };
  const advice = { en: 'Move it to where you keep secrets, and delete the file.', zh: '请转存到妥善之处后删除该文件。' };
  return [finding('admin-key-file', 'warning', text, advice, file)];
}

const MEGABYTE = 1024 * 1024;
/** WAL, checkpoint and audit trail of a busy installation stay far below this. */
const SCARCE = 1024 * MEGABYTE;
/** SQLite starts to refuse commits soon. */
const TOO_LITTLE = 100 * MEGABYTE;

async function disk(database: string | null): Promise<Finding[]> {
  if (database === null) return [];
  const folder = dirname(database);
  try {
    const { bavail, bsize } = await statfs(folder);
    const free = bavail * bsize;
    const text = { en: `${Math.floor(free / MEGABYTE)} MB free`, zh: `剩余 ${Math.floor(free / MEGABYTE)} MB` };
    if (free >= SCARCE) return [finding('disk', 'ok', text, null, folder)];
    const advice = {
      en: 'Make room. When the disk is full, new credentials cannot be stored and are lost at the next restart.',
      zh: '请清理磁盘。磁盘写满后新凭据无法落盘，重启即丢失。',
    };
    return [finding('disk', free < TOO_LITTLE ? 'error' : 'warning', text, advice, folder)];
  } catch (error) {
    // Not there yet is the first start's affair.
    if (reasonOf(error) === 'ENOENT') return [];
    return [
      finding('disk', 'warning', { en: `cannot be looked at (${reasonOf(error)})`, zh: `无法检查（${reasonOf(error)}）` }, null, folder),
    ];
  }
}

function warnings(config: Config): Finding[] {
  return configWarnings(config).map(({ option, text }) => finding('config', 'warning', text, null, option));
}
