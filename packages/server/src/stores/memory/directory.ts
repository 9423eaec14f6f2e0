/** Accounts, API keys, the audit trail and settings in memory, with the same refusals as a database's constraints. */

import type { Account } from '../../core/account.ts';
import type { ApiKeyRecord } from '../../core/api-key.ts';
import type { AuditEntry, ChangePage, Directory, Page, StoredAuditEntry } from '../../core/store.ts';
import type { MemoryState } from './state.ts';

const byId = (a: { readonly id: string }, b: { readonly id: string }): number => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);

function pageOf<T extends { readonly id: string }>(all: Iterable<T>, page: Page): readonly T[] {
  const rest = [...all].filter((one) => page.after === null || one.id > page.after);
  return rest.sort(byId).slice(0, page.limit);
}

export class MemoryDirectory implements Directory {
  readonly #state: MemoryState;

  constructor(state: MemoryState) {
    this.#state = state;
  }

  async account(id: string): Promise<Account | null> {
    return this.#state.accounts.get(id) ?? null;
  }

  async accountsByAppId(appId: string): Promise<readonly Account[]> {
    return [...this.#state.accounts.values()].filter((account) => account.appId === appId).sort(byId);
  }

  async accounts(page: Page): Promise<readonly Account[]> {
    return pageOf(this.#state.accounts.values(), page);
  }

  async countAccounts(): Promise<number> {
    return this.#state.accounts.size;
  }

  async putAccount(account: Account): Promise<'written' | 'conflict'> {
    const { accounts } = this.#state;
    if ((accounts.get(account.id)?.revision ?? 0) !== account.revision) return 'conflict';
    for (const other of accounts.values()) {
      const same = other.platform === account.platform && other.appId === account.appId && other.parent === account.parent;
      if (same && other.id !== account.id) return 'conflict';
    }
    accounts.set(account.id, { ...account, revision: account.revision + 1 });
    this.#state.changed({ topic: 'account', id: account.id });
    return 'written';
  }

  async removeAccount(id: string): Promise<boolean> {
    const existed = this.#state.accounts.delete(id);
    if (existed) this.#state.changed({ topic: 'account', id });
    return existed;
  }

  async key(id: string): Promise<ApiKeyRecord | null> {
    return this.#state.keys.get(id) ?? null;
  }

  async keyByDigest(digest: string): Promise<ApiKeyRecord | null> {
    for (const key of this.#state.keys.values()) if (key.digest === digest) return key;
    return null;
  }

  async keys(page: Page): Promise<readonly ApiKeyRecord[]> {
    return pageOf(this.#state.keys.values(), page);
  }

  async putKey(key: ApiKeyRecord): Promise<'written' | 'conflict'> {
    if ((this.#state.keys.get(key.id)?.revision ?? 0) !== key.revision) return 'conflict';
    for (const other of this.#state.keys.values()) {
      if (other.id === key.id) continue;
      const sameName = other.name === key.name && other.revokedAt === null && key.revokedAt === null;
      if (other.digest === key.digest || sameName) return 'conflict';
    }
    this.#state.keys.set(key.id, { ...key, revision: key.revision + 1 });
    this.#state.changed({ topic: 'key', id: key.id });
    return 'written';
  }

  async appendAudit(entries: readonly AuditEntry[]): Promise<void> {
    for (const entry of entries) {
      this.#state.auditSeq += 1;
      this.#state.audit.push({ ...entry, seq: this.#state.auditSeq });
    }
  }

  async audit(query: {
    readonly before: number | null;
    readonly limit: number;
    readonly subject?: string;
    readonly action?: string;
  }): Promise<readonly StoredAuditEntry[]> {
    const { before, limit, subject, action } = query;
    const wanted = this.#state.audit.filter(
      (entry) =>
        (before === null || entry.seq < before) &&
        (subject === undefined || entry.subject === subject) &&
        (action === undefined || entry.action === action),
    );
    return wanted.reverse().slice(0, limit);
  }

  async pruneAudit(olderThan: number): Promise<number> {
    const { audit } = this.#state;
    const kept = audit.filter((entry) => entry.at >= olderThan);
    const pruned = audit.length - kept.length;
    audit.splice(0, audit.length, ...kept);
    return pruned;
  }

  async changes(cursor: string | null, limit: number): Promise<ChangePage> {
    const { changeCount } = this.#state;
    const now: ChangePage = { cursor: String(changeCount), changes: [], overflow: false };
    if (cursor === null) return now;
    const from = Number(cursor);
    const changes = Number.isSafeInteger(from) ? this.#state.changesAfter(from, limit) : null;
    // More than a page: the reader drops everything it knows and goes on from now.
    if (changes === null || from + changes.length < changeCount) return { ...now, overflow: true };
    return { ...now, changes };
  }

  async setting(name: string): Promise<string | null> {
    return this.#state.settings.get(name) ?? null;
  }

  async putSetting(name: string, expected: string | null, value: string): Promise<boolean> {
    if ((this.#state.settings.get(name) ?? null) !== expected) return false;
    this.#state.settings.set(name, value);
    return true;
  }
}
