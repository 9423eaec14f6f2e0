/**
 * The master key: 32 random bytes from which every other key is derived. An installation has one that seals; while it
 * is changed, several that open.
 *
 * Invariants: it is never used for anything directly; no error says anything of its content.
 */

import { hkdfSync } from 'node:crypto';
import { ZhongkongError } from '../core/errors.ts';

export const MASTER_KEY_BYTES = 32;

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
  if (key.length !== MASTER_KEY_BYTES) {
    throw new ZhongkongError(
      'config_invalid',
      {
        en: `${source} holds ${key.length} bytes, needs ${MASTER_KEY_BYTES}`,
        zh: `${source} 为 ${key.length} 字节，应为 ${MASTER_KEY_BYTES} 字节`,
      },
      { advice: MAKE_ONE },
    );
  }
  return key;
}

/**
 * One master key or several, apart by white space or commas; the first is the one to seal with from the next rotation
 * on. Throws `config_invalid`.
 */
export function parseMasterKeys(text: string, source = 'masterKey'): readonly Buffer[] {
  const [first = '', ...more] = text.split(/[\s,]+/).filter((part) => part !== '');
  const name = (index: number): string => (more.length === 0 ? source : `${source}, key ${index + 1},`);
  return [first, ...more].map((part, index) => parseMasterKey(part, name(index)));
}

/** A key of its own for each purpose (HKDF-SHA256), so that no use of one helps against another. */
export function deriveKey(master: Buffer, purpose: string): Buffer {
  return Buffer.from(hkdfSync('sha256', master, '', `zhongkong ${purpose}`, MASTER_KEY_BYTES));
}

/** Names a master key in sealed texts: 8 hex. */
export const masterKeyId = (master: Buffer): string => deriveKey(master, 'key id').toString('hex').slice(0, 8);

/** What a store keeps to recognise its master key at the next start: 64 hex, of no use for opening anything. */
export const masterKeyCheck = (master: Buffer): string => deriveKey(master, 'key check').toString('hex');
