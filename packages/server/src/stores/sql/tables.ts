/**
 * The tables, as Kysely sees them. The document of the schema is docs/storage-schema.md; the columns are made in
 * `migrations.ts`, and the two say the same.
 *
 * Plain types only (text, integer), booleans as 0 and 1, lists as JSON text, instants as epoch ms: every SQL database
 * has these. No foreign keys: the three ports may live in three places.
 */

import type { Generated } from 'kysely';

export interface CredentialsTable {
  account: string;
  kind: string;
  chain: string;
  generation: number;
  /** Number of the latest lease. */
  fence: number;
  /** Set from acquire to release; a lease that only ran out keeps both, which is how a takeover is recognised. */
  lease_holder: string | null;
  lease_until: number | null;
  next_attempt_at: number | null;
  body: string | null;
}

export interface AccountsTable {
  id: string;
  platform: string;
  app_id: string;
  parent: string;
  mode: string;
  sealed_secrets: string;
  secret_revision: number;
  secret_fingerprints: string;
  enabled: number;
  note: string;
  declaration: string;
  created_at: number;
  updated_at: number;
  revision: number;
}

export interface ApiKeysTable {
  id: string;
  name: string;
  /** The name while the key is not revoked, else null: unique, and null is never a duplicate of null. */
  active_name: string | null;
  digest: string;
  scopes: string;
  accounts: string;
  kinds: string | null;
  paths: string | null;
  calls_per_minute: number | null;
  cidrs: string | null;
  sealed: number;
  expires_at: number | null;
  revoked_at: number | null;
  created_at: number;
  revision: number;
}

export interface AuditTable {
  seq: Generated<number>;
  at: number;
  action: string;
  actor: string;
  subject: string;
  data: string;
}

export interface ChangesTable {
  seq: Generated<number>;
  topic: 'account' | 'key' | 'credential';
  /** Account id or key id. */
  subject: string;
  /** Empty unless the topic is a credential. */
  kind: string;
  chain: string;
  /** The handle that made a credential write, so that it can tell its own; empty for everything else. */
  origin: string;
}

export interface SettingsTable {
  name: string;
  value: string;
}

/** Numbers of the store itself, see `COUNTERS`. */
export interface CountersTable {
  name: string;
  value: number;
}

export interface MigrationsTable {
  number: number;
  name: string;
  applied_at: number;
  /** The oldest schema whose code may work beside this one. Null in rows of before there was such a rule. */
  serves_from: number | null;
}

export interface Tables {
  credentials: CredentialsTable;
  accounts: AccountsTable;
  api_keys: ApiKeysTable;
  audit: AuditTable;
  changes: ChangesTable;
  settings: SettingsTable;
  counters: CountersTable;
  migrations: MigrationsTable;
}

/**
 * The columns of the tables that are read whole. Named one by one, never `*`: later code may add columns while this code
 * still runs, and what the server has prepared for `*` would then fail, or give what nobody here asked for.
 */
export const COLUMNS = {
  credentials: ['account', 'kind', 'chain', 'generation', 'fence', 'lease_holder', 'lease_until', 'next_attempt_at', 'body'],
  accounts: [
    'id',
    'platform',
    'app_id',
    'parent',
    'mode',
    'sealed_secrets',
    'secret_revision',
    'secret_fingerprints',
    'enabled',
    'note',
    'declaration',
    'created_at',
    'updated_at',
    'revision',
  ],
  api_keys: [
    'id',
    'name',
    'active_name',
    'digest',
    'scopes',
    'accounts',
    'kinds',
    'paths',
    'calls_per_minute',
    'cidrs',
    'sealed',
    'expires_at',
    'revoked_at',
    'created_at',
    'revision',
  ],
  audit: ['seq', 'at', 'action', 'actor', 'subject', 'data'],
} as const satisfies { readonly [Table in keyof Tables]?: readonly (keyof Tables[Table])[] };

export const COUNTERS = {
  /** No removed credential ever had a fence above this, so new rows start here: no fence is given twice. */
  fenceFloor: 'fence_floor',
  /** Changes up to this number are gone from the log. */
  changesPruned: 'changes_pruned',
  /** Written by `ping` to find out whether writing works. */
  ping: 'ping',
} as const;
