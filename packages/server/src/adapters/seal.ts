/**
 * AES-256-GCM behind the core's port. A sealed text is `v1.<key id>.<base64url of iv, ciphertext, tag>`.
 *
 * Every context has a key of its own, so no key is used often enough for random IVs to ever meet; the context is
 * bound in as additional data as well.
 */

import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto';
import { ZhongkongError } from '../core/errors.ts';
import type { Seal } from '../core/seal.ts';
import { deriveKey, masterKeyId } from './master-key.ts';

const ALGORITHM = 'aes-256-gcm';
const IV_BYTES = 12;
const TAG_BYTES = 16;
const FORM = /^v1\.([0-9a-f]{8})\.([A-Za-z0-9_-]+)$/;

export interface SealKeys {
  /** The master key that seals, 32 bytes. */
  readonly current: Buffer;
  /** Master keys that still open what they sealed. */
  readonly previous?: readonly Buffer[];
}

/** Seals under the current master key, opens under any of them. */
export function createSeal({ current, previous = [] }: SealKeys): Seal {
  const sealingKeys = new Map([current, ...previous].map((master) => [masterKeyId(master), deriveKey(master, 'seal')]));
  const currentId = masterKeyId(current);
  const keyFor = (id: string, context: string): Buffer | null => {
    const key = sealingKeys.get(id);
    return key ? createHmac('sha256', key).update(context, 'utf8').digest() : null;
  };

  return {
    seal(plain, context) {
      const iv = randomBytes(IV_BYTES);
      const cipher = createCipheriv(ALGORITHM, keyFor(currentId, context) as Buffer, iv, { authTagLength: TAG_BYTES });
      cipher.setAAD(Buffer.from(context, 'utf8'));
      const sealed = Buffer.concat([iv, cipher.update(plain, 'utf8'), cipher.final(), cipher.getAuthTag()]);
      return `v1.${currentId}.${sealed.toString('base64url')}`;
    },

    open(sealed, context) {
      const [, id = '', body = ''] = FORM.exec(sealed) ?? [];
      const bytes = Buffer.from(body, 'base64url');
      if (bytes.length < IV_BYTES + TAG_BYTES) throw new ZhongkongError('unseal_failed', 'not a sealed text');
      const key = keyFor(id, context);
      if (key === null) throw new ZhongkongError('unseal_failed', `sealed under master key ${id}, which is not given`);
      try {
        const decipher = createDecipheriv(ALGORITHM, key, bytes.subarray(0, IV_BYTES), { authTagLength: TAG_BYTES });
        decipher.setAAD(Buffer.from(context, 'utf8'));
        decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
        return decipher.update(bytes.subarray(IV_BYTES, -TAG_BYTES), undefined, 'utf8') + decipher.final('utf8');
      } catch {
        throw new ZhongkongError('unseal_failed', 'a sealed text was changed, or moved from where it belongs');
      }
    },
  };
}
