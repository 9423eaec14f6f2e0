/**
 * The accounts this server keeps: looked up from memory, changed here and nowhere else.
 *
 * Every change is one conditional write, then the audit trail, then the keeper is told what to look at anew.
 * Secrets come in plain, are sealed before anything else sees them, and never come out again but for an issue.
 */

import { ACCOUNT_ID, ACCOUNT_ID_FORM, type Account } from './account.ts';
import { BoundedMap } from './bounded-map.ts';
import { ZhongkongError } from './errors.ts';
import type { EventSink } from './events.ts';
import type { Hash } from './hash.ts';
import type { Catalog, Target } from './kind.ts';
import { type Seal, secretContext } from './seal.ts';
import type { AuditEntry, CredentialStore, Directory, Page } from './store.ts';
import { StoreAway } from './store-away.ts';
import type { StoreTime } from './store-time.ts';

/** What a person or a declaration says of an account. */
export interface AccountInput {
  readonly id: string;
  readonly platform: string;
  readonly appId: string;
  readonly parent?: string;
  readonly mode?: string;
  /** One or two AppSecrets, plain, in the order they are tried. */
  readonly secrets: readonly string[];
  readonly enabled?: boolean;
  readonly note?: string;
  readonly declaration?: string;
}

/** What may be changed later; the identity may not. */
export type AccountPatch = Partial<Pick<AccountInput, 'mode' | 'secrets' | 'enabled' | 'note' | 'declaration'>>;

export interface AccountsDeps {
  readonly directory: Directory;
  readonly credentials: CredentialStore;
  readonly catalog: Catalog;
  readonly seal: Seal;
  readonly hash: Hash;
  readonly time: StoreTime;
  readonly events: EventSink;
  readonly cacheSize: number;
  /** Called before a secret is sealed: finds out which key seals, so that none is sealed under a key that was replaced. */
  readonly beforeSealing?: () => Promise<unknown>;
  /** The `upstreams.*` that are configured. Default: whatever accounts need. */
  readonly upstreams?: ReadonlySet<string>;
  /** Called after a change was stored, for each credential it concerns. */
  readonly wake: (target: Target) => Promise<void>;
}

const MAX_NOBODYS = 10_000;

interface Known {
  readonly account: Account;
  /** Number of `dropAll`s until the look: from before the latest, it is believed only while the store is away. */
  readonly era: number;
}

export class Accounts {
  readonly #deps: AccountsDeps;
  readonly #cache: BoundedMap<Known>;
  /** Which accounts an AppID had, and how many drops there had been when the store was asked. */
  readonly #byAppId: BoundedMap<{ readonly accounts: readonly Account[]; readonly drops: number }>;
  /** AppIDs that no account has: apart, so that asking for many pushes out none that are used. */
  readonly #nobodys: BoundedMap<readonly Account[]>;
  /** Drops so far: what was read before one and arrives after it must not be remembered. */
  #drops = 0;
  #era = 0;
  readonly #away: StoreAway;

  constructor(deps: AccountsDeps) {
    this.#deps = deps;
    this.#cache = new BoundedMap(deps.cacheSize);
    this.#byAppId = new BoundedMap(deps.cacheSize);
    this.#nobodys = new BoundedMap(MAX_NOBODYS);
    this.#away = new StoreAway(() => deps.time.now());
  }

  /** What memory knows; undefined says nothing about existence. */
  cached(id: string): Account | undefined {
    const known = this.#cache.get(id);
    return known?.era === this.#era ? known.account : undefined;
  }

  /** What memory knows of an AppID; undefined says nothing. */
  cachedByAppId(appId: string): readonly Account[] | undefined {
    const known = this.#byAppId.get(appId);
    return known?.drops === this.#drops ? known.accounts : this.#nobodys.get(appId);
  }

  async get(id: string): Promise<Account | null> {
    const ask = (): Promise<Account | null> => this.#load(id, true);
    return this.cached(id) ?? this.#away.orLast(ask, () => this.#cache.get(id)?.account);
  }

