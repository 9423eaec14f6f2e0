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
 * A refresh, in order: join the flight in this process → lease, or wait for the other holder's commit (`lease.ts`) →
 * re-read under the lease → intent → last look at the lease → issue → commit under the fence (`session.ts`).
 * What is done under a lease, and when, is in `due-work.ts`, `report.ts` and `leak.ts`.
 */

import { allowedAt } from './budget.ts';
import { type CredentialId, type CredentialRecord, credentialKey, type ServedCredential } from './credential.ts';
import { within } from './deadline.ts';
import { doWhatIsDue } from './due-work.ts';
import { ZhongkongError } from './errors.ts';
import type { IssueReason } from './events.ts';
import type { Target } from './kind.ts';
import { startLeak, stepLeak } from './leak.ts';
import { RecordMemory } from './memory.ts';
import { cooldownOf, type ReportResult, verifyReport } from './report.ts';
import { asOthersPlan, backingOff, coolingMs, honestRemaining, mustRefresh, outlived, shouldRefresh, suspect, usable } from './schedule.ts';
import type { SessionDeps } from './session.ts';
import { SingleFlight } from './single-flight.ts';
import { type Suspension, suspendedError } from './standing.ts';
import type { Acquired } from './store.ts';
import { overBudget, unavailable, unconfirmed } from './unavailable.ts';
import { type Held, LeaseRunner } from './lease-runner.ts';
import { issueKillsCurrent } from './policy.ts';

export interface KeeperDeps extends SessionDeps {
  /** Names this process in leases; unique per process start. */
  readonly holder: string;
  /**
   * The host freezes after each answer, so a read starts no refresh that nobody waits for: the due queue does them, and a
   * read itself once less than `LAST_MINUTE_MS` are left. Default: false.
   */
  readonly freezes?: boolean;
  /** Told of all work that nobody waits for, so that the host can stay awake for it (`waitUntil`). It never rejects. */
  readonly defer?: (work: Promise<void>) => void;
}

export interface ReadOptions {
  /** Wish for this much honest life, ms; makes a caller wait for a refresh only inside the refresh window. */
  readonly minTtlMs?: number;
  /** How long the caller may be kept waiting, ms. */
  readonly deadlineMs: number;
}

/** On a host that freezes: with less left than this a read makes the refresh itself. */
const LAST_MINUTE_MS = 60_000;
/** Work that failed by a fault of ours is not tried again before this: it would only spin. */
const FAULT_RETRY_MS = 60_000;

const LIVES_TO_ITS_END = {
  en: 'The platform lets values of this kind live to their own end, whatever is issued. Reset the AppSecret there.',
  zh: '该平台的此类凭据会一直有效到自然过期，重新签发也无法使其失效。请在平台侧重置 AppSecret。',
};

export class Keeper {
  readonly #deps: KeeperDeps;
  readonly #memory: RecordMemory;
  readonly #flights = new SingleFlight<CredentialRecord>();
  readonly #reports = new SingleFlight<ReportResult>();
  readonly #leases: LeaseRunner;
  #upToDateAt: number | null = null;

  constructor(deps: KeeperDeps) {
    const { leaseMs, upstreamDeadlineMs } = deps.settings;
    if (leaseMs <= upstreamDeadlineMs) throw new ZhongkongError('config_invalid', 'a lease must outlast the upstream deadline');
    this.#deps = deps;
    this.#memory = new RecordMemory(deps);
    this.#leases = new LeaseRunner(deps, this.#memory);
  }

