/** Whole rows of a memory store out and in. */

import { type CredentialId, credentialKey } from '../../core/credential.ts';
import type { Archive, ArchivedCredential, ArchivedRows, Census, StoredAuditEntry } from '../../core/store.ts';
import type { MemoryState, Row } from './state.ts';

/** Byte by byte; a space comes before everything that an id can have. */
const inOrder = (one: string, other: string): number => Buffer.compare(Buffer.from(one), Buffer.from(other));

const archived = ({ id, generation, fence, nextAttemptAt, body, holder, leaseUntil }: Row): ArchivedCredential => ({
  ...{ id, generation, fence, nextAttemptAt, body },
  lease: holder === null ? null : { holder, until: leaseUntil },
});

export class MemoryArchive implements Archive {
  readonly #state: MemoryState;

  constructor(state: MemoryState) {
    this.#state = state;
  }

  async census(): Promise<Census> {
    const { accounts, keys, rows, audit } = this.#state;
    return { accounts: accounts.size, keys: keys.size, credentials: rows.size, audit: audit.length };
  }

  async credentials(after: CredentialId | null, limit: number): Promise<readonly ArchivedCredential[]> {
    const from = after === null ? '' : credentialKey(after);
    const keys = [...this.#state.rows.keys()].filter((key) => inOrder(key, from) > 0).sort(inOrder);
    return keys.slice(0, limit).flatMap((key) => {
      const row = this.#state.rows.get(key);
      return row ? [archived(row)] : [];
    });
  }

  async audit(seq: number, limit: number): Promise<readonly StoredAuditEntry[]> {
    return this.#state.audit.filter((entry) => entry.seq > seq).slice(0, limit);
  }

  async settings(): Promise<readonly { readonly name: string; readonly value: string }[]> {
    return [...this.#state.settings].map(([name, value]) => ({ name, value }));
  }

  async fenceFloor(): Promise<number> {
    return this.#state.fence;
  }

  async raiseFenceFloor(atLeast: number): Promise<void> {
    this.#state.fence = Math.max(this.#state.fence, atLeast);
  }

  async put({ accounts = [], keys = [], credentials = [], audit = [] }: ArchivedRows): Promise<void> {
    const state = this.#state;
    for (const account of accounts) state.accounts.set(account.id, account);
    for (const key of keys) state.keys.set(key.id, key);
    for (const { lease, ...row } of credentials) {
      state.rows.set(credentialKey(row.id), { ...row, holder: lease?.holder ?? null, leaseUntil: lease?.until ?? 0 });
      state.fence = Math.max(state.fence, row.fence);
      state.dueFrom = Math.min(state.dueFrom, row.nextAttemptAt ?? Number.POSITIVE_INFINITY);
    }
    for (const entry of audit) {
      state.audit.push(entry);
      state.auditSeq = entry.seq;
    }
  }

  async clear(): Promise<void> {
    const { accounts, keys, rows, audit } = this.#state;
    for (const map of [accounts, keys, rows]) map.clear();
    audit.length = 0;
  }
}
