/**
 * CredentialStore over SQL: leases, conditional writes, and the rows themselves.
 *
 * What a method does to a row is a decision about the row as it is under its lock: see `credential-steps.ts`.
 */

import type { Kysely } from 'kysely';
import type { CredentialId } from '../../core/credential.ts';
import type { Acquired, CredentialStore, CredentialWrite, LeaseGrant, StoredCredential } from '../../core/store.ts';
import type { ChangeLog } from './changes.ts';
import type { SqlConnection } from './connection.ts';
import { fenceFloor } from './credential-steps.ts';
import { storeNow } from './store-clock.ts';
import { COLUMNS, COUNTERS, type CredentialsTable, type Tables } from './tables.ts';

const NO_LEASE = { lease_holder: null, lease_until: null };

export class SqlCredentials implements CredentialStore {
  readonly #db: SqlConnection;
  readonly #changes: ChangeLog;

  constructor(db: SqlConnection, changes: ChangeLog) {
    this.#db = db;
    this.#changes = changes;
  }

  async now(): Promise<number> {
    return this.#db.read((db) => storeNow(db, this.#db.profile));
  }

  async read(id: CredentialId): Promise<StoredCredential | null> {
    const row = await this.#db.read((db) => rowOf(db, id).executeTakeFirst());
    return row ? stored(row) : null;
  }

  async list(account: string): Promise<readonly StoredCredential[]> {
    const rows = await this.#db.read((db) =>
      db.selectFrom('credentials').select(COLUMNS.credentials).where('account', '=', account).orderBy('kind').orderBy('chain').execute(),
    );
    return rows.map(stored);
  }

  acquire(id: CredentialId, holder: string, durationMs: number): Promise<Acquired | { readonly heldUntil: number }> {
    return this.#db.step<Acquired | { readonly heldUntil: number }>({
      id,
      makes: true,
      decide(row, at) {
        if (row === null) throw new Error('no row');
        if (row.lease_until !== null && row.lease_until > at) return { result: { heldUntil: row.lease_until } };
        const next = leased(row, holder, at + durationMs);
        return { next, result: acquired(next, row.lease_until !== null) };
      },
    });
  }

  write(lease: LeaseGrant, { generation, nextAttemptAt, body }: CredentialWrite, { release }: { readonly release: boolean }) {
    return this.#db.step<'committed' | 'stale'>({
      id: lease.id,
      makes: false,
      write: { fence: lease.fence, generation, nextAttemptAt, body, release },
      decide(row) {
        if (row?.fence !== lease.fence) return { result: 'stale' };
        const next = { ...row, generation, next_attempt_at: nextAttemptAt, body, ...(release ? NO_LEASE : {}) };
        return { next, result: 'committed', changedBy: 'holder' };
      },
    });
  }

  release(lease: LeaseGrant): Promise<void> {
    return this.#db.step<void>({
      id: lease.id,
      makes: false,
      decide: (row) => (row?.fence === lease.fence ? { next: { ...row, ...NO_LEASE }, result: undefined } : { result: undefined }),
    });
  }

  schedule(id: CredentialId, nextAttemptAt: number | null): Promise<void> {
    return this.#db.step<void>({
      id,
      makes: true,
      decide: (row) => ({ ...(row ? { next: { ...row, next_attempt_at: nextAttemptAt } } : {}), result: undefined, changedBy: 'anyone' }),
    });
  }

  /** The floor is locked before the rows, here and where rows are made. */
  async removeAll(account: string): Promise<void> {
    const { profile } = this.#db;
    await this.#db.write(async (trx) => {
      await fenceFloor(trx, profile);
      const rows = await trx
        .selectFrom('credentials')
        .select(COLUMNS.credentials)
        .where('account', '=', account)
        .$if(profile.rowLocks, (query) => query.forUpdate())
        .execute();
      if (rows.length === 0) return;
      const highest = Math.max(...rows.map(({ fence }) => fence));
      await trx
        .updateTable('counters')
        .set({ value: highest })
        .where('name', '=', COUNTERS.fenceFloor)
        .where('value', '<', highest)
        .execute();
      await trx.deleteFrom('credentials').where('account', '=', account).execute();
      await this.#changes.credentials(
        trx,
        rows.map((row) => ({ id: idOf(row), byHolder: false })),
      );
    });
  }
}

/** A row that nobody holds, as it is once `holder` has its lease. */
export const leased = (row: CredentialsTable, holder: string, until: number): CredentialsTable => ({
  ...row,
  fence: row.fence + 1,
  lease_holder: holder,
  lease_until: until,
});

/** A leased row as its holder gets it. */
export const acquired = (row: CredentialsTable, takenOver: boolean): Acquired => ({
  lease: { id: idOf(row), holder: row.lease_holder ?? '', fence: row.fence, until: row.lease_until ?? 0, takenOver },
  stored: stored(row),
});

const rowOf = (db: Kysely<Tables>, id: CredentialId) =>
  db
    .selectFrom('credentials')
    .select(COLUMNS.credentials)
    .where('account', '=', id.account)
    .where('kind', '=', id.kind)
    .where('chain', '=', id.chain);

const idOf = (row: CredentialsTable): CredentialId => ({ account: row.account, kind: row.kind, chain: row.chain });

export const stored = (row: CredentialsTable): StoredCredential => ({
  ...{ id: idOf(row), generation: row.generation, fence: row.fence },
  ...{ nextAttemptAt: row.next_attempt_at, body: row.body },
});
