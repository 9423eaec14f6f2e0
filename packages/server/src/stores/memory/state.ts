/**
 * What a memory store holds. Several handles on one state are several nodes on one database.
 *
 * Fences come from one counter for the whole state, so that a removed and re-created credential never sees one again.
 */

import type { Account } from '../../core/account.ts';
import type { ApiKeyRecord } from '../../core/api-key.ts';
import type { CredentialId } from '../../core/credential.ts';
import type { Change, StoredAuditEntry } from '../../core/store.ts';

/** A credential and its lease. `holder` is null when the last lease was given back. */
export interface Row {
  readonly id: CredentialId;
  generation: number;
  fence: number;
  holder: string | null;
  leaseUntil: number;
  nextAttemptAt: number | null;
  body: string | null;
}

/** Changes kept for watchers; one that was away for longer drops everything it knows. */
const CHANGES_KEPT = 10_000;

export class MemoryState {
  readonly rows = new Map<string, Row>();
  readonly accounts = new Map<string, Account>();
  readonly keys = new Map<string, ApiKeyRecord>();
  readonly settings = new Map<string, string>();
  readonly audit: StoredAuditEntry[] = [];
  auditSeq = 0;
  /** No credential is due before this: spares the due queue a look at all of them. */
  dueFrom = Number.POSITIVE_INFINITY;
  fence = 0;
  #changes: Change[] = [];
  /** Number of changes that were ever made before the first one still kept. */
  #forgotten = 0;

  /** Changes ever made; also the cursor of "now". */
  get changeCount(): number {
    return this.#forgotten + this.#changes.length;
  }

  changed(change: Change): void {
    this.#changes.push(change);
    if (this.#changes.length < CHANGES_KEPT * 2) return;
    this.#forgotten = this.changeCount - CHANGES_KEPT;
    this.#changes = this.#changes.slice(-CHANGES_KEPT);
  }

  /** Up to `limit` changes after the first `seen`, or null when they are no longer all kept. */
  changesAfter(seen: number, limit: number): readonly Change[] | null {
    if (seen < this.#forgotten || seen > this.changeCount) return null;
    return this.#changes.slice(seen - this.#forgotten, seen - this.#forgotten + limit);
  }
}
