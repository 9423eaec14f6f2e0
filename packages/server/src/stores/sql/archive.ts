/**
 * Whole rows of a SQL database out and in, in pages: nothing here grows with the number of accounts.
 *
 * Rows of the directory are replaced by removing and inserting: where a unique name or identity went from one row to
 * another, updating one after the other would break on the way.
 */

import { type Kysely, sql, type Transaction } from 'kysely';
import { type CredentialId, credentialKey } from '../../core/credential.ts';
import type { Archive, ArchivedCredential, ArchivedRows, Census, StoredAuditEntry } from '../../core/store.ts';
import { accountRow } from './accounts.ts';
import { keyRow } from './api-keys.ts';
import type { SqlConnection } from './connection.ts';
import { fenceFloor, storeRows } from './credential-steps.ts';
import { stored } from './credentials.ts';
import { type AuditTable, COUNTERS, type CredentialsTable, type Tables } from './tables.ts';

/** Rows that a removal takes at a time: a few milliseconds. */
const CLEARED = 500;
/** More credentials than one account has: a page starts with all of the account that the one before ended in. */
const OF_ONE_ACCOUNT = 100;

export class SqlArchive implements Archive {
  readonly #db: SqlConnection;

  constructor(db: SqlConnection) {
    this.#db = db;
  }

  async census(): Promise<Census> {
    const count = (table: 'accounts' | 'api_keys' | 'credentials' | 'audit'): Promise<number> =>
      this.#db.read(async (db) => {
        const { rows } = await sql<{ count: number }>`select count(*) as count from ${sql.table(table)}`.execute(db);
        return Number(rows[0]?.count);
      });
    return {
      accounts: await count('accounts'),
      keys: await count('api_keys'),
      credentials: await count('credentials'),
      audit: await count('audit'),
    };
  }

  async credentials(after: CredentialId | null, limit: number): Promise<readonly ArchivedCredential[]> {
    // By account alone, which every planner turns into a walk along the primary key.
    const rows = await this.#db.read((db) =>
      db
        .selectFrom('credentials')
        .selectAll()
        .where('account', '>=', after?.account ?? '')
        .orderBy('account')
        .orderBy('kind')
        .orderBy('chain')
        .limit(limit + OF_ONE_ACCOUNT)
        .execute(),
    );
    const from = after === null ? -1 : rows.findIndex((row) => comesAfter(row, after));
    return rows
      .slice(after === null ? 0 : from < 0 ? rows.length : from)
      .slice(0, limit)
      .map(archived);
  }

  async audit(seq: number, limit: number): Promise<readonly StoredAuditEntry[]> {
    const rows = await this.#db.read((db) =>
      db.selectFrom('audit').selectAll().where('seq', '>', seq).orderBy('seq').limit(limit).execute(),
    );
    return rows.map((row) => ({ ...row, data: JSON.parse(row.data) }));
  }

  async settings(): Promise<readonly { readonly name: string; readonly value: string }[]> {
    return this.#db.read((db) => db.selectFrom('settings').selectAll().orderBy('name').execute());
  }

  async fenceFloor(): Promise<number> {
    const { value } = await this.#db.read((db) =>
      db.selectFrom('counters').select('value').where('name', '=', COUNTERS.fenceFloor).executeTakeFirstOrThrow(),
    );
    return value;
  }

  async raiseFenceFloor(atLeast: number): Promise<void> {
    await this.#db.write(async (trx) => {
      const { value } = await fenceFloor(trx, this.#db.profile);
      if (value >= atLeast) return;
      await trx.updateTable('counters').set({ value: atLeast }).where('name', '=', COUNTERS.fenceFloor).execute();
    });
  }

  async put({ accounts = [], keys = [], credentials = [], audit = [] }: ArchivedRows): Promise<void> {
    await this.#db.write(async (trx) => {
      await replace(trx, 'accounts', accounts.map(accountRow));
      await replace(trx, 'api_keys', keys.map(keyRow));
      await storeRows(trx, this.#db.profile, credentials.map(credentialRow));
      await this.#putAudit(trx, audit);
    });
  }

  async clear(): Promise<void> {
    const { isAmong } = this.#db.profile;
    await this.#whileAny((trx) => removeSome(trx, 'accounts', 'id'));
    await this.#whileAny((trx) => removeSome(trx, 'api_keys', 'id'));
    await this.#whileAny((trx) => removeSome(trx, 'audit', 'seq'));
    await this.#whileAny(async (trx) => {
      const ids = await trx.selectFrom('credentials').select(['account', 'kind', 'chain']).limit(CLEARED).execute();
      if (ids.length > 0) await sql`delete from credentials where ${isAmong(ids)}`.execute(trx);
      return ids.length;
    });
  }

  async #whileAny(remove: (trx: Transaction<Tables>) => Promise<number>): Promise<void> {
    while ((await this.#db.write(remove)) === CLEARED);
  }

  async #putAudit(trx: Transaction<Tables>, entries: readonly StoredAuditEntry[]): Promise<void> {
    if (entries.length === 0) return;
    const { rows: source, ownNumbers } = this.#db.profile;
    const rows = entries.map(({ seq, at, action, actor, subject, data }) => [seq, at, action, actor, subject, JSON.stringify(data)]);
    await sql`insert into audit (${sql.raw(AUDIT.map(({ name }) => name).join(', '))}) ${ownNumbers.words}
      ${source({ columns: AUDIT, rows })}`.execute(trx);
    await ownNumbers.afterwards('audit')?.execute(trx);
  }
}

