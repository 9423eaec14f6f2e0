/**
 * The promises of the product as code: looks at every issue, every write, every value handed out, and names what must
 * not be.
 *
 * Whether a dead token is excused depends on who killed it and whether that issue was ever committed, which may turn out
 * later: such cases are noted when they happen and judged at the end. An excuse is narrow, has a name and is counted.
 *
 * Length: the rules share the notes of one run, and are read against each other.
 */

import { decodeRecord } from '../src/core/codec.ts';
import type { CredentialRecord, ServedCredential } from '../src/core/credential.ts';
import type { CoreEvent } from '../src/core/events.ts';
import type { Target } from '../src/core/kind.ts';
import type { CredentialWrite, LeaseGrant } from '../src/core/store.ts';
import { nextBeijingMidnight } from '../src/core/backoff.ts';
import type { Row } from '../src/stores/memory/state.ts';
import { type Health, PENALTY_MS } from './health.ts';
import { UPSTREAM_DEADLINE_MS } from './node.ts';
import { plainHash, plainSeal } from './plain-ports.ts';
import type { Process } from './process.ts';
import { BudgetRules } from './budget-rules.ts';
import { type Doubt, Doubts } from './doubts.ts';
import type { Rule, Violation } from './rules.ts';
import type { Trace } from './trace.ts';
import { GRACE_MS, type Issue, type Token, type Wechat } from './wechat.ts';

export interface RefereeDeps {
  readonly now: () => number;
  readonly storeNow: () => number;
  readonly row: (target: Target) => Row | undefined;
  readonly target: (account: string) => Target | undefined;
  readonly wechat: Wechat;
  readonly health: Health;
  /** Nobody tells that its values are refused. */
  readonly silent: (account: string) => boolean;
  /** Whether this holder may be at a report, an order or the leak procedure. */
  readonly working: (holder: string, account: string) => boolean;
  readonly trace: Trace;
  /** When the store's clock was set, virtual ms. */
  readonly clockSetAt: readonly number[];
}

/** Unimpaired time in which a credential can always be made: a lease to run out, a backoff, and the work. */
const ENOUGH_MS = 150_000;
/** What was sent this shortly before the end of a run may still be on its way into the store. */
const STILL_IN_AIR_MS = 60_000;
/** A stored value that was invalidated unseen: the looks after a takeover come every minute once the grace is over. */
const FOUND_OUT_MS = 95_000;
/** For so long after an issue under a lease that was taken over its value is looked at. */
const LOOKED_AFTER_MS = 600_000;
/** The longest life of a token, and so of a plan that was made by the clock of before. */
const PLAN_MS = 7_200_000 + GRACE_MS;
/** A cool-down, a backoff, and one more report. */
const HEALED_MS = 90_000;
/** Without a probe a report is believed once in so long. */
const UNPROBED_COOLS_MS = 600_000 + HEALED_MS;
/** Whole milliseconds, and the drift since the last measurement. */
const CLOCK_SLACK_MS = 5;
/** Of a node, and what comes after it. */
const LONGEST_PAUSE_MS = 2_000_000;
/** Reads that were on their way when a lost answer was counted. */
const JUST_COUNTED_MS = 2000;
/** So far two clocks may be apart with a slow store between them. */
const LAST_MOMENT_MS = 5000;
const SECRETS = /(tok|secret)-a\d/;
const NEVER = Number.NEGATIVE_INFINITY;

