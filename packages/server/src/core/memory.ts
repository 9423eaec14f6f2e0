/**
 * What this process remembers of credentials, so that a read costs no store.
 *
 * An entry is *behind* once somebody said that the store has changed: the next load asks the store, and while the
 * store is away the entry still serves. A value that the store would not take is *unsaved*: it stays the truth until
 * somebody else has written to the store. `#set` is the one place that changes what is remembered.
 */

import { BoundedMap } from './bounded-map.ts';
import type { Clock } from './clock.ts';
import { decodeRecord } from './codec.ts';
import { type CredentialId, type CredentialRecord, credentialKey, emptyRecord } from './credential.ts';
import { ZhongkongError } from './errors.ts';
import type { CredentialState, EventSink } from './events.ts';
import { stateOf, suspect, usable } from './schedule.ts';
import type { Seal } from './seal.ts';
import { SingleFlight } from './single-flight.ts';
import type { CredentialStore, StoredCredential } from './store.ts';
import type { StoreTime } from './store-time.ts';

export interface MemoryDeps {
  readonly credentials: CredentialStore;
  readonly seal: Seal;
  readonly clock: Clock;
  readonly time: StoreTime;
  readonly events: EventSink;
  readonly settings: { readonly cacheSize: number };
}

interface Entry {
  readonly record: CredentialRecord;
  readonly state: CredentialState;
  /** Of an unsaved value: from when on others, who know nothing of it, may issue again, store time; null: it is stored. */
  readonly othersFrom: number | null;
  /** Number of drops that had happened when the store was looked at. */
  readonly look: number;
  /** When the store was looked at, store time. */
  readonly lookedAt: number;
  behind: boolean;
  /** Served although it is behind, because the store could not be asked. */
  lastResort: boolean;
}

/** A look at the store: taken before the store is asked or written, given back with what came of it. */
export interface Look {
  /** Number of drops until then. */
  readonly drops: number;
  /** Store time. */
  readonly at: number;
}

/** After the store failed: what can be served from memory does not ask it again for this long. */
const TROUBLE_MS = 1000;
const DOUBT_LOOK_MS = 1000;

export class RecordMemory {
  readonly #deps: MemoryDeps;
  readonly #entries: BoundedMap<Entry>;
  readonly #loads = new SingleFlight<CredentialRecord>();
  #drops = 0;
  #allBehindBefore = 0;
  #troubleUntil = Number.NEGATIVE_INFINITY;

  constructor(deps: MemoryDeps) {
    this.#deps = deps;
    this.#entries = new BoundedMap(deps.settings.cacheSize);
  }

  /** The record when memory is up to date as far as anybody told. */
  known(id: CredentialId): CredentialRecord | undefined {
    const entry = this.#entries.get(credentialKey(id));
    return entry && !this.#isBehind(entry) && !this.#isDoubtful(entry) ? entry.record : undefined;
  }

  /** The record, however old the look at it. */
  last(id: CredentialId): CredentialRecord | undefined {
    return this.#entries.get(credentialKey(id))?.record;
  }

  /** The last look while that is usable, for who cannot ask the store: what it shows may have been replaced. */
  lastResort(id: CredentialId): CredentialRecord | undefined {
    const entry = this.#entries.get(credentialKey(id));
    if (!entry || !usable(entry.record, this.#deps.time.now())) return undefined;
    entry.lastResort = this.known(id) === undefined;
    return entry.record;
  }

  /** Whether what was served last of it was a last resort. */
  isLastResort(id: CredentialId): boolean {
    return this.#entries.get(credentialKey(id))?.lastResort ?? false;
  }

  /**
   * Up to when the record was surely what the store had: until `allKnownAt`, up to which all changes were heard of, but
   * for a record that one of these changes concerned. What has been stored since is what memory is waiting for.
   */
  knownUpTo(id: CredentialId, allKnownAt: number): number {
    const entry = this.#entries.get(credentialKey(id));
    if (!entry) return allKnownAt;
    return this.#isBehind(entry) ? entry.lookedAt : Math.max(allKnownAt, entry.lookedAt);
  }

  /** The store failed a moment ago. */
  get inTrouble(): boolean {
    return this.#deps.clock.monotonic() < this.#troubleUntil;
  }

  /** The record: from memory when that has something usable, else from the store. */
  async load(id: CredentialId): Promise<CredentialRecord> {
    const now = this.#deps.time.now();
    const known = this.known(id);
    // With nothing usable, another node may have committed meanwhile: ask.
    if (known && usable(known, now)) return known;
    const last = this.inTrouble ? this.lastResort(id) : undefined;
    return last ?? this.reload(id);
  }

  /** The record as the store has it; while the store is away, the last look at it if that is usable. */
  reload(id: CredentialId): Promise<CredentialRecord> {
    // A drop while a look is under way makes that look too old for whoever comes after.
    return this.#loads.run(`${credentialKey(id)} ${this.#drops}`, async () => {
      const { look } = this;
      try {
        const stored = await this.#deps.credentials.read(id);
        return this.remember(stored ? this.decode(stored) : emptyRecord(id), look);
      } catch (error) {
        this.noteTrouble(error);
        const last = this.lastResort(id);
        if (last) return last;
        throw error;
      }
    });
  }

