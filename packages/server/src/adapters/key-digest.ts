/**
 * What is stored of an API key: an HMAC under a key derived from the master key, so that a stolen database alone
 * does not let anyone test guesses.
 */

import { createHmac } from 'node:crypto';
import { deriveKey } from './master-key.ts';

/** A function from an API key to its digest, 64 lower-case hex. */
export function createKeyDigest(master: Buffer): (key: string) => string {
  const hmacKey = deriveKey(master, 'api key digest');
  return (key) => createHmac('sha256', hmacKey).update(key, 'utf8').digest('hex');
}
