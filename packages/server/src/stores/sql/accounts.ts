/** Accounts in the directory: written under their revision, found by id (many at once by one query) and by AppID. */

import type { Account } from '../../core/account.ts';
import type { Page } from '../../core/store.ts';
import type { ChangeLog } from './changes.ts';
import type { SqlConnection } from './connection.ts';
import { Gathered } from './gathered.ts';
import { type AccountsTable, COLUMNS } from './tables.ts';
import { underRevision } from './under-revision.ts';

export class SqlAccounts {
  readonly #db: SqlConnection;
  readonly #changes: ChangeLog;
  readonly #byId = new Gathered((ids) => this.#among(ids));

  constructor(db: SqlConnection, changes: ChangeLog) {
    this.#db = db;
    this.#changes = changes;
  }

  get(id: string): Promise<Account | null> {
    return this.#byId.get(id);
  }

  async byAppId(appId: string): Promise<readonly Account[]> {
    const rows = await this.#db.read((db) =>
      db.selectFrom('accounts').select(COLUMNS.accounts).where('app_id', '=', appId).orderBy('platform').orderBy('parent').execute(),
    );
    return rows.map(fromRow);
  }

  async page({ after, limit }: Page): Promise<readonly Account[]> {
    const rows = await this.#db.read((db) =>
      db
        .selectFrom('accounts')
        .select(COLUMNS.accounts)
        .where('id', '>', after ?? '')
        .orderBy('id')
        .limit(limit)
        .execute(),
    );
    return rows.map(fromRow);
  }

  async count(): Promise<number> {
    const row = await this.#db.read((db) =>
      db
        .selectFrom('accounts')
        .select(({ fn }) => fn.countAll<number>().as('count'))
        .executeTakeFirstOrThrow(),
    );
    return Number(row.count);
  }

  put(account: Account): Promise<'written' | 'conflict'> {
    const { id, revision } = account;
    const row = accountRow({ ...account, revision: revision + 1 });
    return underRevision(this.#db, revision, {
      insert: (trx) => trx.insertInto('accounts').values(row).execute(),
      update: (trx) => trx.updateTable('accounts').set(row).where('id', '=', id).where('revision', '=', revision).executeTakeFirstOrThrow(),
      changed: (trx) => this.#changes.account(trx, id),
    });
  }

  async remove(id: string): Promise<boolean> {
    return this.#db.write(async (trx) => {
      const { numDeletedRows } = await trx.deleteFrom('accounts').where('id', '=', id).executeTakeFirstOrThrow();
      if (numDeletedRows === 0n) return false;
      await this.#changes.account(trx, id);
      return true;
    });
  }

  async #among(ids: readonly string[]): Promise<ReadonlyMap<string, Account>> {
    const rows = await this.#db.read((db) => db.selectFrom('accounts').select(COLUMNS.accounts).where('id', 'in', ids).execute());
    return new Map(rows.map((row) => [row.id, fromRow(row)]));
  }
}

export function accountRow(account: Account): AccountsTable {
  return {
    id: account.id,
    platform: account.platform,
    app_id: account.appId,
    parent: account.parent,
    mode: account.mode,
    sealed_secrets: JSON.stringify(account.sealedSecrets),
    secret_revision: account.secretRevision,
    secret_fingerprints: JSON.stringify(account.secretFingerprints),
    enabled: account.enabled ? 1 : 0,
    note: account.note,
    declaration: account.declaration,
    created_at: account.createdAt,
    updated_at: account.updatedAt,
    revision: account.revision,
  };
}

function fromRow(row: AccountsTable): Account {
  return {
    id: row.id,
    platform: row.platform,
    appId: row.app_id,
    parent: row.parent,
    mode: row.mode,
    sealedSecrets: JSON.parse(row.sealed_secrets),
    secretRevision: row.secret_revision,
    secretFingerprints: JSON.parse(row.secret_fingerprints),
    enabled: row.enabled !== 0,
    note: row.note,
    declaration: row.declaration,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    revision: row.revision,
  };
}