  decode(stored: StoredCredential): CredentialRecord {
    return stored.body === null ? emptyRecord(stored.id) : decodeRecord(stored.id, stored.body, this.#deps.seal);
  }

  /** What to go on from under a lease: the stored record, or our own later value that nobody has written over. */
  newest(stored: CredentialRecord): CredentialRecord {
    const entry = this.#entries.get(credentialKey(stored.id));
    return entry && isOurs(entry, stored) ? entry.record : stored;
  }

  /** To be taken before the store is asked or written, and given to `remember`. */
  get look(): Look {
    return { drops: this.#drops, at: this.#deps.time.now() };
  }

  /** What was just read, or stored. */
  remember(record: CredentialRecord, { drops, at }: Look): CredentialRecord {
    return this.#set(record, { look: drops, lookedAt: at, othersFrom: null });
  }

  /** A value that upstream gave and the store did not take. `at`: when the store was last asked about it. */
  rememberUnsaved(record: CredentialRecord, othersFrom: number, { drops, at }: Look): CredentialRecord {
    const next = { ...record, saves: record.saves + 1 };
    return this.#set(next, { look: drops, lookedAt: at, othersFrom });
  }

  /** The store would not take this value, so no other node has heard of it: when they may issue again. Else null. */
  othersFrom(id: CredentialId): number | null {
    return this.#entries.get(credentialKey(id))?.othersFrom ?? null;
  }

  drop(id: CredentialId): void {
    this.#drops += 1;
    const entry = this.#entries.get(credentialKey(id));
    if (entry) entry.behind = true;
  }

  dropAll(): void {
    this.#drops += 1;
    this.#allBehindBefore = this.#drops;
  }

  noteTrouble(error: unknown): void {
    if (!(error instanceof ZhongkongError) || error.code !== 'store_unavailable') return;
    this.#troubleUntil = this.#deps.clock.monotonic() + TROUBLE_MS;
  }

  #isBehind(entry: Entry): boolean {
    return entry.behind || entry.look < this.#allBehindBefore;
  }

  /** A value in doubt may be replaced any moment, and then dies at once: look often. */
  #isDoubtful({ record, lookedAt }: Entry): boolean {
    if (record.suspectFrom === null) return false;
    const now = this.#deps.time.now();
    return suspect(record, now) && now >= lookedAt + DOUBT_LOOK_MS;
  }

  #set(record: CredentialRecord, how: Pick<Entry, 'look' | 'lookedAt' | 'othersFrom'>): CredentialRecord {
    const key = credentialKey(record.id);
    const before = this.#entries.get(key);
    // What the store would not take was overtaken while it was offered: another node has written since.
    if (before && how.othersFrom !== null && before.record.saves >= record.saves) return before.record;
    if (before && how.othersFrom === null) {
      if (isOurs(before, record)) {
        before.behind = false;
        return before.record;
      }
      // An older look at a record never replaces a newer one; only an up-to-date look may bring fewer saves: the
      // credential was removed and made anew.
      const older = before.record.saves > record.saves;
      if (older && (!this.#isBehind(before) || how.look < this.#drops)) return before.record;
    }
    const to = stateOf(record, this.#deps.time.now());
    const from = before?.state ?? 'missing';
    // Any drop since the look may have been about this record: then it is behind from the start.
    this.#entries.set(key, { ...how, record, state: to, behind: how.look < this.#drops, lastResort: false });
    if (from !== to) this.#deps.events.emit({ type: 'credential.state', id: record.id, from, to });
    return record;
  }
}

/** Nobody has written since our own unsaved value was made on top of `stored`. */
function isOurs(entry: Entry, stored: CredentialRecord): boolean {
  return entry.othersFrom !== null && stored.saves + 1 === entry.record.saves;
}
