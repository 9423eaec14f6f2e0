/** An API key as stored: everything but the key itself, of which only a keyed digest is kept. */

export const SCOPES = ['credential:read', 'credential:refresh', 'sign', 'gateway', 'functions', 'tick', 'metrics', 'admin'] as const;

export type Scope = (typeof SCOPES)[number];

export interface ApiKeyRecord {
  /** Short public id, `k_` + 12 base62. Appears in logs and the audit trail. */
  readonly id: string;
  /** Unique among keys that are not revoked. */
  readonly name: string;
  /** HMAC-SHA-256 of the key under a key derived from the master key, hex. */
  readonly digest: string;
  readonly scopes: readonly Scope[];
  /** Account ids, or `*`. */
  readonly accounts: readonly string[];
  /** Credential kinds, or null for all. */
  readonly kinds: readonly string[] | null;
  /** Gateway path patterns, or null for all. */
  readonly paths: readonly string[] | null;
  readonly callsPerMinute: number | null;
  /** Networks it may be used from, or null for all. */
  readonly cidrs: readonly string[] | null;
  readonly sealed: boolean;
  readonly expiresAt: number | null;
  readonly revokedAt: number | null;
  readonly createdAt: number;
  /** Optimistic concurrency: a write names the revision it read. 0 = not stored yet. */
  readonly revision: number;
}
