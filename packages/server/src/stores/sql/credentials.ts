/**
 * CredentialStore over SQL: leases, conditional writes, and the rows themselves.
 *
 * Whoever changes a row has read it in the same transaction, locked (or the whole database, see `SqlProfile.rowLocks`).
 * A row that is made starts at the fence floor, which is at or above every fence of any row that was ever removed.
 */

import type { Kysely, Transaction } from 'kysely';
import type { CredentialId } from '../../core/credential.ts';
import type { Acquired, CredentialStore, CredentialWrite, LeaseGrant, StoredCredential } from '../../core/store.ts';
import type { ChangeLog } from './changes.ts';
import type { SqlConnection } from './connection.ts';
import { COUNTERS, type CredentialsTable, type Tables } from './tables.ts';

export class SqlCredentials implements CredentialStore {
  readonly #db: SqlConnection;
  readonly #changes: ChangeLog;

  constructor(db: SqlConnection, changes: ChangeLog) {
    this.#db = db;
    this.#changes = changes;
  }

  async now(): Promise<number> {
    return this.#db.read((db) => this.#db.profile.now(db));
  }

  async read(id: CredentialId): Promise<StoredCredential | null> {
    const row = await this.#db.read((db) => rowOf(db, id).executeTakeFirst());
    return row ? stored(row) : null;
  }

  async list(account: string): Promise<readonly StoredCredential[]> {
    const rows = await this.#db.read((db) =>
      db.selectFrom('credentials').selectAll().where('account', '=', account).orderBy('kind').orderBy('chain').execute(),
    );
    return rows.map(stored);
  }

  async acquire(id: CredentialId, holder: string, durationMs: number): Promise<Acquired | { readonly heldUntil: number }> {
    const { rowLocks, now } = this.#db.profile;
    return this.#db.write(async (trx) => {
      const row =
        (await rowOf(trx, id)
          .$if(rowLocks, (query) => query.forUpdate())
          .executeTakeFirst()) ?? (await made(trx, id));
      const at = await now(trx);
      if (row.lease_until !== null && row.lease_until > at) return { heldUntil: row.lease_until };
      return take(trx, row, holder, at + durationMs);
    });
  }

  async write(lease: LeaseGrant, next: CredentialWrite, options: { readonly release: boolean }): Promise<'committed' | 'stale'> {
    return this.#db.write(async (trx) => {
      const { numUpdatedRows } = await trx
        .updateTable('credentials')
        .set({
          generation: next.generation,
          next_attempt_at: next.nextAttemptAt,
          body: next.body,
          ...(options.release ? { lease_holder: null, lease_until: null } : {}),
        })
        .where('account', '=', lease.id.account)
        .where('kind', '=', lease.id.kind)
        .where('chain', '=', lease.id.chain)
        .where('fence', '=', lease.fence)
        .executeTakeFirstOrThrow();
      if (numUpdatedRows === 0n) return 'stale';
      await this.#changes.credential(trx, lease.id, true);
      return 'committed';
    });
  }

  async release(lease: LeaseGrant): Promise<void> {
    await this.#db.write((trx) =>
      trx
        .updateTable('credentials')
        .set({ lease_holder: null, lease_until: null })
        .where('account', '=', lease.id.account)
        .where('kind', '=', lease.id.kind)
        .where('chain', '=', lease.id.chain)
        .where('fence', '=', lease.fence)
        .execute(),
    );
  }

  async schedule(id: CredentialId, nextAttemptAt: number | null): Promise<void> {
    const { rowLocks } = this.#db.profile;
    await this.#db.write(async (trx) => {
      const row = await rowOf(trx, id)
        .$if(rowLocks, (query) => query.forUpdate())
        .executeTakeFirst();
      if (!row) await made(trx, id);
      await trx
        .updateTable('credentials')
        .set({ next_attempt_at: nextAttemptAt })
        .where('account', '=', id.account)
        .where('kind', '=', id.kind)
        .where('chain', '=', id.chain)
        .execute();
      await this.#changes.credential(trx, id, false);
    });
  }

  async removeAll(account: string): Promise<void> {
    const { rowLocks } = this.#db.profile;
    await this.#db.write(async (trx) => {
      const rows = await trx
        .selectFrom('credentials')
        .selectAll()
        .where('account', '=', account)
        .$if(rowLocks, (query) => query.forUpdate())
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
      for (const row of rows) await this.#changes.credential(trx, idOf(row), false);
    });
  }
}

/** Gives `holder` the lease of a row that nobody holds, read in this transaction. */
export async function take(trx: Transaction<Tables>, row: CredentialsTable, holder: string, until: number): Promise<Acquired> {
  const fence = row.fence + 1;
  await trx
    .updateTable('credentials')
    .set({ fence, lease_holder: holder, lease_until: until })
    .where('account', '=', row.account)
    .where('kind', '=', row.kind)
    .where('chain', '=', row.chain)
    .execute();
  return {
    lease: { id: idOf(row), holder, fence, until, takenOver: row.lease_until !== null },
    stored: stored({ ...row, fence }),
  };
}

const rowOf = (db: Kysely<Tables>, id: CredentialId) =>
  db.selectFrom('credentials').selectAll().where('account', '=', id.account).where('kind', '=', id.kind).where('chain', '=', id.chain);

async function made(trx: Transaction<Tables>, id: CredentialId): Promise<CredentialsTable> {
  const floor = await trx.selectFrom('counters').select('value').where('name', '=', COUNTERS.fenceFloor).executeTakeFirstOrThrow();
  const row: CredentialsTable = {
    account: id.account,
    kind: id.kind,
    chain: id.chain,
    generation: 0,
    fence: floor.value,
    lease_holder: null,
    lease_until: null,
    next_attempt_at: null,
    body: null,
  };
  await trx.insertInto('credentials').values(row).execute();
  return row;
}

const idOf = (row: CredentialsTable): CredentialId => ({ account: row.account, kind: row.kind, chain: row.chain });

function stored(row: CredentialsTable): StoredCredential {
  return { id: idOf(row), generation: row.generation, fence: row.fence, nextAttemptAt: row.next_attempt_at, body: row.body };
}
