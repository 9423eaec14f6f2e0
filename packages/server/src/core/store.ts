/**
 * The three ports to storage. Each has a contract suite that every implementation runs unchanged.
 *
 * CredentialStore: every method touches one account, so that one Durable Object per account can be it.
 * Directory: accounts, API keys, audit trail; paged, may lag.
 * DueQueue: which credentials want work; optional where alarms replace it.
 *
 * Rules for all: instants are epoch ms on the *store's* clock; what a method acknowledged survives kill -9;
 * a store never looks into a `body`; secrets arrive sealed. Failures throw ZhongkongError `store_unavailable`.
 */

import type { Account } from './account.ts';
import type { ApiKeyRecord } from './api-key.ts';
import type { CredentialId } from './credential.ts';
import type { Bilingual } from './failure.ts';

/** A credential as stores see it: what they decide on, and a sealed document that only the core reads. */
export interface StoredCredential {
  readonly id: CredentialId;
  readonly generation: number;
  /** Number of the latest lease; strictly increasing per credential, never reused. */
  readonly fence: number;
  /** When it wants work again; null = never (disabled, or another chain is in use). */
  readonly nextAttemptAt: number | null;
  /** JSON made by `codec.ts`; null until the first write. */
  readonly body: string | null;
}

/** The exclusive right to refresh one credential until `until`. */
export interface LeaseGrant {
  readonly id: CredentialId;
  readonly holder: string;
  readonly fence: number;
  /** On the store's clock. */
  readonly until: number;
  /** The lease before this one ended by time, not by release: its holder may still be acting. */
  readonly takenOver: boolean;
}

export interface Acquired {
  readonly lease: LeaseGrant;
  /** The credential as it is *under* the lease: the re-read. */
  readonly stored: StoredCredential;
}

/** The part of a credential that a holder may write. */
export interface CredentialWrite {
  readonly generation: number;
  readonly nextAttemptAt: number | null;
  readonly body: string;
}

export interface CredentialStore {
  /** The store's clock. */
  now(): Promise<number>;
  read(id: CredentialId): Promise<StoredCredential | null>;
  /** All credentials of one account, whatever kind and chain. */
  list(account: string): Promise<readonly StoredCredential[]>;
  /** Takes the lease if none is running, raising the fence; makes the row when there is none. */
  acquire(id: CredentialId, holder: string, durationMs: number): Promise<Acquired | { readonly heldUntil: number }>;
  /**
   * Conditional on the lease's fence still being the latest: a later lease makes this `stale` and changes nothing.
   * An expired lease that nobody took over still commits. `release` ends the lease in the same step.
   */
  write(lease: LeaseGrant, next: CredentialWrite, options: { readonly release: boolean }): Promise<'committed' | 'stale'>;
  /** Ends the lease if it is still this one; writes nothing else. */
  release(lease: LeaseGrant): Promise<void>;
  /** Sets when the credential wants work, without a lease; makes the row when there is none. */
  schedule(id: CredentialId, nextAttemptAt: number | null): Promise<void>;
  /** Removes every credential of an account. */
  removeAll(account: string): Promise<void>;
}

export interface DueQueue {
  /** Takes the leases of up to `limit` credentials whose `nextAttemptAt` has come and that nobody holds, oldest first. */
  claim(holder: string, durationMs: number, limit: number): Promise<readonly Acquired[]>;
  /** Earliest `nextAttemptAt` of all, or null. */
  nextDueAt(): Promise<number | null>;
}

export interface Page {
  /** Exclusive: the last id of the page before, or null. */
  readonly after: string | null;
  readonly limit: number;
}

/** One line of the audit trail. Never holds a secret. */
export interface AuditEntry {
  readonly at: number;
  /** `subject.verb`, e.g. `account.created`. */
  readonly action: string;
  /** Who: `key:<id>`, `cli`, `config`, `system`. */
  readonly actor: string;
  /** The account or key it concerns, or ''. */
  readonly subject: string;
  /** Small flat JSON. */
  readonly data: Readonly<Record<string, string | number | boolean | null>>;
}

export interface StoredAuditEntry extends AuditEntry {
  /** Increasing; sorts by time of writing. */
  readonly seq: number;
}

/** Something that changed in the store, for caches to drop. */
export type Change =
  | { readonly topic: 'account'; readonly id: string }
  | { readonly topic: 'key'; readonly id: string }
  /** `own`: written through this very handle, under a lease; whoever wrote it may know it already. */
  | { readonly topic: 'credential'; readonly id: CredentialId; readonly own?: true };

export interface ChangePage {
  /** Opaque; give it back to go on from here. */
  readonly cursor: string;
  readonly changes: readonly Change[];
  /** More changes than one page holds, or the cursor is too old: drop everything. */
  readonly overflow: boolean;
}