  /** The credential when memory can answer at once, else null. Starts a background refresh when one is due. */
  peek(target: Target): ServedCredential | null {
    if (!target.account.enabled) return null;
    const record = this.#memory.known(target.id);
    const now = this.#deps.time.now();
    if (!record || !usable(record, now) || this.#isOutlived(target, record, now)) return null;
    if (this.#isLastMinute(target, record, now)) return null;
    if (shouldRefresh(record, now)) this.#refreshInBackground(target, record, now);
    return this.#serve(target, record);
  }

  /** The credential, waiting for an issue only when nothing usable exists. */
  async read(target: Target, options: ReadOptions): Promise<ServedCredential> {
    this.#assertEnabled(target);
    const remainingMs = this.#countdown(options.deadlineMs);
    const record = await this.#load(target.id, remainingMs());
    const now = this.#deps.time.now();
    const suspension = this.#suspension;
    if (suspension) {
      if (!usable(record, now) || this.#isOutlived(target, record, now)) throw suspendedError(suspension);
      return this.#serve(target, record);
    }
    if (usable(record, now)) {
      if (!shouldRefresh(record, now)) return this.#serve(target, record);
      this.#refreshInBackground(target, record, now);
      const isShort = honestRemaining(record, target.chain.policy, now) < (options.minTtlMs ?? 0);
      const wanting = isShort || this.#isLastMinute(target, record, now);
      if (!wanting || backingOff(record, target.account.secretRevision, now)) return this.#serve(target, record);
    } else if (backingOff(record, target.account.secretRevision, now)) {
      throw unavailable(record, now);
    }
    const refreshed = await within(this.#deps.clock, this.#refresh(target, 'missing'), remainingMs()).catch((error: unknown) => {
      if (usable(record, this.#deps.time.now())) return record;
      throw error;
    });
    return this.#serve(target, refreshed);
  }

  /** A caller says that WeChat rejected `value`: compare, cool down, verify, refresh. */
  async report(target: Target, value: string, deadlineMs: number): Promise<ReportResult> {
    this.#assertEnabled(target);
    const remainingMs = this.#countdown(deadlineMs);
    const result = await this.#judge(target, value, remainingMs);
    this.#deps.events.emit({ type: 'credential.reported', id: target.id, outcome: result.outcome });
    if (result.outcome !== 'superseded') return result;
    return { ...result, credential: await this.read(target, { deadlineMs: remainingMs() }) };
  }

  /** An operator orders a new value now. Throws `not_available` for values that are another keeper's. */
  async refresh(target: Target, deadlineMs: number): Promise<ServedCredential> {
    this.#assertEnabled(target);
    const { borrowed } = target.chain;
    if (borrowed) throw new ZhongkongError('not_available', 'only its lender issues a borrowed value', borrowed);
    this.#assertMayIssue();
    const { time, clock } = this.#deps;
    const remainingMs = this.#countdown(deadlineMs);
    const { generation } = await this.#load(target.id, remainingMs());
    const orderedAt = time.now();
    const record = await within(clock, this.#ordered(target, generation), remainingMs());
    if (record.generation > generation) return this.#serve(target, record);
    if (record.failure && record.failure.at >= orderedAt) throw unavailable(record, time.now());
    const { limits, forcible } = target.chain;
    const waitMs = allowedAt(record, limits, 'ordered', forcible, time.now()) - time.now();
    if (waitMs > 0) throw overBudget(waitMs);
    throw unconfirmed(record, time.now());
  }

  /**
   * Start the leak procedure, or join the one that runs. It goes on in the due queue, over crashes. Throws
   * `not_available` for kinds whose values no issue can end.
   */
  async revokeLeaked(target: Target, reason: string): Promise<CredentialRecord> {
    this.#assertEnabled(target);
    this.#assertMayIssue();
    const { policy, forcible, borrowed } = target.chain;
    if (!issueKillsCurrent(policy, forcible)) {
      throw new ZhongkongError('not_available', 'no issue ends a value of this kind', borrowed ?? { advice: LIVES_TO_ITS_END });
    }
    return this.#leases.run(target, null, {
      run: async (session) => {
        startLeak(session, reason);
        await stepLeak(session);
      },
      satisfiedBy: () => false,
    });
  }

  /** The record as stored, for status pages and operations; values included, so never send it anywhere whole. */
  async inspect(target: Target): Promise<CredentialRecord> {
    return this.#memory.load(target.id);
  }

  /** Do whatever a claimed credential wants: the due queue's work. */
  async work(target: Target, claimed: Acquired, leaseEndsAt: number): Promise<void> {
    const { credentials, time } = this.#deps;
    try {
      await this.#refresh(target, 'scheduled', { ...claimed, leaseEndsAt });
    } catch (error) {
      const isFault = !(error instanceof ZhongkongError) || error.code === 'internal' || error.code === 'unseal_failed';
      if (isFault) await credentials.schedule(target.id, time.now() + FAULT_RETRY_MS);
      throw error;
    }
  }

  /** The account changed: look at its credential anew. */
  async wake(target: Target): Promise<void> {
    const { credentials, time } = this.#deps;
    const schedule = (): Promise<void> => credentials.schedule(target.id, target.account.enabled ? time.now() : null);
    await schedule();
    this.drop(target.id);
    // Whoever holds the lease now will save by the account as it was: say it again when that has landed.
    if (target.account.revision > 1) this.#inBackground(this.#leases.afterHolder(target, schedule));
  }

  /** What memory knows of a credential may be behind: somebody else changed it. */
  drop(id: CredentialId): void {
    this.#memory.drop(id);
  }

  dropAll(): void {
    this.#memory.dropAll();
  }

  /** Every change that others stored before `at` (store time) was dropped. Without it memory counts as always current. */
  upToDate(at: number): void {
    this.#upToDateAt = at;
  }

  /** Everything in the air has ended. Who waits for another node's lease gives up; nothing new starts by itself. */
  async drain(): Promise<void> {
    await this.#leases.drain();
    await Promise.all([this.#flights.drain(), this.#reports.drain()]);
  }

  #assertEnabled(target: Target): void {
    if (!target.account.enabled) throw new ZhongkongError('account_disabled', 'the account is disabled');
  }

  get #suspension(): Suspension | null {
    return this.#deps.suspended?.() ?? null;
  }

  #assertMayIssue(): void {
    const suspension = this.#suspension;
    if (suspension) throw suspendedError(suspension);
  }

  /** Another store keeps it, and has replaced it for so long that it is dead: it must not be handed out. */
  #isOutlived(target: Target, record: CredentialRecord, now: number): boolean {
    if (!this.#suspension?.elsewhere) return false;
    return outlived(record, target.chain.policy, now, this.#memory.knownUpTo(record.id, this.#upToDateAt ?? now));
  }

  /** What is left of a caller's patience, ms. */
  #countdown(deadlineMs: number): () => number {
    const { clock } = this.#deps;
    const endsAt = clock.monotonic() + deadlineMs;
    return () => Math.max(0, endsAt - clock.monotonic());
  }

  /** A store that does not answer in time is as good as away: then the last look serves. */
  async #load(id: CredentialId, deadlineMs: number): Promise<CredentialRecord> {
    const { clock, time } = this.#deps;
    const known = this.#memory.known(id);
    if (known && usable(known, time.now())) return known;
    return within(clock, this.#memory.load(id), deadlineMs).catch((error: unknown) => {
      const last = this.#memory.lastResort(id);
      if (last) return last;
      throw error;
    });
  }