export class Referee {
  readonly violations: Violation[] = [];
  readonly excused = new Map<string, number>();
  readonly lateSends: { readonly issue: Issue; readonly token: Token; foundBy: string | null }[] = [];
  issues = 0;
  commits = 0;
  reads = 0;
  refusedReads = 0;
  failedReads = 0;
  readonly #deps: RefereeDeps;
  readonly #decoded = new Map<string, { readonly body: string; readonly record: CredentialRecord }>();
  readonly #doubts = new Doubts();
  readonly #budgets: BudgetRules;
  readonly #sent: Issue[] = [];
  readonly #tokenOf = new Map<string, Token>();
  readonly #generations = new Map<string, { generation: number; fence: number; value: string | null; changedAt: number; diedAt: number }>();
  readonly #invalidSince = new Map<string, number>();
  readonly #disabledAt = new Map<string, number>();
  readonly #leaks = new Map<string, { readonly value: string; readonly at: number }>();
  readonly #removedAt = new Map<string, number>();
  readonly #createdAt = new Map<string, number>();
  /** When an account was last changed. */
  readonly #changedAt = new Map<string, number>();
  /** When a lost answer was last counted. */
  readonly #lostAt = new Map<string, number>();

  constructor(deps: RefereeDeps) {
    this.#deps = deps;
    this.#budgets = new BudgetRules(deps.storeNow, (rule, account, text) => {
      // Days and spacings are counted by the store's clock.
      const at = deps.now();
      if (!deps.clockSetAt.some((setAt) => at - setAt < PLAN_MS)) this.violated(rule, account, text);
    });
  }

  violated(rule: Rule, account: string, text: string, at = this.#deps.now()): void {
    // The first of its kind tells the story; the rest are its consequences.
    const seen = this.violations.some((one) => one.rule === rule && one.account === account);
    if (!seen) this.violations.push({ rule, at, account, text });
    if (!seen && this.#deps.trace.on) this.#deps.trace.line('REFEREE', `${rule} · ${account} · ${text}`);
  }

  excuse(why: string): void {
    this.excused.set(why, (this.excused.get(why) ?? 0) + 1);
  }

  record(account: string): CredentialRecord | null {
    const target = this.#deps.target(account);
    const row = target && this.#deps.row(target);
    if (!row?.body) return null;
    const known = this.#decoded.get(account);
    if (known?.body === row.body) return known.record;
    const record = decodeRecord(row.id, row.body, plainSeal);
    this.#decoded.set(account, { body: row.body, record });
    return record;
  }

  /** A request for a token is about to leave. */
  sending(issue: Issue, target: Target, leaseUntil: number | undefined): void {
    const { now, storeNow, trace } = this.#deps;
    this.issues += 1;
    this.#sent.push(issue);
    if (trace.on) trace.line(`#${issue.by}`, `asks for ${issue.account}${issue.forced ? ', forced' : ''}${issue.late ? ', LATE' : ''}`);
    if (leaseUntil === undefined || now() + UPSTREAM_DEADLINE_MS > leaseUntil + 50) {
      const left = leaseUntil === undefined ? 'no lease' : `${Math.round(leaseUntil - now())} ms of lease left`;
      this.violated('one writer: sent under a lease that outlasts the call', issue.account, left);
    }
    this.#budgets.sending(issue);
    const record = this.record(issue.account);
    if (!record?.current || issue.elective || this.#clockWasSet(this.#deps.wechat.tokens.get(record.current.value))) return;
    const kills = issue.forced || target.chain.policy.type === 'rotate-with-grace';
    const at = storeNow();
    const wanted = record.dead || record.suspectFrom !== null || at >= record.refreshAt - 1500 || at >= record.current.expiresAt - 1500;
    // Without a fault a value is replaced when its plan says so, not before.
    if (kills && !wanted)
      this.violated('one writer: issued before its time', issue.account, `${Math.round(record.refreshAt - at)} ms too early`);
  }

  /** WeChat made a token for us. */
  made(token: Token, target: Target): void {
    const { issue } = token;
    this.#tokenOf.set(`${token.account} ${plainHash.fingerprint(token.value)}`, token);
    if (this.#deps.trace.on)
      this.#deps.trace.line('WECHAT', `makes ${token.value} for ${issue.by === null ? 'somebody else' : `#${issue.by}`}`);
    if (issue.late) this.lateSends.push({ issue, token, foundBy: null });
    if (issue.by === null) return;
    const record = this.record(token.account);
    const usable = record?.current && !record.dead && this.#deps.storeNow() < record.current.expiresAt - 1000;
    this.#budgets.made(issue, target.chain.limits, Boolean(usable));
  }

  /** A token's end was moved to before its own expiry. */
  died(token: Token, by: Issue | 'revoked'): void {
    if (by === 'revoked' || by.by === null) this.#doubts.fromOutside(token.account, this.#deps.now());
    if (this.#deps.trace.on) {
      const who = by === 'revoked' ? 'revoked' : by.by === null ? 'by somebody else' : `by #${by.by}`;
      this.#deps.trace.line('WECHAT', `ends ${token.value} in ${Math.round((token.diesAt - this.#deps.now()) / 1000)} s, ${who}`);
    }
    if (token.toldUntil > token.diesAt + CLOCK_SLACK_MS) this.#dishonest(token, token.toldBy, Number.NEGATIVE_INFINITY, false);
  }

  /** A caller got a value from a process, which knew of all changes up to `knownAt` when it was asked. */
  served(process: Process, account: string, served: ServedCredential, knownAt: number): Token | null {
    const { now, wechat, trace } = this.#deps;
    this.reads += 1;
    const token = wechat.tokens.get(served.value);
    if (!token) {
      this.violated('no gap: handed out a dead token', account, 'a value that WeChat never made');
      return null;
    }
    const at = now();
    const cutOff = process.storeFailedAt >= knownAt - 1000 || at - knownAt > 15_000;
    const disabledAt = this.#disabledAt.get(account);
    if (disabledAt !== undefined && knownAt > disabledAt && !cutOff) {
      this.violated('takes effect: disabled, but served', account, `${Math.round(at - disabledAt)} ms later by ${process.name}`);
    }
    const errcode = wechat.check(served.value);
    if (errcode !== 0) {
      this.refusedReads += 1;
      token.toldMeasuredAt = Math.min(token.toldMeasuredAt, process.measuredAt);
      if (trace.on) trace.line(process.name, `hands out ${served.value}, which is dead (${errcode}), as ${served.state}`);
      if (served.expiresInMs === 0 && token.killer === null && at - token.expiresAt < LAST_MOMENT_MS)
        this.excuse('refused: its last moment, told to live 0 s by a clock that is not exact');
      else if (served.state === 'suspect') this.#inDoubt(token, cutOff, 'served as suspect');
      else if (this.#hasOldIntent(account) || this.#wasJustCounted(token, knownAt))
        this.#inDoubt(token, cutOff, 'a lost answer that nobody could count yet');
      else this.#doubt('no gap: handed out a dead token', token, knownAt, cutOff, `as ${served.state} by ${process.name}`);
      this.#mustBeHealed(token, served, cutOff);
      return token;
    }
    // What a node that is cut off hands out beyond the honest end is told to live ten seconds only.
    if (served.state === 'suspect' || (cutOff && served.expiresInMs <= 10_000)) return token;
    const until = at + served.expiresInMs;
    if (until > token.toldUntil) {
      token.toldUntil = until;
      token.toldMeasuredAt = process.measuredAt;
      if (trace.on) token.toldBy = `told by ${process.name} at ${Math.round(at)}`;
    }
    if (until > token.diesAt + CLOCK_SLACK_MS) this.#dishonest(token, `told by ${process.name} ${served.state}`, knownAt, cutOff);
    return token;
  }

  /** A read that got nothing, asked of a process that was well. */
  readFailed(account: string, code: string): void {
    this.failedReads += 1;
    const { now, health, trace } = this.#deps;
    if (trace.on) trace.line('CALLER', `gets no token of ${account}: ${code}`);
    const record = this.record(account);
    const token = record?.current ? this.#deps.wechat.tokens.get(record.current.value) : undefined;
    const from =
      token === undefined
        ? Math.max(this.#createdAt.get(account) ?? 0, this.#removedAt.get(account) ?? 0)
        : token.killer === null || (this.#deps.silent(account) && (token.killer === 'revoked' || token.killer.by === null))
          ? token.expiresAt - this.#windowMs(account)
          : token.diesAt;
    const good = health.longestGood(account, from, now());
    if (this.#clockWasSet(token)) return this.excuse('read failed: a clock was set');
    // After a lost answer the product waits for the end of its grace: asking earlier could kill what is alive.
    const counted = (this.#lostAt.get(account) ?? NEVER) + GRACE_MS >= from;
    const lost = counted || (record !== null && (record.intent !== null || record.unknownOutcomes > 0));
    if (good < ENOUGH_MS + (lost ? GRACE_MS : 0)) return this.excuse('read failed: no chance to issue');
    this.violated('no gap: a read failed', account, `${code}, although ${Math.round(good / 1000)} s were free of faults`);
  }

  /** When the stored value became another one, and when the store last learned that it was dead. */
  lastChange(target: Target): { readonly changedAt: number; readonly diedAt: number } {
    return this.#generations.get(`${target.id.account} ${target.id.chain}`) ?? { changedAt: NEVER, diedAt: NEVER };
  }

  /** The core says something. */
  event(process: Process, event: CoreEvent): void {
    const { trace, health, now, storeNow } = this.#deps;
    if (trace.on && event.type !== 'credential.state') {
      const { type, ...rest } = event;
      trace.line(process.name, `${type} ${JSON.stringify(rest)}`);
    }
    if (event.type === 'internal.error') {
      this.violated('internal error', '', `${event.during}: ${String((event.cause as Error)?.stack ?? event.cause)}`);
      return;
    }
    if (SECRETS.test(JSON.stringify(event))) this.violated('secrets: a plain secret was written or said', '', event.type);
    if (event.type === 'credential.committed') {
      this.commits += 1;
      const token = this.#tokenOf.get(`${event.id.account} ${event.fingerprint}`);
      if (token?.issue.by === process.number) {
        token.issue.reason ??= event.reason;
        const limits = this.#deps.target(token.account)?.chain.limits;
        if (limits) this.#budgets.committed(token.issue, limits, event.reason);
      }
    } else if (event.type === 'refresh.failed') {
      const { class: why } = event.failure;
      const midnight = nextBeijingMidnight(storeNow()) - storeNow() + 200_000;
      const usedUp = why === 'rate-day' && this.#deps.wechat.isUsedUp(event.id.account);
      health.impair(event.id.account, now() + (usedUp ? midnight : PENALTY_MS[why]));
    } else if (event.type === 'refresh.budget_exhausted') {
      // It may have to wait for the end of the current: then everything has to go well at once.
      const { current } = this.record(event.id.account) ?? { current: null };
      health.impair(event.id.account, now() + Math.max(0, (current?.expiresAt ?? 0) - storeNow()) + 2 * ENOUGH_MS);
    }
    if (event.type === 'refresh.outcome_unknown') this.#lostAt.set(event.id.account, now());
    if (event.type === 'commit.stale') this.#doubts.raced(event.id.account, now());
    if (
      event.type === 'commit.stale' ||
      (event.type === 'credential.probed' && event.verdict === 'dead') ||
      event.type === 'refresh.foreign'
    ) {
      for (const late of this.lateSends) if (late.issue.account === event.id.account) late.foundBy ??= event.type;
    }
  }

  /** The store changed a credential. `fence` is the row's. */
  wrote(lease: LeaseGrant, next: CredentialWrite, row: Row | undefined): void {
    const { now, trace } = this.#deps;
    const { account } = lease.id;
    const key = `${account} ${lease.id.chain}`;
    if (SECRETS.test(next.body)) this.violated('secrets: a plain secret was written or said', account, 'in a record');
    if (row && lease.fence < (this.#generations.get(key)?.fence ?? 0)) {
      this.violated('one writer: wrote under an old lease', account, `fence ${lease.fence} after ${this.#generations.get(key)?.fence}`);
    }
    const record = decodeRecord(lease.id, next.body, plainSeal);
    const value = record.current?.value ?? null;
    const before = this.#generations.get(key);
    if (before && next.generation < before.generation) {
      this.violated('nothing lost: generation went back', account, `${before.generation} → ${next.generation}`);
    }
    if (before && next.generation === before.generation && value !== before.value) {
      this.violated('nothing lost: a committed value was replaced by an older one', account, `${before.value} → ${value}`);
    }
    const changedAt = before?.value === value ? before.changedAt : now();
    const diedAt = record.dead ? now() : (before?.diedAt ?? NEVER);
    const { tokens } = this.#deps.wechat;
    const gone = record.dead ? value : before?.value === value ? null : (before?.value ?? null);
    const goneToken = gone === null ? undefined : tokens.get(gone);
    if (goneToken) goneToken.goneAt ??= now();
    this.#generations.set(key, { generation: next.generation, fence: Math.max(before?.fence ?? 0, lease.fence), value, changedAt, diedAt });
    const token = value === null ? undefined : tokens.get(value);
    if (token) token.issue.landedAt ??= now();
    if (trace.on && (!before || before.value !== value)) trace.line('STORE', `${account} generation ${next.generation} = ${value}`);
    if (record.intent && this.#deps.working(lease.holder, account)) this.#doubts.electiveIntent(account, now());
    const { leak } = record;
    const leaked = this.#leaks.get(account);
    if (leak && leak.finishedAt !== null && leaked && leak.startedAt >= leaked.at - 1000) {
      this.#leaks.delete(account);
      const { policy } = this.#deps.target(account)?.chain ?? {};
      const revocable = policy?.type === 'rotate-with-grace' || policy?.type === 'stable-window';
      if (revocable && this.#deps.wechat.check(leaked.value) === 0)
        this.violated('leak: the leaked value still works', account, leaked.value);
    }
  }

  granted(lease: LeaseGrant): void {
    const key = `${lease.id.account} ${lease.id.chain}`;
    const before = this.#generations.get(key);
    if (before && lease.fence <= before.fence) this.violated('fence: did not grow', lease.id.account, `${before.fence} → ${lease.fence}`);
    if (before) before.fence = Math.max(before.fence, lease.fence);
    else this.#generations.set(key, { generation: 0, fence: lease.fence, value: null, changedAt: this.#deps.now(), diedAt: NEVER });
  }

  /** An account's credentials were removed: a new one of that name starts anew, under a higher fence. */
  removed(account: string): void {
    this.#removedAt.set(account, this.#deps.now());
    for (const issue of this.#sent)
      if (issue.account === account && issue.landedAt === null) issue.lostBecause ??= 'its account was removed';
    for (const [key, one] of this.#generations) {
      if (key.startsWith(`${account} `)) this.#generations.set(key, { ...one, generation: 0, value: null, changedAt: this.#deps.now() });
    }
    this.#budgets.forget(account);
    this.#leaks.delete(account);
  }

  /** An account was changed in the store, whoever heard of it. */
  accountChanged(account: string): void {
    this.#changedAt.set(account, this.#deps.now());
  }

  /** An account is there from now on. */
  created(account: string): void {
    this.#createdAt.set(account, this.#deps.now());
    this.#disabledAt.delete(account);
  }

  disabled(account: string, isDisabled: boolean): void {
    if (isDisabled) this.#disabledAt.set(account, this.#deps.now());
    else this.#disabledAt.delete(account);
  }

  leakStarted(account: string): void {
    const record = this.record(account);
    const joins = record?.leak && record.leak.finishedAt === null;
    if (record?.current && !joins) this.#leaks.set(account, { value: record.current.value, at: this.#deps.storeNow() });
  }

  /** Looks at what is stored: an issue of ours that invalidated it must be found out soon. */
  audit(accounts: Iterable<string>): void {
    const { now, storeNow, wechat, health } = this.#deps;
    for (const account of accounts) {
      const record = this.record(account);
      const token = record?.current ? wechat.tokens.get(record.current.value) : undefined;
      const { killer } = token ?? { killer: null };
      const knows = record === null || record.dead || (record.suspectFrom !== null && record.suspectFrom <= storeNow());
      const isOurs = killer !== null && killer !== 'revoked' && killer.by !== null;
      // Looks end some time after a takeover; a request that is older than the call's own deadline is not sent in fact.
      const isTooLate = isOurs && killer.sentAt - killer.askedAt > LOOKED_AFTER_MS;
      if (!token || knows || !isOurs || isTooLate || now() < token.diesAt) {
        this.#invalidSince.delete(account);
        continue;
      }
      const since = this.#invalidSince.get(account);
      if (since === undefined) this.#invalidSince.set(account, token.diesAt);
      else if (health.longestGood(account, since, now()) > FOUND_OUT_MS) {
        this.#invalidSince.set(account, Number.POSITIVE_INFINITY);
        this.violated(
          'one writer: serves what a later issue invalidated',
          account,
          `${token.value}, dead for ${Math.round((now() - since) / 1000)} s`,
        );
      }
    }
  }

  /** All is over: judge what had to wait. */
  finish(): void {
    for (const { doubt, why, text } of this.#doubts.judged()) {
      if (why === null) this.violated(doubt.rule, doubt.token.account, text, doubt.at);
      else this.excuse(`${doubt.rule.startsWith('no gap') ? 'refused' : 'shortened'}: ${why}`);
    }
    for (const { issue } of this.#tokenOf.values()) {
      if (issue.by === null || issue.landedAt !== null || issue.sentAt > this.#deps.now() - STILL_IN_AIR_MS) continue;
      if (issue.lostBecause !== null) this.excuse(`issue lost: ${issue.lostBecause}`);
      else
        this.violated(
          'one writer: issued and lost without a fault',
          issue.account,
          `sent at ${Math.round(issue.sentAt)} by #${issue.by}`,
          issue.sentAt,
        );
    }
  }

  /** Something befell a process, or the store (null): whatever was in the air may be lost. */
  disturbed(process: Process | null, why: string): void {
    const { now } = this.#deps;
    for (let index = this.#sent.length - 1; index >= 0; index -= 1) {
      const issue = this.#sent[index] as Issue;
      if (issue.sentAt < now() - 40_000) break;
      if ((process === null || issue.by === process.number) && issue.landedAt === null) issue.lostBecause ??= why;
    }
  }

  #doubt(rule: Rule, token: Token, knownAt: number, cutOff: boolean, text: string): void {
    this.#doubts.add(this.#case(rule, token, text, knownAt, cutOff));
  }

  #case(rule: Rule, token: Token, text: string, knownAt: number, cutOff: boolean): Doubt {
    const removed = (this.#removedAt.get(token.account) ?? 0) > token.issue.sentAt;
    const at = this.#deps.now();
    // Later words of its life, by a clock that was measured since, are no part of this case.
    const clockWasSet = this.#clockWasSet(token, at);
    return { rule, token, killer: token.killer, at, text: `${token.value} ${text}`, knownAt, cutOff, removed, clockWasSet };
  }

  /** Its holder died or hangs, and no other node was well enough to take over before the grace was over. */
  #hasOldIntent(account: string): boolean {
    const intent = this.record(account)?.intent;
    return !!intent && this.#deps.storeNow() > intent.at + 270_000;
  }

  #dishonest(token: Token, text: string, knownAt: number, cutOff: boolean): void {
    const short = Math.round(token.toldUntil - token.diesAt);
    this.#doubts.add(this.#case('honest lifetime: died before its told end', token, `${text}, ${short} ms short`, knownAt, cutOff));
  }

  /** What is in doubt is served on, and found out as soon as there is time for it. */
  #inDoubt({ account, value, diesAt }: Token, cutOff: boolean, why: string): void {
    this.excuse(`refused: ${why}`);
    const { now, storeNow, health } = this.#deps;
    const { suspectFrom, intent } = this.record(account) ?? { suspectFrom: null, intent: null };
    const since = suspectFrom ?? intent?.at ?? storeNow();
    const good = health.longestGood(account, Math.max(diesAt, since - storeNow() + now()), now());
    if (!cutOff && good > ENOUGH_MS + GRACE_MS)
      this.violated('no gap: in doubt for long, and dead', account, `${value}, ${Math.round(good / 1000)} s free of faults since its end`);
  }

  /** Whether a process that has handed this value out may be asked for it while it cannot reach the store. */
  mustRemember(account: string, value: string, knownAt: number): boolean {
    const record = this.record(account);
    const isCurrent = record?.current?.value === value && !record.dead;
    // A clock of the store that was set ahead ends in memory what lives on at WeChat.
    const lives = this.#deps.wechat.check(value) === 0 && !this.clockWasSetFor(value);
    // A call that left late makes a value that lives longer than anybody but WeChat can know.
    const isKnownToLive = this.#deps.storeNow() < (record?.current?.expiresAt ?? 0) - LAST_MOMENT_MS;
    return isCurrent && lives && isKnownToLive && (this.#changedAt.get(account) ?? NEVER) < knownAt;
  }

  /** A caller is about to tell a node that this value was refused. */
  reported(value: string): void {
    const token = this.#deps.wechat.tokens.get(value);
    if (token && this.#deps.wechat.check(value) !== 0) token.reportedAt ??= this.#deps.now();
  }

  /** Callers go on reporting what is refused; with so much time that was free of faults, that has to help. */
  #mustBeHealed({ account, value, reportedAt, goneAt }: Token, { state }: ServedCredential, cutOff: boolean): void {
    if (reportedAt === null || goneAt !== null || state === 'suspect' || cutOff) return;
    const good = this.#deps.health.longestGood(account, reportedAt, this.#deps.now());
    const coolsMs = this.#deps.target(account)?.chain.probe === null ? UNPROBED_COOLS_MS : HEALED_MS;
    if (good > ENOUGH_MS + coolsMs)
      this.violated(
        'no gap: handed out what was reported long ago',
        account,
        `${value}, ${Math.round(good / 1000)} s free of faults since`,
      );
  }

  /** This token's life was planned, or told, by a clock of the store that had been set since; without a token, any plan. */
  #clockWasSet(token: Token | undefined, at = this.#deps.now()): boolean {
    const plannedBy = token ? Math.min(token.issue.measuredAt, token.toldMeasuredAt) : NEVER;
    // After its end nothing of it is planned any more: a node that was paused meanwhile changes nothing about why it ended.
    const isPaused = token !== undefined && at > token.expiresAt && at - token.expiresAt < LONGEST_PAUSE_MS;
    const to = isPaused ? token.expiresAt : at;
    return this.#deps.clockSetAt.some((setAt) => setAt <= at && to - setAt < PLAN_MS && plannedBy < setAt);
  }

  /** The same of a stored credential. */
  clockWasSetFor(value: string): boolean {
    return this.#clockWasSet(this.#deps.wechat.tokens.get(value));
  }

  /** A lost answer was counted a moment ago, and this value had not been replaced before the node's last look. */
  #wasJustCounted({ account, goneAt }: Token, knownAt: number): boolean {
    const isNew = this.#deps.now() - (this.#lostAt.get(account) ?? NEVER) < JUST_COUNTED_MS;
    return isNew && (goneAt === null || knownAt <= goneAt);
  }

  #windowMs(account: string): number {
    const { policy } = this.#deps.target(account)?.chain ?? {};
    if (policy === undefined) return 0;
    return policy.refreshWindowMs - (policy.type === 'stable-window' ? policy.jitterMs : 0);
  }
}
