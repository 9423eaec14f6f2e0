/**
 * What is stored of an API key: an HMAC under a key that the database alone does not reveal, so that a stolen one does
 * not let anyone test guesses.
 *
 * Digests cannot be made anew without the keys themselves, so the HMAC's key never changes: it is derived from the
 * first master key of the installation, and outlives it, sealed, in the store (`hosts/master-key.ts`).
 */

import { createHmac } from 'node:crypto';
import { deriveKey } from './master-key.ts';

/** The HMAC's key of an installation whose first master key this is, 32 bytes. */
export const digestKeyOf = (firstMaster: Buffer): Buffer => deriveKey(firstMaster, 'api key digest');

/** A function from an API key to its digest, 64 lower-case hex. */
export function createKeyDigest(hmacKey: Buffer): (key: string) => string {
  return (key) => createHmac('sha256', hmacKey).update(key, 'utf8').digest('hex');
}
