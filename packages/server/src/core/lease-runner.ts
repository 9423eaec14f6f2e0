/**
 * Runs work on one credential under its lease, from getting it to giving it back, over lost races.
 *
 * A stale commit means that two issues may have raced upstream, and the last one *issued* wins there, whoever was stored:
 * the stored one becomes suspect and the work runs again under a new lease. The doubt is kept here until it is stored. When
 * the holder in between only counted our issue as lost, there was no race: then ours is stored, late.
 */

import { type CredentialId, type CredentialRecord, credentialKey } from './credential.ts';
import { ZhongkongError } from './errors.ts';
import type { Target } from './kind.ts';
import { acquireLease, type Held } from './lease.ts';
import type { RecordMemory } from './memory.ts';
import { RefreshSession, type SessionDeps } from './session.ts';
import { StaleLease } from './stale-lease.ts';
import type { StoredCredential } from './store.ts';
import { onlyCountedLost, raced, storedLate } from './transition.ts';

export type { Held } from './lease.ts';

/** What is done under a lease, and which commits of another holder make it unnecessary. */
export interface LeasedWork {
  readonly run: (session: RefreshSession) => Promise<void>;
  readonly satisfiedBy: (record: CredentialRecord) => boolean;
}

/** Races lost in a row before giving up: each means that somebody else did commit. */
const MAX_RACES = 3;
/** By how much two nodes may disagree about when something was sent. */
const CLOCK_TOLERANCE_MS = 5000;

export class LeaseRunner {
  readonly #deps: SessionDeps & { readonly holder: string };
  readonly #memory: RecordMemory;
  readonly #inAir = new Set<Promise<void>>();
  /** Issues of ours whose lease was lost, by credential, and when we knew, store time: until it is stored what that means. */
  readonly #raced = new Map<string, { readonly at: number; readonly issued: CredentialRecord }>();
  #drains = 0;

  constructor(deps: SessionDeps & { readonly holder: string }, memory: RecordMemory) {
    this.#deps = deps;
    this.#memory = memory;
  }

  get draining(): boolean {
    return this.#drains > 0;
  }

