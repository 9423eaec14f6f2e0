/**
 * Credentials, leases and the due queue in memory.
 *
 * Every method does its work in one synchronous step, which is what makes it atomic: there is no await inside.
 */

import { type CredentialId, credentialKey } from '../../core/credential.ts';
import type { Acquired, CredentialStore, CredentialWrite, DueQueue, LeaseGrant, StoredCredential } from '../../core/store.ts';
import type { MemoryState, Row } from './state.ts';

const NEVER = Number.POSITIVE_INFINITY;
const seen = ({ id, generation, fence, nextAttemptAt, body }: Row): StoredCredential => ({ id, generation, fence, nextAttemptAt, body });

export class MemoryCredentials implements CredentialStore, DueQueue {
  readonly #state: MemoryState;
  readonly #now: () => number;

  constructor(state: MemoryState, now: () => number) {
    this.#state = state;
    this.#now = now;
  }

  async now(): Promise<number> {
    return this.#now();
  }

  async read(id: CredentialId): Promise<StoredCredential | null> {
    const row = this.#state.rows.get(credentialKey(id));
    return row ? seen(row) : null;
  }

  async list(account: string): Promise<readonly StoredCredential[]> {
    return [...this.#state.rows.values()].filter((row) => row.id.account === account).map(seen);
  }

  async acquire(id: CredentialId, holder: string, durationMs: number): Promise<Acquired | { readonly heldUntil: number }> {
    const row = this.#row(id);
    return this.#isHeld(row) ? { heldUntil: row.leaseUntil } : this.#grant(row, holder, durationMs);
  }

  async write(lease: LeaseGrant, next: CredentialWrite, options: { readonly release: boolean }): Promise<'committed' | 'stale'> {
    const row = this.#state.rows.get(credentialKey(lease.id));
    if (!row || row.fence !== lease.fence) return 'stale';
    row.generation = next.generation;
    this.#schedule(row, next.nextAttemptAt);
    row.body = next.body;
    if (options.release) row.holder = null;
    this.#state.changed({ topic: 'credential', id: row.id });
    return 'committed';
  }

  async release(lease: LeaseGrant): Promise<void> {
    const row = this.#state.rows.get(credentialKey(lease.id));
    if (row && row.fence === lease.fence) row.holder = null;
  }

  async schedule(id: CredentialId, nextAttemptAt: number | null): Promise<void> {
    this.#schedule(this.#row(id), nextAttemptAt);
  }

  async removeAll(account: string): Promise<void> {
    for (const [key, row] of this.#state.rows) {
      if (row.id.account !== account) continue;
      this.#state.rows.delete(key);
      this.#state.changed({ topic: 'credential', id: row.id });
    }
  }

  async claim(holder: string, durationMs: number, limit: number): Promise<readonly Acquired[]> {
    const now = this.#now();
    if (this.#state.dueFrom > now) return [];
    this.#state.dueFrom = this.#earliest();
    const due = [...this.#state.rows.values()].filter(
      (row) => row.nextAttemptAt !== null && row.nextAttemptAt <= now && !this.#isHeld(row),
    );
    due.sort((a, b) => (a.nextAttemptAt ?? 0) - (b.nextAttemptAt ?? 0));
    return due.slice(0, limit).map((row) => this.#grant(row, holder, durationMs));
  }

  async nextDueAt(): Promise<number | null> {
    const earliest = this.#earliest();
    return earliest === NEVER ? null : earliest;
  }

  #earliest(): number {
    let earliest = NEVER;
    for (const { nextAttemptAt } of this.#state.rows.values())
      if (nextAttemptAt !== null && nextAttemptAt < earliest) earliest = nextAttemptAt;
    return earliest;
  }

  #schedule(row: Row, nextAttemptAt: number | null): void {
    row.nextAttemptAt = nextAttemptAt;
    this.#state.dueFrom = Math.min(this.#state.dueFrom, nextAttemptAt ?? NEVER);
  }

  #row(id: CredentialId): Row {
    const key = credentialKey(id);
    const known = this.#state.rows.get(key);
    if (known) return known;
    const row: Row = { id, generation: 0, fence: 0, holder: null, leaseUntil: 0, nextAttemptAt: null, body: null };
    this.#state.rows.set(key, row);
    return row;
  }

  #isHeld(row: Row): boolean {
    return row.holder !== null && row.leaseUntil > this.#now();
  }

  #grant(row: Row, holder: string, durationMs: number): Acquired {
    const takenOver = row.holder !== null;
    this.#state.fence += 1;
    row.fence = this.#state.fence;
    row.holder = holder;
    row.leaseUntil = this.#now() + durationMs;
    return { lease: { id: row.id, holder, fence: row.fence, until: row.leaseUntil, takenOver }, stored: seen(row) };
  }
}
