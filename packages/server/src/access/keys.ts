/**
 * The API keys of the installation: looked up by their text, changed here and nowhere else.
 *
 * Lookup order: declared keys → memory → the directory by keyed digest. Memory is told of changes by the watcher (`drop`)
 * and believes a record as long as it hears from the store (`upToDate`), and for a bounded time after. What may have
 * changed (`dropAll`) is believed for that time too, but only while the store is away. Unknown keys are remembered for a
 * moment and looked up a few at a time, so garbage cannot flood the store. A lookup that a `drop` overtook is answered but
 * not remembered.
 */

import { LRUCache } from 'lru-cache';
import type { ApiKeyRecord, Scope } from '../core/api-key.ts';
import type { DeclaredKey } from '../core/declared.ts';
import { ZhongkongError } from '../core/errors.ts';
import type { EventSink } from '../core/events.ts';
import { SingleFlight } from '../core/single-flight.ts';
import type { AuditEntry, Directory, Page } from '../core/store.ts';
import { StoreAway } from '../core/store-away.ts';
import type { StoreTime } from '../core/store-time.ts';
import { ALL_ACCOUNTS } from './authorize.ts';
import { DeclaredKeys, isDeclared } from './declared-keys.ts';
import { Gate } from './gate.ts';
import { createApiKey, createKeyId, KEY_TEXT } from './key-format.ts';

export interface KeysDeps {
  readonly directory: Directory;
  /** Keyed digest of a key's text, hex. */
  readonly digest: (key: string) => string;
  readonly time: StoreTime;
  readonly events: EventSink;
  /** Cryptographically strong. */
  readonly randomBytes: (n: number) => Uint8Array;
  readonly declared: readonly DeclaredKey[];
  /** Most records in memory. */
  readonly cacheSize: number;
  /** How long memory is believed without hearing from the store, ms. */
  readonly graceMs: number;
}

/** What a person says of a new key. */
export interface KeyInput {
  readonly name: string;
  readonly scopes: readonly Scope[];
  /** Account ids, or `*`. */
  readonly accounts: readonly string[];
  readonly kinds?: readonly string[] | null;
  readonly cidrs?: readonly string[] | null;
  readonly callsPerMinute?: number | null;
  readonly sealed?: boolean;
  /** Epoch ms. */
  readonly expiresAt?: number | null;
}

export type KeyPatch = Partial<KeyInput>;

/** The one key that the configuration or the CLI sets as a whole. */
export const ADMIN_KEY_ID = 'k_admin';

/** How long "unknown" is believed: a key made elsewhere works within the 5 s that the contract promises. */
const UNKNOWN_TTL_MS = 5000;
const MAX_UNKNOWN = 10_000;
/** Lookups of keys that memory does not know, at once and in line. */
const LOOKUPS_RUNNING = 16;
const LOOKUPS_WAITING = 1000;

/** How often a change is tried while others keep changing the same key. */
const CHANGE_TRIES = 5;

const nameTaken = ({ name }: ApiKeyRecord) => new ZhongkongError('conflict', `a key named "${name}" exists already`);
const changedMeanwhile = () => new ZhongkongError('conflict', 'the key changed meanwhile');

interface Known {
  readonly record: ApiKeyRecord;
  /** When the store had it so, store time. */
  readonly lookedAt: number;
  /** Number of `dropAll`s until then. */
  readonly era: number;
}

export class Keys {
  readonly #deps: KeysDeps;
  readonly #declared: DeclaredKeys;
  /** Key text → record, revoked ones included. */
  readonly #known: LRUCache<string, Known>;
  /** Id → key text in `#known`. */
  readonly #textOf = new Map<string, string>();
  readonly #unknown: LRUCache<string, true>;
  readonly #lookups = new SingleFlight<ApiKeyRecord | null>();
  readonly #gate = new Gate(LOOKUPS_RUNNING, LOOKUPS_WAITING);
  /** +1 per drop. */
  #drops = 0;
  #era = 0;
  readonly #away: StoreAway;
  /** All changes up to then were heard of, store time. */
  #upToDateAt = Number.NEGATIVE_INFINITY;
  /** The same at the last `dropAll`, store time. */
  #heardBefore = Number.NEGATIVE_INFINITY;

