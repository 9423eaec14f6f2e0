/**
 * The keeper: keeps each credential fresh and hands it out. The heart of the product.
 *
 * The life of one credential, as its callers see it:
 *   missing ──issue──▶ fresh ──refreshAt──▶ due ──issue──▶ fresh (next generation)
 *   fresh/due ──lost answer, later──▶ suspect ──issue, or a probe says alive──▶ fresh/due
 *   any ──a probe says dead──▶ dead ──issue──▶ fresh
 *   fresh/due/suspect ──its own life ends──▶ expired ──issue──▶ fresh
 * fresh, due and suspect are served at once; missing, dead and expired make a caller wait, within its deadline.
 *
 * A refresh, in order: join the flight in this process → lease, or wait for the other holder's commit → re-read under
 * the lease → intent → last look at the lease → issue → commit under the fence (`session.ts`).
 */

import { BoundedMap } from './bounded-map.ts';
import { allowedAt } from './budget.ts';
import { decodeRecord } from './codec.ts';
import { type CredentialId, type CredentialRecord, credentialKey, emptyRecord, type ServedCredential } from './credential.ts';
import { ZhongkongError } from './errors.ts';
import type { CredentialState, IssueReason } from './events.ts';
import type { Target } from './kind.ts';
import { startLeak, stepLeak } from './leak.ts';
import { type ReportResult, verifyReport } from './report.ts';
import { backingOff, honestRemaining, mustRefresh, nextAttemptAt, shouldRefresh, stateOf, suspect, usable } from './schedule.ts';
import { RefreshSession, type SessionDeps, StaleLease } from './session.ts';
import { SingleFlight } from './single-flight.ts';
import type { Acquired, StoredCredential } from './store.ts';
import { raced } from './transition.ts';

export interface KeeperDeps extends SessionDeps {
  /** Names this process in leases; unique per process start. */
  readonly holder: string;
}

export interface ReadOptions {
  /** Wish for this much honest life, ms; makes a caller wait for a refresh only inside the refresh window. */
  readonly minTtlMs?: number;
  /** How long the caller may be kept waiting, ms. */
  readonly deadlineMs: number;
}

/** A lease and the monotonic instant at which it ends for us, counted from before it was asked for. */
type Held = Acquired & { readonly leaseEndsAt: number };

interface Entry {
  readonly record: CredentialRecord;
  state: CredentialState;
}

/** Waiting for another holder's commit: look this often. */
const HELD_POLL_MS = 100;
/** Races lost in a row before giving up: each means that somebody else did commit. */
const MAX_RACES = 3;

export class Keeper {
  readonly #deps: KeeperDeps;
  readonly #entries: BoundedMap<Entry>;
  readonly #flights = new SingleFlight<CredentialRecord>();
  readonly #reports = new SingleFlight<ReportResult>();

  constructor(deps: KeeperDeps) {
    this.#deps = deps;
    this.#entries = new BoundedMap(deps.settings.cacheSize);
  }

  /** The credential when memory can answer at once, else null. Starts a background refresh when one is due. */
  peek(target: Target): ServedCredential | null {
    const entry = this.#entries.get(credentialKey(target.id));
    const now = this.#deps.time.now();
    if (!entry || !usable(entry.record, now)) return null;
    if (shouldRefresh(entry.record, now)) this.#refreshInBackground(target, entry.record, now);
    return this.#serve(target, entry.record);
  }

  /** The credential, waiting for an issue only when nothing usable exists. */
  async read(target: Target, options: ReadOptions): Promise<ServedCredential> {
    this.#assertEnabled(target);
    const record = await this.#load(target.id);
    const now = this.#deps.time.now();
    if (usable(record, now)) {
      const wanting = honestRemaining(record, target.chain.policy, now) < (options.minTtlMs ?? 0);
      if (!shouldRefresh(record, now)) return this.#serve(target, record);
      this.#refreshInBackground(target, record, now);
      if (!wanting || backingOff(record, target.account.secretRevision, now)) return this.#serve(target, record);
    } else if (backingOff(record, target.account.secretRevision, now)) {
      throw unavailable(record, now);
    }
    const refreshed = await this.#withDeadline(this.#refresh(target, 'missing'), options.deadlineMs).catch((error: unknown) => {
      if (usable(record, this.#deps.time.now())) return record;
      throw error;
    });
    return this.#serve(target, refreshed);
  }

