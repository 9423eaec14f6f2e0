/**
 * What a holder may do to one credential under one lease: ask upstream for a value, probe the current one, save.
 *
 * Invariants: an intent is stored before every call that may kill the current; nothing is sent unless the lease
 * outlasts the upstream deadline on the monotonic clock; every new value is stored before anything else happens;
 * every save is conditional on the fence (`StaleLease` otherwise).
 */

import { backedOff } from './backoff.ts';
import { allowedAt, refund, spend } from './budget.ts';
import type { Clock } from './clock.ts';
import { encodeRecord } from './codec.ts';
import type { CredentialRecord } from './credential.ts';
import { ZhongkongError } from './errors.ts';
import type { CoreEvent, EventSink, IssueReason } from './events.ts';
import type { UpstreamFailure } from './failure.ts';
import { changedEarly } from './foreign-refresh.ts';
import type { Hash } from './hash.ts';
import type { IssueOutcome, ProbeVerdict, Target } from './kind.ts';
import type { KeeperSettings } from './keeper-settings.ts';
import { INTENT_LAG_MS, issueKillsCurrent } from './policy.ts';
import type { Random } from './random.ts';
import { nextAttemptAt, usable } from './schedule.ts';
import { type Seal, secretContext } from './seal.ts';
import type { CredentialStore, LeaseGrant } from './store.ts';
import { StaleLease } from './stale-lease.ts';
import type { Suspension } from './standing.ts';
import type { StoreTime } from './store-time.ts';
import { doubtFrom, failed, heldBack, issued, outcomeUnknown, probed, takenOver, withIntent, withoutIntent } from './transition.ts';
import { type Upstream, UpstreamError, type UpstreamReply, type UpstreamRequest, unreachableAdvice } from './upstream.ts';

export interface SessionDeps {
  readonly credentials: CredentialStore;
  readonly upstream: Upstream;
  readonly clock: Clock;
  readonly time: StoreTime;
  readonly random: Random;
  readonly hash: Hash;
  readonly seal: Seal;
  readonly events: EventSink;
  readonly settings: KeeperSettings;
  /** Before what is sealed for the store: finds out which key seals. */
  readonly beforeSealing?: () => Promise<void>;
  /** Why nothing may be issued now, as the store said last; null when it may. Default: it always may. */
  readonly suspended?: () => Suspension | null;
}

export type AskResult =
  /** A new value is committed. */
  | 'issued'
  /** Upstream gave the current value again. */
  | 'same'
  | 'failed'
  /** Nothing was sent: by the day's or minute's budget or the spacing of forced issues; by the store's standing. */
  | 'refused'
  | 'suspended'
  /** Nothing was sent: the lease would not have outlasted the call. */
  | 'lease_short';

/** Upstream's clock is this far from ours before it is worth saying. */
const SKEW_WORTH_SAYING_MS = 60_000;
/** Nothing usable and our own limits allow no issue: look again at least this often, somebody may have mended it. */
const LOOK_AGAIN_MS = 60_000;
/** A value that the store would not take is offered again this often, to the end of the lease. */
const SLOWEST_SAVE_MS = 1000;
/** A value that upstream calls expired this close to its own end has simply outlived it: clocks differ. */
const OWN_END_TOLERANCE_MS = 30_000;

export class RefreshSession {
  readonly target: Target;
  record: CredentialRecord;
  /**
   * Called after a new value entered the record and before it is stored: what has to be stored with it. Who sets this
   * goes on after the issue, under the lease; else the write that stores an issue gives the lease back as well.
   */
  onIssued: (() => void) | null = null;
  /** Called right before each write: what is heard of the store from then on may be later than it. */
  onSaving: () => void = () => undefined;
  readonly #deps: SessionDeps;
  readonly #lease: LeaseGrant;
  /** Monotonic instant at which the lease ends for us, counted from before it was asked for. */
  readonly #leaseEndsAt: number;
  /** An issue that kills was answered and its value is not stored yet. */
  #killed = false;
  #unsaved = false;
  #othersFrom = 0;
  #committed = false;
  #sent = false;
  #released = false;

  constructor(deps: SessionDeps, target: Target, record: CredentialRecord, lease: LeaseGrant, leaseEndsAt: number) {
    this.#deps = deps;
    this.target = target;
    this.#lease = lease;
    this.#leaseEndsAt = leaseEndsAt;
    const { policy, probe } = target.chain;
    const owed = lease.takenOver && probe !== null ? takenOver(record, policy, deps.time.now()) : record;
    this.record = owed;
    // An intent that nobody cleared: its holder died between sending and committing.
    if (owed.intent !== null) this.#countUnknown();
  }