  #serve(target: Target, record: CredentialRecord): ServedCredential {
    const { time } = this.#deps;
    const now = time.now();
    const { current } = record;
    if (current === null || mustRefresh(record, now)) throw unavailable(record, now);
    const knownAt = this.#memory.knownUpTo(record.id, this.#upToDateAt ?? now);
    const { policy } = target.chain;
    const othersFrom = this.#memory.othersFrom(record.id);
    const told = othersFrom === null ? record : asOthersPlan(record, othersFrom);
    const expiresInMs = Math.max(0, honestRemaining(told, policy, now, knownAt) - time.uncertaintyMs);
    const inDoubt = suspect(record, now) || this.#memory.isLastResort(record.id);
    const state = inDoubt ? 'suspect' : now >= record.refreshAt ? 'due' : 'fresh';
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

  /** Nobody will refresh it in the background, and soon nobody can in time. */
  #isLastMinute(target: Target, record: CredentialRecord, now: number): boolean {
    if (!this.#deps.freezes || record.current === null || this.#suspension || this.#memory.inTrouble) return false;
    const isEnding = record.current.expiresAt - now < LAST_MINUTE_MS && shouldRefresh(record, now);
    return isEnding && !backingOff(record, target.account.secretRevision, now);
  }

  #refreshInBackground(target: Target, record: CredentialRecord, now: number): void {
    if (
      this.#deps.freezes ||
      this.#suspension ||
      this.#flights.get(credentialKey(target.id)) ||
      backingOff(record, target.account.secretRevision, now)
    )
      return;
    if (!this.#leases.draining && !this.#memory.inTrouble) this.#inBackground(this.#refresh(target, 'scheduled'));
  }

