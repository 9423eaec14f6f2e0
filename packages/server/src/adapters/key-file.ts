/**
 * The file that keeps the master key, or, while it is changed, several: base64, one a line, the newest first.
 *
 * Invariants: it can be read by its owner alone (or was handed to us by root: `secret-file.ts`); it appears whole or not
 * at all, so that of two processes that make it at the same moment both end with the one that was first; what was
 * returned survives a power cut.
 */

import { randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  fsyncSync,
  linkSync,
  openSync,
  readSync,
  realpathSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { ZhongkongError } from '../core/errors.ts';
import type { Bilingual } from '../core/failure.ts';
import { MASTER_KEY_BYTES, masterKeyId, parseMasterKeys } from './master-key.ts';
import { isOpenToOthers, modeText } from './secret-file.ts';

/** A key is 45 bytes, and there are a few at most; anything beyond this is another file. */
const MAX_BYTES = 1024;

const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? 'unknown';

/**
 * The keys in the file at `path`, made with one first when there is none; its folder must exist. `draw` gives the 32
 * bytes of a new key. Throws `config_invalid`.
 */
export function readOrCreateKeyFile(path: string, draw: () => Buffer = () => randomBytes(MASTER_KEY_BYTES)): readonly Buffer[] {
  return readKeyFile(path) ?? createKeyFile(path, draw());
}

/** Null when there is none. Throws `config_invalid`. */
export function readKeyFile(path: string): readonly Buffer[] | null {
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
    return parseMasterKeys(bytes.toString('latin1', 0, readSync(file, bytes)), `master key file ${path}`);
  } finally {
    closeSync(file);
  }
}

/** Put these keys into the file that is there: its readers find the former content or this one. Throws `config_invalid`. */
export function replaceKeyFile(path: string, keys: readonly Buffer[]): void {
  try {
    // Through a link to the file itself; owner and mode stay: the server may run as somebody else than this command.
    const file = realpathSync(path);
    throughDraft(file, keys, statSync(file), (draft) => renameSync(draft, file));
  } catch (error) {
    throw invalid(path, { en: `cannot be replaced: ${codeOf(error)}`, zh: `无法替换（${codeOf(error)}）` }, NOT_WRITABLE);
  }
}

/**
 * Put this key into a file of its own beside the key file at `path`, named by the key's id, for whoever still needs it.
 * The path of that file, which is on the disk when this returns. Throws `config_invalid`.
 */
export function putAside(path: string, key: Buffer): string {
  try {
    const file = realpathSync(path);
    const aside = `${file}.former-${masterKeyId(key)}`;
    throughDraft(aside, [key], statSync(file), (draft) => renameSync(draft, aside));
    return aside;
  } catch (error) {
    throw invalid(path, { en: `cannot be copied: ${codeOf(error)}`, zh: `无法另存（${codeOf(error)}）` }, NOT_WRITABLE);
  }
}

/** Only one process can give its file the name: its key is the key. */
function createKeyFile(path: string, fresh: Buffer): readonly Buffer[] {
  try {
    throughDraft(path, [fresh], null, (draft) => {
      try {
        linkSync(draft, path);
      } catch (error) {
        if (codeOf(error) !== 'EEXIST') throw error;
      }
      unlinkSync(draft);
    });
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
  const keys = readKeyFile(path);
  if (keys === null) throw invalid(path, { en: 'vanished right after it was made', zh: '刚创建就消失了' }, NOT_A_KEY);
  return keys;
}

/** Write a whole file under another name and let `name` give it its own; what failed leaves nothing behind. */
function throughDraft(
  path: string,
  keys: readonly Buffer[],
  like: Pick<Stats, 'uid' | 'gid' | 'mode'> | null,
  name: (draft: string) => void,
): void {
  const draft = `${path}.${process.pid}.${randomBytes(4).toString('hex')}`;
  const file = openSync(draft, 'wx', 0o600);
  try {
    try {
      if (like !== null && process.platform !== 'win32') fchownSync(file, like.uid, like.gid);
      fchmodSync(file, like === null ? 0o600 : like.mode & 0o777);
      writeSync(file, keys.map((key) => `${key.toString('base64')}\n`).join(''));
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    name(draft);
    syncFolder(dirname(path));
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
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

const NOT_WRITABLE = {
  en: 'Run this as the user that runs the server, and let the folder be writable. The file was not changed.',
  zh: '请以运行服务的用户执行，并确认所在目录可写。该文件未被改动。',
};

const NOT_A_KEY = {
  en: 'Name the master key file itself, or put it back from your backup.',
  zh: '请指定主密钥文件本身，或从备份恢复它。',
};

function invalid(path: string, { en, zh }: Bilingual, advice: Bilingual): ZhongkongError {
  return new ZhongkongError('config_invalid', { en: `master key file ${path} ${en}`, zh: `主密钥文件 ${path} ${zh}` }, { advice });
}
