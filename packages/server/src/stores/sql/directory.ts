/** Directory over SQL: accounts, keys, audit trail and change log under one roof, and the settings. */

import type { Account } from '../../core/account.ts';
import type { ApiKeyRecord } from '../../core/api-key.ts';
import type { AuditEntry, ChangePage, Directory, Page, StoredAuditEntry } from '../../core/store.ts';
import { SqlAccounts } from './accounts.ts';
import { SqlApiKeys } from './api-keys.ts';
import { SqlAudit } from './audit.ts';
import type { ChangeLog } from './changes.ts';
import type { SqlConnection } from './connection.ts';

export class SqlDirectory implements Directory {
  readonly #db: SqlConnection;
  readonly #changes: ChangeLog;
  readonly #accounts: SqlAccounts;
  readonly #keys: SqlApiKeys;
  readonly #audit: SqlAudit;

  constructor(db: SqlConnection, changes: ChangeLog) {
    this.#db = db;
    this.#changes = changes;
    this.#accounts = new SqlAccounts(db, changes);
    this.#keys = new SqlApiKeys(db, changes);
    this.#audit = new SqlAudit(db);
  }

  account(id: string): Promise<Account | null> {
    return this.#accounts.get(id);
  }
  accountsByAppId(appId: string): Promise<readonly Account[]> {
    return this.#accounts.byAppId(appId);
  }
  accounts(page: Page): Promise<readonly Account[]> {
    return this.#accounts.page(page);
  }
  countAccounts(): Promise<number> {
    return this.#accounts.count();
  }
  putAccount(account: Account): Promise<'written' | 'conflict'> {
    return this.#accounts.put(account);
  }
  removeAccount(id: string): Promise<boolean> {
    return this.#accounts.remove(id);
  }

  key(id: string): Promise<ApiKeyRecord | null> {
    return this.#keys.get(id);
  }
  keyByDigest(digest: string): Promise<ApiKeyRecord | null> {
    return this.#keys.byDigest(digest);
  }
  keys(page: Page): Promise<readonly ApiKeyRecord[]> {
    return this.#keys.page(page);
  }
  putKey(key: ApiKeyRecord): Promise<'written' | 'conflict'> {
    return this.#keys.put(key);
  }

  appendAudit(entries: readonly AuditEntry[]): Promise<void> {
    return this.#audit.append(entries);
  }
  audit(query: Parameters<Directory['audit']>[0]): Promise<readonly StoredAuditEntry[]> {
    return this.#audit.page(query);
  }
  pruneAudit(olderThan: number): Promise<number> {
    return this.#audit.prune(olderThan);
  }

  changes(cursor: string | null, limit: number): Promise<ChangePage> {
    return this.#db.read((db) => this.#changes.read(db, cursor, limit));
  }

  async setting(name: string): Promise<string | null> {
    const row = await this.#db.read((db) => db.selectFrom('settings').select('value').where('name', '=', name).executeTakeFirst());
    return row?.value ?? null;
  }

  async putSetting(name: string, expected: string | null, value: string): Promise<boolean> {
    const { rowLocks, isDuplicate } = this.#db.profile;
    try {
      return await this.#db.write(async (trx) => {
        const row = await trx
          .selectFrom('settings')
          .select('value')
          .where('name', '=', name)
          .$if(rowLocks, (query) => query.forUpdate())
          .executeTakeFirst();
        if ((row?.value ?? null) !== expected) return false;
        if (row) await trx.updateTable('settings').set({ value }).where('name', '=', name).execute();
        else await trx.insertInto('settings').values({ name, value }).execute();
        return true;
      });
    } catch (error) {
      // A row that is not there cannot be locked: somebody else has made it meanwhile.
      if (isDuplicate(error)) return false;
      throw error;
    }
  }
}