export interface Directory {
  account(id: string): Promise<Account | null>;
  /** Every account with that AppID: usually one, several when it hangs under several parents. */
  accountsByAppId(appId: string): Promise<readonly Account[]>;
  /** In id order. */
  accounts(page: Page): Promise<readonly Account[]>;
  countAccounts(): Promise<number>;
  /**
   * Writes the account when the stored revision equals `account.revision` (0: there is none), storing revision + 1.
   * `conflict` when it does not, or when (platform, appId, parent) or the id is taken by another.
   */
  putAccount(account: Account): Promise<'written' | 'conflict'>;
  /** True when it was there. */
  removeAccount(id: string): Promise<boolean>;

  key(id: string): Promise<ApiKeyRecord | null>;
  keyByDigest(digest: string): Promise<ApiKeyRecord | null>;
  keys(page: Page): Promise<readonly ApiKeyRecord[]>;
  /**
   * Writes the key when the stored revision equals `key.revision` (0: there is none), storing revision + 1.
   * `conflict` when it does not, or when the digest, or the name while neither is revoked, belongs to another key.
   */
  putKey(key: ApiKeyRecord): Promise<'written' | 'conflict'>;

  appendAudit(entries: readonly AuditEntry[]): Promise<void>;
  /** Newest first; `before` = exclusive seq. Filters are exact. */
  audit(query: {
    readonly before: number | null;
    readonly limit: number;
    readonly subject?: string;
    readonly action?: string;
  }): Promise<readonly StoredAuditEntry[]>;
  pruneAudit(olderThan: number): Promise<number>;

  /** What changed after `cursor`; null = only the cursor of now. At most `limit` changes. */
  changes(cursor: string | null, limit: number): Promise<ChangePage>;

  /** Small named values of the installation (the master key's check value, the change of the admin key). */
  setting(name: string): Promise<string | null>;
  /** Compare and set: writes when the stored value equals `expected` (null: absent). */
  putSetting(name: string, expected: string | null, value: string): Promise<boolean>;
}

/** A credential's row as a whole, for moving it. */
export interface ArchivedCredential extends StoredCredential {
  /** From the grant of a lease to its release; `until` on the store's clock, and past when the lease only ran out. */
  readonly lease: { readonly holder: string; readonly until: number } | null;
}

/** How many rows there are of each sort. */
export interface Census {
  readonly accounts: number;
  readonly keys: number;
  readonly credentials: number;
  readonly audit: number;
}

/** Whole rows, with the revisions, fences and numbers that they have. */
export interface ArchivedRows {
  readonly accounts?: readonly Account[];
  readonly keys?: readonly ApiKeyRecord[];
  readonly credentials?: readonly ArchivedCredential[];
  /** Growing by `seq`, and all above those that are there. */
  readonly audit?: readonly StoredAuditEntry[];
}

/**
 * Whole rows out and in, page by page: for moving a store, and for what is done to all of a store that was restored.
 * Writing tells no change log and asks for no lease, so it is only for rows that nobody else may write.
 */
export interface Archive {
  census(): Promise<Census>;
  /** In the order of account, kind and chain, byte by byte, after `after` (null: from the first). At most `limit`. */
  credentials(after: CredentialId | null, limit: number): Promise<readonly ArchivedCredential[]>;
  /** Oldest first, those after `seq`. */
  audit(seq: number, limit: number): Promise<readonly StoredAuditEntry[]>;
  settings(): Promise<readonly { readonly name: string; readonly value: string }[]>;
  /** At or above the fence of every credential that was ever removed: new ones start there. */
  fenceFloor(): Promise<number>;
  raiseFenceFloor(atLeast: number): Promise<void>;
  /**
   * Writes rows, in the place of those with the same key, in one step; at most 500 in all. A store that numbers fences
   * or audit entries by itself may raise what is given, never lower it.
   */
  put(rows: ArchivedRows): Promise<void>;
  /** Removes every account, key, credential and audit entry. Settings and the fence floor stay. */
  clear(): Promise<void>;
}

/** One opened store: the three ports, its archive and its life. */
export interface Store {
  readonly credentials: CredentialStore;
  readonly directory: Directory;
  readonly due: DueQueue;
  readonly archive: Archive;
  /**
   * Where the store can tell at once that something may have changed: `listen` calls `wake` then, and returns the way to
   * stop. A wake may come for nothing, or not at all: `Directory.changes` stays the truth.
   */
  readonly notices?: { listen(wake: () => void): () => void };
  /** Number of the schema: as it was found when opening, and as it is now. Absent where there is none to bring up to date. */
  readonly schema?: { readonly found: number; readonly now: number };
  /** What was found when opening and deserves an operator's look: allowed, but a risk. */
  readonly warnings?: readonly Bilingual[];
  /**
   * Cheap round trip that really writes. Rejects with `store_unavailable`, or with `config_invalid` when later code has
   * changed the schema meanwhile.
   */
  ping(): Promise<void>;
  close(): Promise<void>;
}
