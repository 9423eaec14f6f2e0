/**
 * Carries over what is changed on the source while it is being copied, by the source's own change log.
 *
 * It listens after every page, so that the log (10,000 changes) never runs past it, and remembers accounts and keys.
 * A credential that changed before the copy reached it will be copied as it is then; after, only its account can have
 * changed it, or made it.
 */

import { type CredentialId, credentialKey } from '../../core/credential.ts';
import { ZhongkongError } from '../../core/errors.ts';
import type { ArchivedCredential, Change, Store } from '../../core/store.ts';
import { abandoned, holdWhenFree, type Holding } from './held.ts';

/** Changes read at once. */
const LOOK = 10_000;

export class CatchUp {
  readonly #holding: Holding;
  readonly #target: Store;
  #cursor: string;
  /** Up to this credential everything is copied; '' before the first, null after the last. */
  #upTo: string | null = '';
  readonly #accounts = new Set<string>();
  readonly #keys = new Set<string>();

  private constructor(holding: Holding, target: Store, cursor: string) {
    this.#holding = holding;
    this.#target = target;
    this.#cursor = cursor;
  }

  /** Before the first row is read. */
  static async start(holding: Holding, target: Store): Promise<CatchUp> {
    const { cursor } = await holding.store.directory.changes(null, LOOK);
    return new CatchUp(holding, target, cursor);
  }

  /** Was it changed since the start? Then it is carried over by `run`. */
  hasAccount(id: string): boolean {
    return this.#accounts.has(id);
  }

  hasKey(id: string): boolean {
    return this.#keys.has(id);
  }

  /** These credentials are copied, in the order of their ids. */
  reached(page: readonly ArchivedCredential[]): void {
    const last = page.at(-1);
    if (last && this.#upTo !== null && isAfter(credentialKey(last.id), this.#upTo)) this.#upTo = credentialKey(last.id);
  }

  /** Throws `conflict` when more was changed than the log keeps. */
  async listen(): Promise<void> {
    const { cursor, changes, overflow } = await this.#holding.store.directory.changes(this.#cursor, LOOK);
    if (overflow) {
      throw new ZhongkongError('conflict', { en: 'the old store changed too fast to follow', zh: '原存储改动过快，无法跟上' });
    }
    this.#cursor = cursor;
    for (const change of changes) this.#note(change);
  }

  /** All is copied once: carries over what was noted. False when there was nothing. */
  async run(): Promise<boolean> {
    this.#upTo = null;
    await this.listen();
    const [accounts, keys] = [[...this.#accounts], [...this.#keys]];
    this.#accounts.clear();
    this.#keys.clear();
    const { directory } = this.#holding.store;
    // What is gone goes first: its identity may be another's now.
    for (const id of accounts) if ((await directory.account(id)) === null) await this.#target.directory.removeAccount(id);
    for (const id of accounts) await this.#copyAccount(id);
    for (const id of keys) {
      const key = await directory.key(id);
      if (key) await this.#target.archive.put({ keys: [key] });
    }
    return accounts.length + keys.length > 0;
  }

  #note(change: Change): void {
    if (change.topic === 'key') this.#keys.add(change.id);
    else if (change.topic === 'account') this.#accounts.add(change.id);
    else if (this.#isCopied(change.id)) this.#accounts.add(change.id.account);
  }

  #isCopied(id: CredentialId): boolean {
    return this.#upTo === null || !isAfter(credentialKey(id), this.#upTo);
  }

  /** As it is now, with its credentials; or that it is gone. */
  async #copyAccount(id: string): Promise<void> {
    const { store, holder } = this.#holding;
    const { directory, credentials, archive } = this.#target;
    const account = await store.directory.account(id);
    if (account) await archive.put({ accounts: [account] });
    else await directory.removeAccount(id);
    for (const { id: credential } of await store.credentials.list(id)) await holdWhenFree(this.#holding, credential);
    const rows = await store.credentials.list(id);
    await credentials.removeAll(id);
    if (rows.length > 0) await archive.put({ credentials: rows.map((row) => abandoned(row, holder)) });
  }
}

const isAfter = (one: string, other: string): boolean => Buffer.compare(Buffer.from(one), Buffer.from(other)) > 0;
