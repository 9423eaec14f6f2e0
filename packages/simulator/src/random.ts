/**
 * Seeded randomness. Each use takes a *named stream* (`seed|purpose|…`), so the tokens of one account
 * do not depend on what other accounts, rids or faults drew before: same seed, same tokens, whatever
 * the order of the calls. Not for secrets: this program has none worth keeping.
 */
export interface Random {
  /** Uniform integer in [0, 2^32). */
  next32(): number;
  /** Uniform float in [0, 1). */
  unit(): number;
}

const BASE64URL = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-';

/** A stream of numbers that is a function of `name` alone (sfc32 seeded by a 128-bit string hash). */
export function createRandom(name: string): Random {
  let [a, b, c, d] = hash128(name);
  const next32 = (): number => {
    const t = (a + b + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + t;
    return t >>> 0;
  };
  for (let i = 0; i < 12; i++) next32(); // the first outputs still resemble the seed
  return { next32, unit: () => next32() / 4294967296 };
}

/** `length` characters of [A-Za-z0-9_-] behind `head`; five characters per 30 bits drawn. */
export function base64urlText(random: Random, length: number, head = ''): string {
  const codes: number[] = [];
  for (let i = 0; i < head.length; i++) codes.push(head.charCodeAt(i));
  const end = head.length + length;
  while (codes.length < end) {
    let bits = random.next32();
    for (let i = 0; i < 5 && codes.length < end; i++) {
      codes.push(BASE64URL.charCodeAt(bits & 63));
      bits >>>= 6;
    }
  }
  return String.fromCharCode(...codes); // one flat string: a joined one keeps its parts alive, and tokens are kept by the million
}

/** `length` lower-case hex digits. */
export function hexText(random: Random, length: number): string {
  let text = '';
  while (text.length < length) text += random.next32().toString(16).padStart(8, '0');
  return text.slice(0, length);
}

/** cyrb128 (public domain): four 32-bit words out of a string. */
function hash128(text: string): [number, number, number, number] {
  let h1 = 1779033703;
  let h2 = 3144134277;
  let h3 = 1013904242;
  let h4 = 2773480762;
  for (let i = 0; i < text.length; i++) {
    const k = text.charCodeAt(i);
    h1 = h2 ^ Math.imul(h1 ^ k, 597399067);
    h2 = h3 ^ Math.imul(h2 ^ k, 2869860233);
    h3 = h4 ^ Math.imul(h3 ^ k, 951274213);
    h4 = h1 ^ Math.imul(h4 ^ k, 2716044179);
  }
  h1 = Math.imul(h3 ^ (h1 >>> 18), 597399067);
  h2 = Math.imul(h4 ^ (h2 >>> 22), 2869860233);
  h3 = Math.imul(h1 ^ (h3 >>> 17), 951274213);
  h4 = Math.imul(h2 ^ (h4 >>> 19), 2716044179);
  return [h1 ^ h2 ^ h3 ^ h4, h2 ^ h1, h3 ^ h1, h4 ^ h1];
}
