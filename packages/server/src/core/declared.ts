/** What the configuration declares of accounts and keys, parsed: plain secrets, so never logged and never stored as it is. */

import type { Scope } from './api-key.ts';

export interface DeclaredAccount {
  readonly id: string;
  readonly platform: string;
  readonly appId: string;
  readonly parent: string;
  /** Null: the platform's default mode. */
  readonly mode: string | null;
  /** One or two AppSecrets, in the order they are tried. */
  readonly secrets: readonly string[];
  readonly enabled: boolean;
  readonly note: string;
}

/** An API key for hosts without a console: never stored, valid while declared. */
export interface DeclaredKey {
  readonly name: string;
  /** 24 to 128 URL-safe characters. */
  readonly key: string;
  readonly scopes: readonly Scope[];
  /** Account ids, or `*`. */
  readonly accounts: readonly string[];
  readonly kinds: readonly string[] | null;
  readonly cidrs: readonly string[] | null;
  readonly callsPerMinute: number | null;
  readonly expiresAt: number | null;
  readonly sealed: boolean;
}