  /** Store time, and never before the store's own word of when it gave the lease: what it calls due is due. */
  get now(): number {
    return Math.max(this.#deps.time.now(), this.#lease.until - this.#deps.settings.leaseMs);
  }

  tell(event: CoreEvent): void {
    this.#deps.events.emit(event);
  }

  /** Ask upstream for a value: the one gate that all issues come through. `forced` replaces a running one where upstream can; a lender is told that it is dead. */
  async ask(reason: IssueReason, forced = false): Promise<AskResult> {
    const { chain } = this.target;
    if (this.#deps.suspended?.()) return 'suspended';
    const allowed = allowedAt(this.record, chain.limits, reason, forced, this.now);
    if (allowed > this.now) return this.#refuse(reason, allowed);
    const slots = this.#secretSlots();
    for (const [index, slot] of slots.entries()) {
      const sent = await this.#askWith(slot, forced);
      if (sent === 'lease_short') return sent;
      const { outcome, ...when } = sent;
      if (outcome.ok) return this.#accept(outcome, { reason, forced, slot, fallback: index > 0, ...when });
      this.#settleFailure(outcome, forced);
      if (forced && outcome.answered && outcome.failure.class === 'rate-day') return this.#forcedUsedUp(reason);
      if (!outcome.answered || !chain.tryFallbackSecret(outcome.failure) || index === slots.length - 1) {
        this.#noteFailure(outcome.failure);
        const bothRefused = index > 0 && chain.tryFallbackSecret(outcome.failure);
        this.#noteSecret(slots[0] ?? 0, bothRefused || this.#fallbackTried());
        return 'failed';
      }
    }
    return 'failed';
  }

  /** Ask upstream whether the current value is accepted. A kind without a probe is always `unknown`. */
  async probe(): Promise<ProbeVerdict> {
    const { chain, id } = this.target;
    const { current } = this.record;
    if (chain.probe === null || current === null || !this.#leaseOutlastsCall()) return 'unknown';
    let verdict: ProbeVerdict = 'unknown';
    try {
      verdict = chain.probe.verdict(await this.#send(chain.probe.request(current.value)));
    } catch (error) {
      if (!(error instanceof UpstreamError)) throw error;
    }
    this.#deps.events.emit({ type: 'credential.probed', id, verdict });
    const { unknownOutcomes, probeAt } = this.record;
    // Dead before its time, and no issue of ours is in doubt.
    const early = verdict === 'dead' && unknownOutcomes === 0 && probeAt === null && usable(this.record, this.now + OWN_END_TOLERANCE_MS);
    if (early) this.noteForeign();
    this.record = probed(this.record, verdict, this.target.chain.policy, this.now);
    return verdict;
  }

  /** The current is dead or in doubt and asking did not help: nothing to do before `until`, but look in a minute. */
  holdBack(until: number): void {
    const { current } = this.record;
    // While it lives, our own limits can wait for its end at most: from there on upstream's word counts.
    const latest = usable(this.record, this.now) && current ? current.expiresAt : this.now + LOOK_AGAIN_MS;
    this.record = heldBack(this.record, Math.min(until, latest));
  }

  /** Somebody else made WeChat replace this credential. */
  noteForeign(): void {
    const fingerprint = this.record.current?.fingerprint ?? '';
    this.#deps.events.emit({ type: 'refresh.foreign', id: this.target.id, fingerprint });
    this.record = { ...this.record, foreignRefreshAt: this.now };
  }

  /** A new value that the store could not take: true until a save succeeds. */
  get unsaved(): boolean {
    return this.#unsaved;
  }

  /**
   * Others see in an unsaved value an issue whose answer was lost, and issue again from this instant on if its node dies;
   * store time.
   */
  get othersFrom(): number {
    return this.#othersFrom;
  }

  /** An issue left under this lease, whatever came of it. */
  get sent(): boolean {
    return this.#sent;
  }

  /** A new value was stored under this lease. */
  get committed(): boolean {
    return this.#committed;
  }

  /** The last save gave the lease back: nothing is to be done under it any more. */
  get released(): boolean {
    return this.#released;
  }

  /** Store the record as it is. Throws `StaleLease` when somebody holds a later lease. */
  async save(options: { readonly release: boolean }): Promise<void> {
    await this.#deps.beforeSealing?.();
    const record = { ...this.record, saves: this.record.saves + 1 };
    this.onSaving();
    const outcome = await this.#deps.credentials.write(
      this.#lease,
      {
        generation: record.generation,
        nextAttemptAt: this.target.account.enabled ? nextAttemptAt(record) : null,
        body: encodeRecord(record, this.#deps.seal),
      },
      options,
    );
    if (outcome === 'stale') {
      this.#deps.events.emit({ type: 'commit.stale', id: this.target.id, fence: this.#lease.fence });
      throw new StaleLease(this.#killed ? this.record : null);
    }
    this.record = record;
    this.#released = options.release;
    this.#committed ||= this.#unsaved;
    this.#unsaved = false;
    // Stored under our fence: whoever comes later has seen it.
    this.#killed = false;
  }

  /** A store that stumbles must not cost an issued value: try for as long as the lease lasts. */
  async #saveIssued(options: { readonly release: boolean }): Promise<void> {
    this.#unsaved = true;
    for (let waitMs = 50; ; waitMs = Math.min(waitMs * 2, SLOWEST_SAVE_MS)) {
      try {
        return await this.save(options);
      } catch (error) {
        const stumbled = error instanceof ZhongkongError && error.code === 'store_unavailable';
        if (!stumbled || this.#deps.clock.monotonic() + waitMs >= this.#leaseEndsAt) throw error;
        await this.#deps.clock.sleep(waitMs);
      }
    }
  }

  /** The secrets to try, in order: the one that worked last, then the other if its one trial is still open. */
  #secretSlots(): readonly number[] {
    const { account } = this.target;
    const { revision, slot, fallbackTried } = this.record.secret;
    const known = revision === account.secretRevision && slot < account.sealedSecrets.length;
    const first = known ? slot : 0;
    if (account.sealedSecrets.length < 2 || (known && fallbackTried)) return [first];
    return [first, 1 - first];
  }

  #fallbackTried(): boolean {
    const { revision, fallbackTried } = this.record.secret;
    return revision === this.target.account.secretRevision && fallbackTried;
  }

  #noteSecret(slot: number, fallbackTried: boolean): void {
    this.record = { ...this.record, secret: { revision: this.target.account.secretRevision, slot, fallbackTried } };
  }

  /** One call with one secret, intent first. */
  async #askWith(slot: number, forced: boolean) {
    const { chain, account } = this.target;
    const { seal, time, clock } = this.#deps;
    const sealed = account.sealedSecrets[slot];
    const secret = sealed === undefined ? '' : seal.open(sealed, secretContext(account.id));
    this.record = { ...this.record, counters: spend(this.record.counters, time.now(), forced) };
    if (this.#kills(forced)) {
      this.record = withIntent(this.record, time.now(), forced);
      await this.save({ release: false });
    }
    // Last look before sending: a process that was paused here must not send under a lease that others may hold.
    if (!this.#leaseOutlastsCall() || this.#intentIsOld()) {
      this.#deps.events.emit({ type: 'lease.lost', id: this.target.id, fence: this.#lease.fence });
      this.record = { ...withoutIntent(this.record), counters: refund(this.record.counters, forced) };
      return 'lease_short' as const;
    }
    const sentAt = time.now();
    const { uncertaintyMs } = time;
    const startedAt = clock.monotonic();
    this.#sent = true;
    const outcome = await this.#exchange(chain.issue({ appId: account.appId, secret, force: forced }));
    return { outcome, sentAt, uncertaintyMs, upstreamMs: Math.round(clock.monotonic() - startedAt) };
  }

  async #exchange(request: UpstreamRequest): Promise<IssueOutcome> {
    try {
      return this.target.chain.parseIssue(await this.#send(request));
    } catch (error) {
      if (!(error instanceof UpstreamError)) throw error;
      return {
        ok: false,
        answered: error.delivery === 'never_left',
        failure: { class: 'transient', message: error.message, advice: unreachableAdvice(request.upstream) },
      };
    }
  }

  async #send(request: UpstreamRequest): Promise<UpstreamReply> {
    const { upstream, time, events, settings } = this.#deps;
    const reply = await upstream.send(request, settings.upstreamDeadlineMs);
    const skewMs = reply.dateMs === null ? 0 : reply.dateMs - time.now();
    if (Math.abs(skewMs) > SKEW_WORTH_SAYING_MS) events.emit({ type: 'clock.skewed', byMs: skewMs });
    return reply;
  }

