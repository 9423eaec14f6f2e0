/**
 * Finds the master key of an installation, and makes sure it is the one its secrets were sealed with.
 *
 * A key file is made only for a store that has never seen a key: a missing file beside a used store is an accident
 * that a new key would turn into a loss.
 */

import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { masterKeyCheck, parseMasterKey, readOrCreateKeyFile } from '../adapters/master-key.ts';
import { ZhongkongError } from '../core/errors.ts';
import type { Directory } from '../core/store.ts';

/** The setting that recognises the key without revealing it. */
const CHECK = 'master_key';

export interface MasterKeySource {
  /** Base64 of 32 bytes, or null. */
  readonly masterKey: string | null;
  /** Null only for a store that does not outlive the process. */
  readonly masterKeyFile: string | null;
}

export async function findMasterKey(source: MasterKeySource, directory: Directory): Promise<Buffer> {
  const expected = await directory.setting(CHECK);
  const key = load(source, expected !== null);
  const check = masterKeyCheck(key);
  if (expected === null && (await directory.putSetting(CHECK, null, check))) return key;
  const stored = expected ?? (await directory.setting(CHECK));
  if (stored === check) return key;
  throw new ZhongkongError('unseal_failed', {
    en: 'the master key is not the one that this store was sealed with',
    zh: '当前主密钥不是加密此存储时所用的那个',
  });
}

function load({ masterKey, masterKeyFile }: MasterKeySource, used: boolean): Buffer {
  if (masterKey !== null) return parseMasterKey(masterKey);
  if (masterKeyFile === null) return randomBytes(32);
  if (used && !existsSync(masterKeyFile)) {
    throw new ZhongkongError(
      'config_invalid',
      {
        en: `the master key file ${masterKeyFile} is missing, and the store's secrets cannot be opened without it`,
        zh: `主密钥文件 ${masterKeyFile} 不存在，没有它就无法解开存储中的秘密`,
      },
      {
        advice: {
          en: 'Put the key file back from your backup, or set ZHONGKONG_MASTER_KEY. Without it, start with a new store and add the accounts again.',
          zh: '请从备份恢复主密钥文件，或设置 ZHONGKONG_MASTER_KEY；如果密钥已丢失，只能换用新的存储并重新添加账号。',
        },
      },
    );
  }
  return readOrCreateKeyFile(masterKeyFile);
}