  /**
   * From the store, whatever memory says. Memory takes in what it knew already, and others while it is not half full: a
   * refresher goes through all accounts, and must not push out those that are read here.
   */
  fresh(id: string): Promise<Account | null> {
    return this.#load(id, this.#cache.has(id) || this.#cache.size * 2 < this.#deps.cacheSize);
  }

  async #load(id: string, remember: boolean): Promise<Account | null> {
    if (!ACCOUNT_ID.test(id)) return null;
    const drops = this.#drops;
    const account = await this.#deps.directory.account(id);
    // What the store denies must not come back from an older look once the store is away.
    if (account === null) this.#cache.delete(id);
    else if (remember && drops === this.#drops) this.#set(account);
    return account;
  }

  /** Throws `not_found`. */
  async require(id: string): Promise<Account> {
    const account = await this.get(id);
    if (!account) throw new ZhongkongError('not_found', 'no such account');
    return account;
  }

  async byAppId(appId: string): Promise<readonly Account[]> {
    const cached = this.cachedByAppId(appId);
    if (cached) return cached;
    if (!ACCOUNT_ID.test(appId)) return [];
    const ask = async (): Promise<readonly Account[]> => {
      const drops = this.#drops;
      const accounts = await this.#deps.directory.accountsByAppId(appId);
      if (drops === this.#drops) this.#remember(appId, accounts);
      return accounts;
    };
    return this.#away.orLast(ask, () => this.#lastByAppId(appId));
  }

  #set(account: Account): void {
    this.#cache.set(account.id, { account, era: this.#era });
  }

