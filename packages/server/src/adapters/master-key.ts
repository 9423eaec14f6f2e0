/**
 * The master key: 32 random bytes from which every other key is derived, and the file that keeps it.
 *
 * Invariants: it is never used for anything directly; no error says anything of its content. The file can be read by
 * its owner alone (or was handed to us by root: `secret-file.ts`); it appears whole or not at all, so that of two processes that make it at the same moment both end
 * with the one that was first; what was returned survives a power cut.
 */

import { hkdfSync, randomBytes } from 'node:crypto';
import { closeSync, constants, fchmodSync, fstatSync, fsyncSync, linkSync, openSync, readSync, unlinkSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { ZhongkongError } from '../core/errors.ts';
import type { Bilingual } from '../core/failure.ts';
import { isOpenToOthers, modeText } from './secret-file.ts';

const KEY_BYTES = 32;

const MAKE_ONE = {
  en: 'A master key is the base64 of 32 random bytes; make one with: openssl rand -base64 32',
  zh: '主密钥是 32 字节随机数的 base64，可用 openssl rand -base64 32 生成。',
};

/**
 * The 32 bytes of a master key written as base64, surrounding white space allowed.
 * `source` names where it came from in the error. Throws `config_invalid`.
 */
export function parseMasterKey(base64: string, source = 'masterKey'): Buffer {
  const text = base64.trim();
  const key = Buffer.from(text, 'base64');
  // Node decodes leniently: what does not come back the same was not base64, or not all of it.
  if (key.toString('base64') !== text) {
    throw new ZhongkongError('config_invalid', { en: `${source} is not base64`, zh: `${source} 不是 base64` }, { advice: MAKE_ONE });
  }
  if (key.length !== KEY_BYTES) {
    throw new ZhongkongError(
      'config_invalid',
      { en: `${source} holds ${key.length} bytes, needs ${KEY_BYTES}`, zh: `${source} 为 ${key.length} 字节，应为 ${KEY_BYTES} 字节` },
      { advice: MAKE_ONE },
    );
  }
  return key;
}

/** A key of its own for each purpose (HKDF-SHA256), so that no use of one helps against another. */
export function deriveKey(master: Buffer, purpose: string): Buffer {
  return Buffer.from(hkdfSync('sha256', master, '', `zhongkong ${purpose}`, KEY_BYTES));
}

/** Names a master key in sealed texts: 8 hex. */
export const masterKeyId = (master: Buffer): string => deriveKey(master, 'key id').toString('hex').slice(0, 8);

/** What a store keeps to recognise its master key at the next start: 64 hex, of no use for opening anything. */
export const masterKeyCheck = (master: Buffer): string => deriveKey(master, 'key check').toString('hex');

/** A key is 45 bytes; anything beyond this is another file. */
const MAX_BYTES = 1024;

const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? 'unknown';

/**
 * The key in the file at `path`, made first when there is none; its folder must exist. `draw` gives the 32 bytes of a
 * new key. Throws `config_invalid`.
 */
export function readOrCreateKeyFile(path: string, draw: () => Buffer = () => randomBytes(KEY_BYTES)): Buffer {
  return readKeyFile(path) ?? createKeyFile(path, draw());
}

function readKeyFile(path: string): Buffer | null {
  const file = open(path, constants.O_RDONLY);
  if (file === null) return null;
  try {
    const stat = fstatSync(file);
    if (!stat.isFile()) throw invalid(path, { en: 'is not a file', zh: '不是文件' }, NOT_A_KEY);
    if (isOpenToOthers(stat)) {
      const mode = modeText(stat.mode);
      throw invalid(
        path,
        { en: `can be read by others (mode ${mode})`, zh: `可被其他用户读取（权限 ${mode}）` },
        {
          en: `Run: chmod 600 '${path}'. If others had access to this machine, take it that they have the key.`,
          zh: `请执行 chmod 600 '${path}'。如果这台机器上还有其他用户，应当认为密钥已经泄露。`,
        },
      );
    }
    if (stat.size > MAX_BYTES)
      throw invalid(path, { en: `is too large for a key (${stat.size} bytes)`, zh: `过大，不是密钥（${stat.size} 字节）` }, NOT_A_KEY);
    const bytes = Buffer.alloc(MAX_BYTES);
    return parseMasterKey(bytes.toString('latin1', 0, readSync(file, bytes)), `master key file ${path}`);
  } finally {
    closeSync(file);
  }
}

/** Write a whole file under another name, then give it its name, which only one process can. */
function createKeyFile(path: string, fresh: Buffer): Buffer {
  const draft = `${path}.${process.pid}.${randomBytes(4).toString('hex')}`;
  try {
    const file = openSync(draft, 'wx', 0o600);
    try {
      fchmodSync(file, 0o600);
      writeSync(file, `${fresh.toString('base64')}\n`);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    try {
      linkSync(draft, path);
      syncFolder(dirname(path));
    } catch (error) {
      // Another process was first: its key is the key.
      if (codeOf(error) !== 'EEXIST') throw error;
    } finally {
      unlinkSync(draft);
    }
  } catch (error) {
    throw invalid(
      path,
      { en: `cannot be made: ${codeOf(error)}`, zh: `无法创建（${codeOf(error)}）` },
      {
        en: 'Let the folder exist, be writable, and be on a file system with hard links; or set ZHONGKONG_MASTER_KEY.',
        zh: '请确认所在目录存在、可写，且文件系统支持硬链接；也可以改用环境变量 ZHONGKONG_MASTER_KEY。',
      },
    );
  }
  const key = readKeyFile(path);
  if (key === null) throw invalid(path, { en: 'vanished right after it was made', zh: '刚创建就消失了' }, NOT_A_KEY);
  return key;
}

/** The name itself must survive a power cut, not only the content. Windows cannot sync a folder and needs not. */
function syncFolder(folder: string): void {
  if (process.platform === 'win32') return;
  const handle = openSync(folder, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

function open(path: string, flags: number): number | null {
  try {
    return openSync(path, flags);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null;
    throw invalid(
      path,
      { en: `cannot be read: ${codeOf(error)}`, zh: `无法读取（${codeOf(error)}）` },
      {
        en: 'Let the file belong to the user that runs the server, mode 0600.',
        zh: '请让该文件归运行服务的用户所有，权限为 0600。',
      },
    );
  }
}

const NOT_A_KEY = {
  en: 'Name the master key file itself, or put it back from your backup.',
  zh: '请指定主密钥文件本身，或从备份恢复它。',
};

function invalid(path: string, { en, zh }: Bilingual, advice: Bilingual): ZhongkongError {
  return new ZhongkongError('config_invalid', { en: `master key file ${path} ${en}`, zh: `主密钥文件 ${path} ${zh}` }, { advice });
}