  /** A caller says that WeChat rejected `value`: compare, cool down, verify, refresh. */
  async report(target: Target, value: string, deadlineMs: number): Promise<ReportResult> {
    this.#assertEnabled(target);
    const { hash, time, settings, events } = this.#deps;
    const record = await this.#load(target.id);
    const now = time.now();
    const tell = (result: ReportResult): ReportResult => {
      events.emit({ type: 'credential.reported', id: target.id, outcome: result.outcome });
      return result;
    };
    const { current, previous } = record;
    if (current === null || !usable(record, now) || !hash.equal(current.value, value)) {
      const rejectedInGrace = previous !== null && now < previous.diesAt && hash.equal(previous.value, value);
      // The previous should still work: if it does not, the current may be dead as well. One look, in the background.
      if (rejectedInGrace && now >= record.lastVerifiedAt + settings.reportCooldownMs) this.#inBackground(this.#verify(target));
      return tell({ outcome: 'superseded', credential: await this.read(target, { deadlineMs }) });
    }
    const coolMs = record.lastVerifiedAt + settings.reportCooldownMs - now;
    if (coolMs > 0) return tell({ outcome: 'cooling_down', retryAfterMs: coolMs, credential: this.#serve(target, record) });
    // Joined by everybody who reports this credential meanwhile, here; other nodes meet at the lease.
    const verified = await this.#withDeadline(this.#verify(target), deadlineMs);
    if (verified.outcome === 'superseded') return tell({ ...verified, credential: await this.read(target, { deadlineMs }) });
    return tell(verified);
  }

  /** An operator orders a new value now. */
  async refresh(target: Target, deadlineMs: number): Promise<ServedCredential> {
    this.#assertEnabled(target);
    const { time } = this.#deps;
    const { generation } = await this.#load(target.id);
    const orderedAt = time.now();
    const ordered = async (): Promise<CredentialRecord> => {
      const running = await this.#flights.get(credentialKey(target.id))?.catch(() => undefined);
      return running && running.generation > generation ? running : this.#refresh(target, 'ordered');
    };
    const record = await this.#withDeadline(ordered(), deadlineMs);
    if (record.generation > generation) return this.#serve(target, record);
    if (record.failure && record.failure.at >= orderedAt) throw unavailable(record, time.now());
    const { limits, forcible } = target.chain;
    throw overBudget(allowedAt(record, limits, 'ordered', forcible, time.now()) - time.now());
  }

  /** Start the leak procedure, or join the one that runs. It goes on in the due queue, over crashes. */
  async revokeLeaked(target: Target, reason: string): Promise<CredentialRecord> {
    this.#assertEnabled(target);
    return this.#underLease(target, null, async (session) => {
      startLeak(session, reason);
      await stepLeak(session);
    });
  }

  /** The record as stored, for status pages and operations; values included, so never send it anywhere whole. */
  async inspect(target: Target): Promise<CredentialRecord> {
    return this.#load(target.id);
  }

  /** Do whatever a claimed credential wants: the due queue's work. */
  async work(target: Target, claimed: Acquired, leaseEndsAt: number): Promise<void> {
    await this.#refresh(target, 'scheduled', { ...claimed, leaseEndsAt });
  }

  /** The account changed: once what is in the air has landed, look at its credentials anew. */
  async wake(target: Target): Promise<void> {
    await this.#flights.get(credentialKey(target.id))?.catch(() => undefined);
    await this.#deps.credentials.schedule(target.id, target.account.enabled ? this.#deps.time.now() : null);
    this.drop(target.id);
  }

  /** Forget what memory knows of a credential: somebody else changed it. */
  drop(id: CredentialId): void {
    this.#entries.delete(credentialKey(id));
  }

  dropAll(): void {
    this.#entries.clear();
  }