  /** Run `work` and store what it made. Another holder's commit counts as ours when it satisfies. */
  run(target: Target, claimed: Held | null, work: LeasedWork): Promise<CredentialRecord> {
    const raced = this.#race(target, claimed, work).catch((error: unknown) => {
      this.#memory.noteTrouble(error);
      throw error;
    });
    return this.#track(raced);
  }

  /** `action` under the lease, once whoever holds it now has ended. */
  afterHolder(target: Target, action: () => Promise<void>): Promise<void> {
    return this.#track(this.#afterHolder(target, action, MAX_RACES));
  }

  /** Everything in the air has ended; whoever waits for another holder gives up. */
  async drain(): Promise<void> {
    this.#drains += 1;
    while (this.#inAir.size > 0) await Promise.all([...this.#inAir]);
    this.#drains -= 1;
  }

  async #afterHolder(target: Target, action: () => Promise<void>, races: number): Promise<void> {
    const got = await acquireLease(this.#deps, target.id, {
      look: () => this.#memory.look,
      satisfiedBy: () => false,
      givenUp: () => this.draining,
    });
    if ('satisfied' in got) return;
    if (got.lease.takenOver) {
      // What is owed after a takeover would end with this lease: the next one only sees that it was given back.
      this.#deps.events.emit({ type: 'lease.taken_over', id: target.id, fence: got.lease.fence });
      const session = new RefreshSession(this.#deps, target, this.#memory.decode(got.stored), got.lease, got.leaseEndsAt);
      try {
        await session.save({ release: false });
      } catch (error) {
        // Overtaken ourselves: whoever holds it now owes the same, and is waited for as well.
        if (!(error instanceof StaleLease) || races === 0) throw error;
        return this.#afterHolder(target, action, races - 1);
      }
    }
    await action();
    await this.#deps.credentials.release(got.lease);
  }

  async #race(target: Target, claimed: Held | null, work: LeasedWork): Promise<CredentialRecord> {
    let acquired = claimed;
    for (let races = 0; ; races += 1) {
      const got = acquired ?? (await this.#acquire(target.id, work));
      acquired = null;
      if ('satisfied' in got) return this.#memory.remember(this.#memory.decode(got.satisfied), got.look);
      try {
        return await this.#attempt(target, got, work);
      } catch (error) {
        if (!(error instanceof StaleLease)) throw error;
        this.#memory.drop(target.id);
        if (error.issued) this.#raced.set(credentialKey(target.id), { at: this.#deps.time.now(), issued: error.issued });
        const { look } = this.#memory;
        const stored = await this.#deps.credentials.read(target.id);
        if (stored === null) throw new ZhongkongError('not_found', 'the account was removed');
        // What the later holder stored may be all that was wanted: an order is not carried out twice.
        if (this.#satisfies(stored, work)) return this.#memory.remember(this.#memory.decode(stored), look);
        if (races >= MAX_RACES)
          throw new ZhongkongError('deadline_exceeded', 'other nodes kept taking the lease', { retryAfterSeconds: 1 });
      }
    }
  }

  /** One lease: re-read, work, store, give back. */
  async #attempt(target: Target, held: Held, work: LeasedWork): Promise<CredentialRecord> {
    const { events, time, credentials } = this.#deps;
    const { lease } = held;
    const key = credentialKey(target.id);
    if (lease.takenOver) events.emit({ type: 'lease.taken_over', id: target.id, fence: lease.fence });
    const { look: atStart } = this.#memory;
    let atSave = atStart;
    let session: RefreshSession | null = null;
    // A doubt goes with this session, and comes back when that stores nothing.
    let race = this.#raced.get(key);
    try {
      const reread = this.#memory.newest(this.#memory.decode(held.stored));
      const doubted = this.#isDoubted(reread) ? raced(reread, target.chain.policy, time.now()) : reread;
      const late = race && onlyCountedLost(race.issued, reread) ? storedLate(race.issued, reread) : null;
      const record = late ?? doubted;
      this.#raced.delete(key);
      session = new RefreshSession(this.#deps, target, record, lease, held.leaseEndsAt);
      session.onSaving = () => {
        atSave = this.#memory.look;
      };
      if (late) {
        await this.#storeLate(session);
        race = undefined;
      }
      await work.run(session);
      if (!session.released) await session.save({ release: true });
      return this.#memory.remember(session.record, atSave);
    } catch (error) {
      // Of two flights of this process the later one's doubt is the one to keep.
      if (race !== undefined && !session?.committed && !session?.unsaved && !this.#raced.has(key)) this.#raced.set(key, race);
      if (error instanceof StaleLease) throw error;
      // WeChat gave a value that the store would not take: it is the truth all the same, so memory serves it. The
      // lease is left to end by itself: until then nobody else takes the stored intent for a lost answer.
      if (session?.unsaved) return this.#memory.rememberUnsaved(session.record, session.othersFrom, atStart);
      // A takeover that left nothing in the store runs out again, so that the next holder sees it.
      if (!lease.takenOver || session?.committed) await credentials.release(lease).catch(() => undefined);
      // Stored already; only what came after it was not.
      if (session?.committed) return this.#memory.remember(session.record, atStart);
      throw error;
    }
  }

  /** The holder in between issued nothing: our value is good, and what it replaced keeps its whole grace. */
  async #storeLate(session: RefreshSession): Promise<void> {
    const { current, generation, id } = session.record;
    await session.save({ release: false });
    if (current === null) return;
    const { fingerprint, expiresAt } = current;
    this.#deps.events.emit({ type: 'credential.committed', id, generation, fingerprint, reason: 'suspect', expiresAt, upstreamMs: 0 });
  }

  #acquire(id: CredentialId, work: LeasedWork) {
    return acquireLease(this.#deps, id, {
      look: () => this.#memory.look,
      satisfiedBy: (stored) => this.#satisfies(stored, work),
      givenUp: () => this.draining,
    });
  }

  /** After a race of ours a commit is not to be trusted: the doubt has to be written down first. */
  #satisfies(stored: StoredCredential, work: LeasedWork): boolean {
    const record = this.#memory.decode(stored);
    return !this.#isDoubted(record) && work.satisfiedBy(record);
  }

  /** A race of ours may have killed the current one; not our own, nor one that was asked for after we had our answer. */
  #isDoubted({ id, current, previous }: CredentialRecord): boolean {
    const race = this.#raced.get(credentialKey(id));
    if (race === undefined || current === null) return race !== undefined;
    // Ours was stored all the same, and only the word of that was lost.
    const ours = race.issued.current?.value;
    if (current.value === ours || previous?.value === ours) return false;
    return current.issuedAt <= race.at + CLOCK_TOLERANCE_MS;
  }

  #track<T>(work: Promise<T>): Promise<T> {
    const settled: Promise<void> = work.then(
      () => void this.#inAir.delete(settled),
      () => void this.#inAir.delete(settled),
    );
    this.#inAir.add(settled);
    return work;
  }
}
