/** Hashing as a parameter of the core, so that a simulated run is exact. */
export interface Hash {
  /** First 8 lower-case hex of SHA-256 of the UTF-8 text: what may be shown of a secret. */
  fingerprint(text: string): string;
  /** Compare two secrets in constant time. */
  equal(a: string, b: string): boolean;
}