  /** Nobody waits for it; its failures are in the record and the events. */
  #inBackground(work: Promise<unknown>): void {
    const { events, defer } = this.#deps;
    const settled = work.then(
      () => undefined,
      (error: unknown) => {
        if (!(error instanceof ZhongkongError)) events.emit({ type: 'internal.error', during: 'refresh', cause: error });
      },
    );
    defer?.(settled);
  }

  #refresh(target: Target, reason: IssueReason, claimed: Held | null = null): Promise<CredentialRecord> {
    const key = credentialKey(target.id);
    const { generation } = this.#memory.last(target.id) ?? { generation: 0 };
    const start = (): Promise<CredentialRecord> => {
      let why = reason;
      return this.#leases.run(target, claimed, {
        run: async (session) => {
          await doWhatIsDue(session, why).finally(() => {
            // An order is one issue: when its answer is lost, or it loses a race, the rules decide what comes next.
            if (session.sent && why === 'ordered') why = 'scheduled';
          });
        },
        satisfiedBy: (record) => record.generation > generation && !shouldRefresh(record, this.#deps.time.now()),
      });
    };
    // Claimed while a flight of ours waits for this very lease: the claim holds it, so it does the work.
    return claimed && this.#flights.get(key) ? start() : this.#flights.run(key, start);
  }

  async #ordered(target: Target, generation: number): Promise<CredentialRecord> {
    for (;;) {
      const running = this.#flights.get(credentialKey(target.id));
      if (!running) return this.#refresh(target, 'ordered');
      const landed = await running.catch(() => undefined);
      if (landed && landed.generation > generation) return landed;
    }
  }

  /** What to make of a reported value; the credential of a superseded one is read by the caller. */
  async #judge(target: Target, value: string, remainingMs: () => number): Promise<ReportResult> {
    const { clock, hash, time, settings } = this.#deps;
    const is = (known: { readonly value: string } | null): boolean => known !== null && hash.equal(known.value, value);
    let record = await this.#load(target.id, remainingMs());
    // A value that memory has never seen may be another node's newer one.
    if (!is(record.current) && !is(record.previous)) {
      record = await within(clock, this.#memory.reload(target.id), remainingMs()).catch(() => record);
    }
    const { current, previous } = record;
    const now = time.now();
    const coolMs = coolingMs(record, cooldownOf(target.chain, settings), now);
    if (current === null || !usable(record, now) || !is(current)) {
      const rejectedInGrace = previous !== null && now < previous.diesAt && is(previous);
      // The previous should still work: if it does not, the current may be dead as well. One look, in the background.
      if (current && rejectedInGrace && coolMs <= 0 && target.chain.probe) this.#inBackground(this.#verify(target, current.value));
      return { outcome: 'superseded', credential: null };
    }
    if (coolMs > 0) return { outcome: 'cooling_down', retryAfterMs: coolMs, credential: this.#serve(target, record) };
    // A look at it needs its lease.
    const { reportCooldownMs } = settings;
    if (this.#suspension?.leases === false) {
      return { outcome: 'unverified', retryAfterMs: reportCooldownMs, credential: this.#serve(target, record) };
    }
    // Joined by everybody who reports this credential meanwhile, here; other nodes meet at the lease.
    return within(clock, this.#verify(target, value), remainingMs());
  }

  #verify(target: Target, reported: string): Promise<ReportResult> {
    const { settings, time } = this.#deps;
    return this.#reports.run(credentialKey(target.id), async () => {
      // What another holder's commit leaves: a value that is not the reported one.
      let result: Omit<ReportResult, 'credential'> = { outcome: 'superseded' };
      const record = await this.#leases.run(target, null, {
        run: async (session) => {
          result = await verifyReport(session, reported, cooldownOf(target.chain, settings));
        },
        satisfiedBy: ({ current }) => current !== null && current.value !== reported,
      });
      if (result.outcome === 'superseded') return { ...result, credential: null };
      return { ...result, credential: usable(record, time.now()) ? this.#serve(target, record) : null };
    });
  }
}