const AUDIT: readonly { readonly name: keyof AuditTable; readonly type: 'text' | 'integer' }[] = [
  { name: 'seq', type: 'integer' },
  { name: 'at', type: 'integer' },
  { name: 'action', type: 'text' },
  { name: 'actor', type: 'text' },
  { name: 'subject', type: 'text' },
  { name: 'data', type: 'text' },
];

/** Rows come in the order of their keys, so this is only asked of those of one account. */
const comesAfter = (row: CredentialsTable, after: CredentialId): boolean =>
  row.account !== after.account || Buffer.compare(Buffer.from(credentialKey(row)), Buffer.from(credentialKey(after))) > 0;

const archived = (row: CredentialsTable): ArchivedCredential => ({
  ...stored(row),
  lease: row.lease_until === null ? null : { holder: row.lease_holder ?? '', until: row.lease_until },
});

const credentialRow = ({ id, generation, fence, nextAttemptAt, body, lease }: ArchivedCredential): CredentialsTable => ({
  ...id,
  ...{ generation, fence, lease_holder: lease?.holder ?? null, lease_until: lease?.until ?? null },
  ...{ next_attempt_at: nextAttemptAt, body },
});

async function replace<T extends 'accounts' | 'api_keys'>(trx: Kysely<Tables>, table: T, rows: readonly Tables[T][]): Promise<void> {
  if (rows.length === 0) return;
  const ids = rows.map(({ id }) => id);
  await sql`delete from ${sql.table(table)} where id in (${sql.join(ids)})`.execute(trx);
  await trx
    .insertInto(table as 'accounts')
    .values(rows as readonly Tables['accounts'][])
    .execute();
}

async function removeSome(trx: Transaction<Tables>, table: 'accounts' | 'api_keys' | 'audit', key: 'id' | 'seq'): Promise<number> {
  const { rows } = await sql<{
    key: string | number;
  }>`select ${sql.ref(key)} as ${sql.ref('key')} from ${sql.table(table)} limit ${CLEARED}`.execute(trx);
  if (rows.length > 0)
    await sql`delete from ${sql.table(table)} where ${sql.ref(key)} in (${sql.join(rows.map((row) => row.key))})`.execute(trx);
  return rows.length;
}
