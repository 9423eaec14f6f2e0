/**
 * AES-256-GCM behind the core's port. A sealed text is `v1.<key id>.<base64url of iv, ciphertext, tag>`.
 *
 * Every context has a key of its own, so no key is used often enough for random IVs to ever meet; the context is
 * bound in as additional data as well.
 */

import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto';
import { ZhongkongError } from '../core/errors.ts';
import type { RotatingSeal } from '../core/seal.ts';
import type { KeyRing } from './key-ring.ts';

const ALGORITHM = 'aes-256-gcm';
const IV_BYTES = 12;
const TAG_BYTES = 16;
const FORM = /^v1\.([0-9a-f]{8})\.([A-Za-z0-9_-]+)$/;

/** Seals under the ring's current master key, opens under any that it knows. */
export function createSeal(ring: KeyRing): RotatingSeal {
  const keyFor = (sealing: Buffer, context: string): Buffer => createHmac('sha256', sealing).update(context, 'utf8').digest();

  return {
    seal(plain, context) {
      const { id, sealing } = ring.current;
      const iv = randomBytes(IV_BYTES);
      const cipher = createCipheriv(ALGORITHM, keyFor(sealing, context), iv, { authTagLength: TAG_BYTES });
      cipher.setAAD(Buffer.from(context, 'utf8'));
      const sealed = Buffer.concat([iv, cipher.update(plain, 'utf8'), cipher.final(), cipher.getAuthTag()]);
      return `v1.${id}.${sealed.toString('base64url')}`;
    },

    open(sealed, context) {
      const [, id = '', body = ''] = FORM.exec(sealed) ?? [];
      const bytes = Buffer.from(body, 'base64url');
      if (bytes.length < IV_BYTES + TAG_BYTES) throw new ZhongkongError('unseal_failed', 'not a sealed text');
      const key = ring.byId(id);
      if (!key) throw new ZhongkongError('unseal_failed', `sealed under master key ${id}, which is not given`);
      try {
        const decipher = createDecipheriv(ALGORITHM, keyFor(key.sealing, context), bytes.subarray(0, IV_BYTES), {
          authTagLength: TAG_BYTES,
        });
        decipher.setAAD(Buffer.from(context, 'utf8'));
        decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
        return decipher.update(bytes.subarray(IV_BYTES, -TAG_BYTES), undefined, 'utf8') + decipher.final('utf8');
      } catch {
        throw new ZhongkongError('unseal_failed', 'a sealed text was changed, or moved from where it belongs');
      }
    },

    isCurrent: (sealed) => FORM.exec(sealed)?.[1] === ring.current.id,
  };
}