  constructor(deps: KeysDeps) {
    this.#deps = deps;
    this.#declared = new DeclaredKeys(deps.declared, deps.digest);
    this.#away = new StoreAway(() => deps.time.now());
    this.#known = new LRUCache({
      max: deps.cacheSize,
      dispose: ({ record }, text) => {
        if (this.#textOf.get(record.id) === text) this.#textOf.delete(record.id);
      },
    });
    this.#unknown = new LRUCache({
      perf: { now: () => deps.time.now() },
      ttlResolution: 0,
      max: Math.min(MAX_UNKNOWN, deps.cacheSize),
      ttl: UNKNOWN_TTL_MS,
    });
  }

  /** What memory knows, at once; undefined says nothing. Revoked and expired records come too: `authorize` decides. */
  cached(key: string): ApiKeyRecord | undefined {
    const declared = this.#declared.find(key);
    if (declared) return declared;
    const known = this.#known.get(key);
    return known?.era === this.#era ? this.#inGrace(known, this.#upToDateAt) : undefined;
  }

  /** All changes that were stored before `at` (store time) have been heard of. */
  upToDate(at: number): void {
    this.#upToDateAt = at;
  }

  /** The record of this key, or null when there is none. Throws `rate_limited` in a flood of unknown keys. */
  async find(key: string): Promise<ApiKeyRecord | null> {
    const cached = this.cached(key);
    if (cached) return cached;
    if (!KEY_TEXT.test(key) || this.#unknown.has(key)) return null;
    // Whoever comes after a drop must not join a lookup from before it.
    const ask = () => this.#lookups.run(`${this.#drops} ${key}`, () => this.#gate.run(() => this.#lookUp(key)));
    return this.#away.orLast(ask, () => {
      const known = this.#known.get(key);
      return known && this.#inGrace(known, known.era + 1 === this.#era ? this.#heardBefore : known.lookedAt);
    });
  }

  /** The record by its public id; null when there is none. */
  async get(id: string): Promise<ApiKeyRecord | null> {
    return this.#declared.get(id) ?? (await this.#deps.directory.key(id));
  }

  /** In id order, declared ones (`isDeclared`) among the stored. */
  async page(page: Page): Promise<readonly ApiKeyRecord[]> {
    const stored = await this.#deps.directory.keys(page);
    const all = [...stored, ...this.#declared.after(page.after)];
    return all.sort((a, b) => (a.id < b.id ? -1 : 1)).slice(0, page.limit);
  }

  /** A new key. Its text is in the answer and nowhere else. Throws `invalid_request` or `conflict`. */
  async create(input: KeyInput, actor: string): Promise<{ readonly record: ApiKeyRecord; readonly key: string }> {
    const { randomBytes, digest, time } = this.#deps;
    const key = createApiKey(randomBytes);
    const record: ApiKeyRecord = {
      kinds: null,
      cidrs: null,
      callsPerMinute: null,
      sealed: false,
      expiresAt: null,
      ...input,
      id: createKeyId(randomBytes),
      digest: digest(key),
      paths: null,
      revokedAt: null,
      createdAt: time.now(),
      revision: 0,
    };
    this.#assertSensible(record);
    const stored = await this.#write(record);
    if (stored === null) throw nameTaken(record);
    await this.#audit('key.created', actor, record, { name: record.name, scopes: record.scopes.join(' '), sealed: record.sealed });
    return { record: stored, key };
  }

  /** Throws `not_found`, `conflict` (declared, the admin key, revoked, name taken, changing all the time) or `invalid_request`. */
  async update(id: string, patch: KeyPatch, actor: string): Promise<ApiKeyRecord> {
    const record = await this.#change(id, (before) => {
      if (id === ADMIN_KEY_ID) throw new ZhongkongError('conflict', 'the admin key cannot be changed, only replaced or revoked');
      if (before.revokedAt !== null) throw new ZhongkongError('conflict', 'this key was revoked');
      const after: ApiKeyRecord = { ...before, ...patch };
      this.#assertSensible(after);
      return after;
    });
    await this.#audit('key.updated', actor, record, { fields: Object.keys(patch).join(' ') });
    return record;
  }

  /** For good. A second time changes nothing. Throws `not_found`, or `conflict` for a declared key. */
  async revoke(id: string, actor: string): Promise<ApiKeyRecord> {
    let isDone = false;
    const record = await this.#change(id, (before) => {
      isDone = before.revokedAt !== null;
      return isDone ? before : { ...before, revokedAt: this.#deps.time.now() };
    });
    if (!isDone) await this.#audit('key.revoked', actor, record, { name: record.name });
    return record;
  }

  /** Make `key` the admin key in place of the former one. False when it is already. */
  async putAdmin(key: string, actor: string): Promise<boolean> {
    const wanted = this.#adminRecord(key);
    for (let tries = 0; tries < CHANGE_TRIES; tries += 1) {
      const before = await this.#deps.directory.key(ADMIN_KEY_ID);
      if (before && before.digest === wanted.digest && before.revokedAt === null) return false;
      if (await this.#writeAdmin({ ...wanted, revision: before?.revision ?? 0 }, actor)) return true;
    }
    throw changedMeanwhile();
  }

  /** Make `key` the admin key of an installation that never had one. True for the one caller, on any node, whose key it became. */
  async createFirstAdmin(key: string, actor: string): Promise<boolean> {
    return this.#writeAdmin(this.#adminRecord(key), actor);
  }

  /** Forget what memory knows of a key: somebody changed it, or made it. */
  drop(id: string): void {
    this.#drops += 1;
    this.#unknown.clear();
    const text = this.#textOf.get(id);
    if (text !== undefined) this.#known.delete(text);
  }

  dropAll(): void {
    this.#drops += 1;
    this.#unknown.clear();
    this.#era += 1;
    this.#heardBefore = this.#upToDateAt;
  }

  #inGrace({ record, lookedAt }: Known, heardAt: number): ApiKeyRecord | undefined {
    const { time, graceMs } = this.#deps;
    return time.now() <= Math.max(lookedAt, heardAt) + graceMs ? record : undefined;
  }

  async #lookUp(key: string): Promise<ApiKeyRecord | null> {
    const drops = this.#drops;
    const lookedAt = this.#deps.time.now();
    const record = await this.#deps.directory.keyByDigest(this.#deps.digest(key));
    // What the store denies must not come back from an older look once the store is away.
    if (record === null || record.revokedAt !== null) this.#known.delete(key);
    if (drops !== this.#drops) return record;
    if (record) this.#remember(key, { record, lookedAt, era: this.#era });
    else this.#unknown.set(key, true);
    return record;
  }

  #remember(key: string, known: Known): void {
    // Another text under the same id: the admin key was replaced and the word of it got lost.
    const { id } = known.record;
    const former = this.#textOf.get(id);
    if (former !== undefined && former !== key) this.#known.delete(former);
    this.#known.set(key, known);
    this.#textOf.set(id, key);
  }

  /** The stored record, from the store: a change on top of a remembered one could undo another's. */
  async #changeable(id: string): Promise<ApiKeyRecord> {
    if (isDeclared(id) && this.#declared.get(id)) throw new ZhongkongError('conflict', 'a declared key is changed in the configuration');
    const record = await this.#deps.directory.key(id);
    if (!record) throw new ZhongkongError('not_found', 'no such key');
    return record;
  }

  /**
   * Stores what `decide` makes of the key; the same object back changes nothing. When somebody else changed the key
   * between the reading and the writing, all of it is done anew, so that neither change is lost or undone.
   */
  async #change(id: string, decide: (before: ApiKeyRecord) => ApiKeyRecord): Promise<ApiKeyRecord> {
    for (let tries = 0; tries < CHANGE_TRIES; tries += 1) {
      const before = await this.#changeable(id);
      const after = decide(before);
      if (after === before) return before;
      const stored = await this.#write(after, before);
      if (stored) return stored;
    }
    throw changedMeanwhile();
  }

  /** As stored, or null when another record is there than `before`. Throws `conflict` when the name is another key's. */
  async #write(record: ApiKeyRecord, before: ApiKeyRecord | null = null): Promise<ApiKeyRecord | null> {
    if (record.name !== before?.name && this.#declared.hasName(record.name)) throw nameTaken(record);
    const isWritten = (await this.#deps.directory.putKey(record)) === 'written';
    this.drop(record.id);
    if (isWritten) return { ...record, revision: record.revision + 1 };
    const there = await this.#deps.directory.key(record.id);
    if ((there?.revision ?? 0) === record.revision) throw nameTaken(record);
    return null;
  }

  #adminRecord(key: string): ApiKeyRecord {
    if (!KEY_TEXT.test(key)) throw new ZhongkongError('invalid_request', 'adminKey: use 24 to 128 of A-Z a-z 0-9 _ . -');
    return {
      id: ADMIN_KEY_ID,
      name: 'admin',
      digest: this.#deps.digest(key),
      scopes: ['admin'],
      accounts: ['*'],
      kinds: null,
      paths: null,
      callsPerMinute: null,
      cidrs: null,
      sealed: false,
      expiresAt: null,
      revokedAt: null,
      createdAt: this.#deps.time.now(),
      revision: 0,
    };
  }

  /** False when another record of the admin key is there than the one `record` names. */
  async #writeAdmin(record: ApiKeyRecord, actor: string): Promise<boolean> {
    if ((await this.#write(record)) === null) return false;
    await this.#audit('key.admin_set', actor, record, {});
    return true;
  }

  #assertSensible({ scopes, accounts, expiresAt, sealed }: ApiKeyRecord): void {
    const wrong = (message: string) => new ZhongkongError('invalid_request', message);
    const whole = scopes.find((scope) => ALL_ACCOUNTS.has(scope));
    if (whole && !accounts.includes('*')) throw wrong(`accounts: a key with the scope ${whole} covers all accounts, ["*"]`);
    if (scopes.includes('admin') && sealed) throw wrong('sealed: an admin key cannot be sealed');
    if (expiresAt !== null && expiresAt <= this.#deps.time.now()) throw wrong('expires_at: lies in the past');
  }

  #audit(action: string, actor: string, record: ApiKeyRecord, data: AuditEntry['data']): Promise<void> {
    return this.#deps.directory.appendAudit([{ at: this.#deps.time.now(), action, actor, subject: record.id, data }]);
  }
}
