/**
 * How API keys look: `zk_`, 34 random base62 characters, 6 of checksum.
 *
 * The checksum only tells a mistyped key from an unknown one, in an error message. It keeps nobody out: keys of an
 * operator's own making (declared keys, the admin key) have no such form, and anybody can compute a CRC.
 */

const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const RANDOM_LENGTH = 34;
const CHECKSUM_LENGTH = 6;
const ID_LENGTH = 12;

/** What any key may look like, ours or an operator's own. All of it is safe in a URL. */
export const KEY_TEXT = /^[A-Za-z0-9_.-]{24,128}$/;

const OURS = /^zk_[0-9A-Za-z]{40}$/;

/** A new key: `zk_` + 40 base62. `randomBytes` must be cryptographically strong: 34 characters are 202 bits. */
export function createApiKey(randomBytes: (n: number) => Uint8Array): string {
  const random = randomBase62(RANDOM_LENGTH, randomBytes);
  return `zk_${random}${checksum(random)}`;
}

/** Whether `text` could have come from `createApiKey` unharmed. */
export function isWellFormedKey(text: string): boolean {
  return OURS.test(text) && checksum(text.slice(3, 3 + RANDOM_LENGTH)) === text.slice(3 + RANDOM_LENGTH);
}

/** Whether `text` was meant to be a key of ours: worth a word about typing errors when it is unknown. */
export function looksMistyped(text: string): boolean {
  return text.startsWith('zk_') && !isWellFormedKey(text);
}

/** A new public id of a key: `k_` + 12 base62. */
export function createKeyId(randomBytes: (n: number) => Uint8Array): string {
  return `k_${randomBase62(ID_LENGTH, randomBytes)}`;
}

/** Bytes of 248 and more are thrown away: 62 × 4 = 248 divides evenly. */
function randomBase62(length: number, randomBytes: (n: number) => Uint8Array): string {
  let text = '';
  while (text.length < length) {
    for (const byte of randomBytes(length)) {
      if (byte < 248 && text.length < length) text += BASE62[byte % 62];
    }
  }
  return text;
}

/** CRC-32 in base62; 62^6 is more than 2^32. */
function checksum(text: string): string {
  let rest = crc32(text);
  let digits = '';
  for (let i = 0; i < CHECKSUM_LENGTH; i += 1) {
    digits = BASE62[rest % 62] + digits;
    rest = Math.floor(rest / 62);
  }
  return digits;
}

function crc32(text: string): number {
  let crc = 0xffffffff;
  for (let i = 0; i < text.length; i += 1) {
    crc ^= text.charCodeAt(i);
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return (crc ^ 0xffffffff) >>> 0;
}