  /** A value arrived: make it current, tell, store. */
  async #accept(
    outcome: { readonly value: string; readonly lifetimeMs: number },
    how: { reason: IssueReason } & Record<'forced' | 'fallback', boolean> &
      Record<'slot' | 'sentAt' | 'uncertaintyMs' | 'upstreamMs', number>,
  ): Promise<'issued' | 'same'> {
    const { hash, random, events } = this.#deps;
    const { id, chain } = this.target;
    const before = this.record;
    const fingerprint = hash.fingerprint(outcome.value);
    this.record = issued(before, chain.policy, {
      value: outcome.value,
      fingerprint,
      sentAt: how.sentAt,
      // As uncertain as `sentAt` was, whatever was measured since.
      lifetimeMs: outcome.lifetimeMs - how.uncertaintyMs,
      forced: how.forced,
      unit: random.unit(),
    });
    if (how.fallback) events.emit({ type: 'secret.fallback', id, slot: how.slot });
    this.#noteSecret(how.slot, false);
    if (before.failure) events.emit({ type: 'refresh.recovered', id, after: before.failure.class });
    if (this.record.generation === before.generation) return 'same';
    this.#killed = this.#kills(how.forced);
    // With nothing usable before it, whoever takes the lease over issues at once.
    const doubtedFrom = doubtFrom(before, chain.policy, { at: how.sentAt, forced: how.forced && chain.forcible });
    this.#othersFrom = usable(before, how.sentAt) ? doubtedFrom : how.sentAt;
    if (!how.forced && changedEarly(before, chain.policy, how.sentAt)) this.noteForeign();
    this.onIssued?.();
    await this.#saveIssued({ release: this.onIssued === null });
    events.emit({
      type: 'credential.committed',
      id,
      generation: this.record.generation,
      fingerprint,
      reason: how.reason,
      expiresAt: this.record.current?.expiresAt ?? 0,
      upstreamMs: how.upstreamMs,
    });
    return 'issued';
  }

  #kills(forced: boolean): boolean {
    const { policy, forcible } = this.target.chain;
    return issueKillsCurrent(policy, forced && forcible);
  }

  /** Clear the intent of a call that certainly issued nothing; count the others. */
  #settleFailure(outcome: { readonly answered: boolean }, forced: boolean): void {
    if (outcome.answered) {
      this.record = { ...withoutIntent(this.record), counters: refund(this.record.counters, forced) };
      return;
    }
    if (this.record.intent !== null) this.#countUnknown();
  }

  #countUnknown(): void {
    this.record = outcomeUnknown(this.record, this.target.chain.policy);
    this.#deps.events.emit({ type: 'refresh.outcome_unknown', id: this.target.id, count: this.record.unknownOutcomes });
  }

  /** Our own limits say no. Reports, orders and leak steps are told so; what is due by itself has to wait. */
  #refuse(reason: IssueReason, until: number): 'refused' {
    const { events, random } = this.#deps;
    events.emit({ type: 'refresh.budget_exhausted', id: this.target.id, reason });
    // Not everybody at the very start of a day or minute.
    const spread = random.unit() * Math.min(60_000, until - this.now);
    if (reason === 'scheduled' || reason === 'missing' || reason === 'suspect') this.holdBack(Math.ceil(until + spread));
    return 'refused';
  }

  /** Upstream has counted more forced issues than we have. The unforced way stays open, so this is no failure. */
  #forcedUsedUp(reason: IssueReason): 'refused' {
    const { limits } = this.target.chain;
    this.record = { ...this.record, counters: { ...this.record.counters, forcedToday: limits.forcedPerDay } };
    return this.#refuse(reason, allowedAt(this.record, limits, reason, true, this.now));
  }

  #noteFailure(upstream: UpstreamFailure): void {
    const { random, events } = this.#deps;
    const failure = backedOff(upstream, this.record.failure, this.now, random.unit());
    this.record = failed(this.record, failure);
    events.emit({ type: 'refresh.failed', id: this.target.id, failure });
  }

  /** Stored so late that what others were told since would not hold. */
  #intentIsOld(): boolean {
    const { intent } = this.record;
    return intent !== null && this.now - intent.at > INTENT_LAG_MS;
  }

  #leaseOutlastsCall(): boolean {
    return this.#deps.clock.monotonic() + this.#deps.settings.upstreamDeadlineMs < this.#leaseEndsAt;
  }
}