  /** All refreshes and verifications in the air have ended. */
  async drain(): Promise<void> {
    await Promise.all([this.#flights.drain(), this.#reports.drain()]);
  }

  #assertEnabled(target: Target): void {
    if (!target.account.enabled) throw new ZhongkongError('account_disabled', 'the account is disabled');
  }

  async #load(id: CredentialId): Promise<CredentialRecord> {
    const entry = this.#entries.get(credentialKey(id));
    const now = this.#deps.time.now();
    // Memory that has nothing usable may be behind another node's commit: ask the store.
    if (entry && usable(entry.record, now)) return entry.record;
    const stored = await this.#deps.credentials.read(id);
    return this.#settle(stored ? this.#decode(stored) : emptyRecord(id));
  }

  #decode(stored: StoredCredential): CredentialRecord {
    return stored.body === null ? emptyRecord(stored.id) : decodeRecord(stored.id, stored.body, this.#deps.seal);
  }

  /** Our own commit that never reached the store goes on where it broke off: the stored intent is its trace. */
  #newest(stored: CredentialRecord): CredentialRecord {
    const memory = this.#entries.get(credentialKey(stored.id))?.record;
    const isOurs = memory !== undefined && stored.intent !== null && memory.generation === stored.generation + 1;
    return isOurs ? memory : stored;
  }

  /** The one place that changes what memory holds. An older look at a record never replaces a newer one. */
  #settle(record: CredentialRecord): CredentialRecord {
    const key = credentialKey(record.id);
    const before = this.#entries.get(key);
    if (before && before.record.saves > record.saves) return before.record;
    const to = stateOf(record, this.#deps.time.now());
    const from = before?.state ?? 'missing';
    this.#entries.set(key, { record, state: to });
    if (from !== to) this.#deps.events.emit({ type: 'credential.state', id: record.id, from, to });
    return record;
  }

  #serve(target: Target, record: CredentialRecord): ServedCredential {
    const now = this.#deps.time.now();
    const { current } = record;
    if (current === null || mustRefresh(record, now)) throw unavailable(record, now);
    const expiresInMs = honestRemaining(record, target.chain.policy, now);
    const state = suspect(record, now) ? 'suspect' : now >= record.refreshAt ? 'due' : 'fresh';
    return {
      id: record.id,
      value: current.value,
      fingerprint: current.fingerprint,
      generation: record.generation,
      issuedAt: current.issuedAt,
      expiresAt: now + expiresInMs,
      expiresInMs,
      state,
    };
  }

  #refreshInBackground(target: Target, record: CredentialRecord, now: number): void {
    if (!backingOff(record, target.account.secretRevision, now)) this.#inBackground(this.#refresh(target, 'scheduled'));
  }

  /** Nobody waits for it; its failures are in the record and the events. */
  #inBackground(work: Promise<unknown>): void {
    work.catch((error: unknown) => {
      if (!(error instanceof ZhongkongError)) this.#deps.events.emit({ type: 'internal.error', during: 'refresh', cause: error });
    });
  }

  #refresh(target: Target, reason: IssueReason, claimed: Held | null = null): Promise<CredentialRecord> {
    const key = credentialKey(target.id);
    const running = this.#flights.get(key);
    if (running && claimed) {
      // Claimed while a flight of ours waits for this very lease: give it back, the flight does the work.
      return this.#deps.credentials.release(claimed.lease).then(() => running);
    }
    return this.#flights.run(key, () => this.#underLease(target, claimed, (session) => this.#doWork(session, reason)));
  }

  #verify(target: Target): Promise<ReportResult> {
    return this.#reports.run(credentialKey(target.id), async () => {
      const { settings } = this.#deps;
      const reported = (await this.#load(target.id)).current?.value ?? null;
      let result: Omit<ReportResult, 'credential'> = { outcome: 'unverified' };
      const record = await this.#underLease(target, null, async (session) => {
        result = await verifyReport(session, reported, settings.reportCooldownMs);
      });
      if (result.outcome === 'superseded') return { ...result, credential: null };
      return { ...result, credential: this.#serve(target, record) };
    });
  }

  /** What the record wants now, most urgent first. */
  async #doWork(session: RefreshSession, reason: IssueReason): Promise<void> {
    const { now } = session;
    const { leak, probeAt } = session.record;
    if (!session.target.account.enabled) return;
    if (reason === 'ordered') {
      await session.ask('ordered', session.target.chain.forcible);
    } else if (leak && leak.finishedAt === null && now >= leak.nextAt) {
      await stepLeak(session);
    } else if (shouldRefresh(session.record, now)) {
      if (backingOff(session.record, session.target.account.secretRevision, now)) return;
      const why = mustRefresh(session.record, now) ? 'missing' : suspect(session.record, now) ? 'suspect' : reason;
      const asked = await session.ask(why);
      // In doubt and upstream gives nothing: at least learn whether the current still works.
      if (asked === 'failed' && suspect(session.record, session.now)) await session.probe();
    } else if (probeAt !== null && now >= probeAt) {
      if ((await session.probe()) === 'dead') await session.ask('suspect', session.target.chain.forcible);
    }
  }

  /** Run `work` under the lease and store what it made; another holder's commit counts as ours when it satisfies. */
  async #underLease(target: Target, claimed: Held | null, work: (session: RefreshSession) => Promise<void>): Promise<CredentialRecord> {
    const { events, time } = this.#deps;
    let acquired = claimed;
    let isRaced = false;
    for (let races = 0; ; races += 1) {
      const { lease, stored, leaseEndsAt } = acquired ?? (await this.#acquire(target.id));
      acquired = null;
      if (lease.takenOver) events.emit({ type: 'lease.taken_over', id: target.id, fence: lease.fence });
      const reread = this.#newest(this.#decode(stored));
      const record = isRaced ? raced(reread, time.now()) : reread;
      const session = new RefreshSession(this.#deps, target, record, lease, leaseEndsAt);
      try {
        await work(session);
        await session.save({ release: true });
        return this.#settle(session.record);
      } catch (error) {
        // WeChat gave a value that the store would not take: it is the truth all the same, so memory serves it.
        if (session.unsaved && !(error instanceof StaleLease)) return this.#settle(session.record);
        if (!(error instanceof StaleLease) || races >= MAX_RACES) {
          await session.release().catch(() => undefined);
          throw error;
        }
        isRaced = error.issued && target.chain.policy.type === 'rotate-with-grace';
        this.drop(target.id);
      }
    }
  }

  /** The lease, as soon as nobody else holds it. */
  async #acquire(id: CredentialId): Promise<Held> {
    const { credentials, clock, holder, settings } = this.#deps;
    for (;;) {
      const leaseEndsAt = clock.monotonic() + settings.leaseMs;
      const got = await credentials.acquire(id, holder, settings.leaseMs);
      if ('lease' in got) return { ...got, leaseEndsAt };
      await clock.sleep(HELD_POLL_MS);
    }
  }

  async #withDeadline<T>(work: Promise<T>, deadlineMs: number): Promise<T> {
    const late = this.#deps.clock.sleep(deadlineMs).then(() => {
      throw new ZhongkongError('deadline_exceeded', 'the refresh is still running', { retryAfterSeconds: 1 });
    });
    // Whichever loses must not become an unhandled rejection.
    work.catch(() => undefined);
    late.catch(() => undefined);
    return Promise.race([work, late]);
  }
}

function overBudget(waitMs: number): ZhongkongError {
  const retryAfterSeconds = Math.max(1, Math.ceil(waitMs / 1000));
  return new ZhongkongError('refresh_budget_exhausted', 'no issue is allowed now', { retryAfterSeconds });
}

/** Nothing usable, with WeChat's own words when it said some. */
function unavailable(record: CredentialRecord, now: number): ZhongkongError {
  const { failure } = record;
  if (failure === null) return overBudget(nextAttemptAt(record) - now);
  return new ZhongkongError('credential_unavailable', failure.message, {
    ...(failure.errcode === undefined ? {} : { errcode: failure.errcode, errmsg: failure.message }),
    ...(failure.rid === undefined ? {} : { rid: failure.rid }),
    retryAfterSeconds: Math.max(1, Math.ceil((failure.retryAt - now) / 1000)),
    advice: failure.advice,
  });
}