  #remember(appId: string, accounts: readonly Account[]): void {
    if (accounts.length === 0) {
      this.#byAppId.delete(appId);
      this.#nobodys.set(appId, accounts);
      return;
    }
    for (const account of accounts) this.#set(account);
    this.#byAppId.set(appId, { accounts, drops: this.#drops });
  }

  /** As of the last look, unless one of them changed since. */
  #lastByAppId(appId: string): readonly Account[] | undefined {
    const known = this.#byAppId.get(appId)?.accounts;
    const accounts = known?.flatMap(({ id }) => this.#cache.get(id)?.account ?? []);
    return accounts?.length === known?.length ? accounts : undefined;
  }

  page(page: Page): Promise<readonly Account[]> {
    return this.#deps.directory.accounts(page);
  }

  async create(input: AccountInput, actor: string): Promise<Account> {
    const { time, directory, credentials } = this.#deps;
    const now = time.now();
    await this.#deps.beforeSealing?.();
    const account: Account = {
      id: input.id,
      platform: input.platform,
      appId: input.appId,
      parent: input.parent ?? '',
      mode: input.mode ?? this.#deps.catalog.modes(input.platform)[0] ?? '',
      ...this.#sealed(input.id, input.secrets, 1),
      enabled: input.enabled ?? true,
      note: input.note ?? '',
      declaration: input.declaration ?? '',
      createdAt: now,
      updatedAt: now,
      revision: 0,
    };
    this.#validate(account);
    if ((await directory.putAccount(account)) === 'conflict') {
      throw new ZhongkongError('conflict', 'an account with this id, or this platform and AppID, exists already');
    }
    // A node that had not heard of a removal may have left something under this id: it is not this account's.
    await credentials.removeAll(account.id);
    return this.#changed({ ...account, revision: 1 }, 'created', actor, { platform: account.platform, mode: account.mode });
  }

  async update(id: string, patch: AccountPatch, actor: string): Promise<Account> {
    // Always from the store: a patch on top of a stale copy would be refused anyway. Memory stays as it is until
    // something was changed: while the store is away nothing can be, and reads go on from it.
    const before = await this.fresh(id);
    if (!before) throw new ZhongkongError('not_found', 'no such account');
    const { secrets, ...rest } = patch;
    if (secrets) await this.#deps.beforeSealing?.();
    const account: Account = {
      ...before,
      ...rest,
      ...(secrets ? this.#sealed(id, secrets, before.secretRevision + 1) : {}),
      updatedAt: this.#deps.time.now(),
    };
    this.#validate(account);
    if ((await this.#deps.directory.putAccount(account)) === 'conflict') {
      throw new ZhongkongError('conflict', 'the account changed meanwhile');
    }
    const changed = Object.keys(patch).filter((name) => name !== 'declaration');
    return this.#changed({ ...account, revision: before.revision + 1 }, 'updated', actor, { fields: changed.join(',') });
  }

  async remove(id: string, actor: string): Promise<void> {
    const account = await this.fresh(id);
    if (!account) throw new ZhongkongError('not_found', 'no such account');
    await this.#deps.directory.removeAccount(id);
    await this.#deps.credentials.removeAll(id);
    this.drop(id);
    await this.#audit('account.removed', actor, id, {});
    this.#deps.events.emit({ type: 'account.changed', account, change: 'removed' });
  }

  /** Whether `secret` is one of the account's AppSecrets; constant time per secret. */
  ownsSecret(account: Account, secret: string): boolean {
    const { seal, hash } = this.#deps;
    return account.sealedSecrets.some((sealed) => hash.equal(seal.open(sealed, secretContext(account.id)), secret));
  }

  /** Forget what memory knows: somebody changed it. */
  drop(id: string): void {
    this.#drops += 1;
    // Which AppIDs it concerns is not told (the account may be new here); changes are rare, so all are looked up anew.
    this.#cache.delete(id);
    this.#nobodys.clear();
  }

  /** Anything may have changed: everything is looked up anew. */
  dropAll(): void {
    this.#drops += 1;
    this.#era += 1;
    this.#nobodys.clear();
  }

  #sealed(id: string, secrets: readonly string[], secretRevision: number) {
    const { seal, hash } = this.#deps;
    return {
      sealedSecrets: secrets.map((secret) => seal.seal(secret, secretContext(id))),
      secretFingerprints: secrets.map((secret) => hash.fingerprint(secret)),
      secretRevision,
    };
  }

  #validate(account: Account): void {
    const wrong = (field: string, why: string) => new ZhongkongError('invalid_request', `${field}: ${why}`);
    const modes = this.#deps.catalog.modes(account.platform);
    if (!ACCOUNT_ID.test(account.id)) throw wrong('id', `use ${ACCOUNT_ID_FORM.en}`);
    if (modes.length === 0) throw wrong('platform', `unknown; known are ${this.#deps.catalog.platforms.join(', ')}`);
    if (!ACCOUNT_ID.test(account.appId)) throw wrong('app_id', `use ${ACCOUNT_ID_FORM.en}`);
    if (!modes.includes(account.mode)) throw wrong('mode', `use one of ${modes.join(', ')}`);
    const count = account.sealedSecrets.length;
    if (count < 1 || count > 2) throw wrong('secret', 'give one secret, or two: [first, fallback]');
    if (account.note.length > 200) throw wrong('note', 'at most 200 characters');
    if (account.enabled) this.#assertReachable(account.platform);
  }

  #assertReachable(platform: string): void {
    const { catalog, upstreams } = this.#deps;
    const missing = catalog.neededUpstreams(platform).find((name) => upstreams?.has(name) === false);
    if (missing === undefined) return;
    const option = `upstreams.${missing} (ZHONGKONG_UPSTREAM_${missing.toUpperCase()})`;
    throw new ZhongkongError(
      'invalid_request',
      {
        en: `platform: ${platform} needs the option ${option}, which is not set`,
        zh: `platform：${platform} 需要配置项 ${option}，目前未设置`,
      },
      { advice: { en: 'Set the option and start the server again.', zh: '请设置该配置项后重启服务。' } },
    );
  }

  async #changed(account: Account, change: 'created' | 'updated', actor: string, data: AuditEntry['data']): Promise<Account> {
    this.drop(account.id);
    this.#set(account);
    await this.#audit(`account.${change}`, actor, account.id, data);
    this.#deps.events.emit({ type: 'account.changed', account, change });
    for (const target of this.#deps.catalog.targets(account)) await this.#deps.wake(target);
    return account;
  }

  #audit(action: string, actor: string, subject: string, data: AuditEntry['data']): Promise<void> {
    return this.#deps.directory.appendAudit([{ at: this.#deps.time.now(), action, actor, subject, data }]);
  }
}
