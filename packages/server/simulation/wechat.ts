/**
 * A model of WeChat: who holds which token, which of them work, and who ended each one's life.
 *
 * Per account the latest two tokens work, the older for a grace of 300 s; a third issue ends it at once. Stable chains
 * give the same token until its last 300 s, unless forced. It keeps a ledger of issues, so that the referee can name the
 * cause of every death. It shares no code with the product.
 */

import type { IssueReason } from '../src/core/events.ts';
import type { UpstreamReply, UpstreamRequest } from '../src/core/upstream.ts';
import type { Manner } from './kinds.ts';

export const GRACE_MS = 300_000;
const FORCED_SPACING_MS = 30_000;
const FORCED_PER_DAY = 20;
const DAY_MS = 86_400_000;

/** One request for a new token that reached WeChat, or may have. */
export interface Issue {
  readonly account: string;
  /** Number of the process that sent it; null: somebody who is not us. */
  readonly by: number | null;
  /** When the product made the call; a process that is frozen then sends later. */
  readonly askedAt: number;
  /** When its sender had last asked for the store's time. */
  readonly measuredAt: number;
  readonly sentAt: number;
  readonly forced: boolean;
  /** It left after its sender's lease had ended: promise 1's named case. */
  readonly late: boolean;
  /** The sender was working on a report, an order or the leak procedure. */
  readonly elective: boolean;
  arrivedAt: number;
  /** As told by the commit. */
  reason: IssueReason | null;
  /** When the store took the token that it gave. */
  landedAt: number | null;
  /** Why it may have been lost. */
  lostBecause: string | null;
}

export interface Token {
  readonly value: string;
  readonly account: string;
  readonly issue: Issue;
  expiresAt: number;
  diesAt: number;
  /** The issue that made it the previous one. */
  replacedBy: Issue | null;
  /** What ends its life; null: its own expiry. */
  killer: Issue | 'revoked' | null;
  /** When the store took another value in its place, or took note that it was dead; null: neither. */
  goneAt: number | null;
  /** When a caller first told a node that it was refused; null: never. */
  reportedAt: number | null;
  /** Latest instant up to which somebody was told that it works. */
  toldUntil: number;
  /** When who said that had last asked for the store's time. */
  toldMeasuredAt: number;
  toldBy: string;
}

export interface WechatAccount {
  readonly appId: string;
  readonly manner: Manner;
  readonly lifetimeMs: number;
  readonly issuesPerDay: number;
  secret: string;
  secretNumber: number;
  current: Token | null;
  previous: Token | null;
  /** Every call for a token is answered so. */
  wall: number | null;
  day: number;
  issuesToday: number;
  forcedToday: number;
  lastForcedAt: number;
}

interface WechatOptions {
  readonly now: () => number;
  /** Epoch ms of virtual 0. */
  readonly startAt: number;
  /** Whether a forced issue leaves the replaced token its grace: unverified, so both are played. */
  readonly forcedGrace: boolean;
  readonly onMade: (token: Token) => void;
  readonly onDeath: (token: Token, by: Issue | 'revoked') => void;
}

const json = (body: object): string => JSON.stringify(body);

export class Wechat {
  readonly accounts = new Map<string, WechatAccount>();
  readonly tokens = new Map<string, Token>();
  /** Tokens made, by us and by others. */
  made = 0;
  readonly #options: WechatOptions;

  constructor(options: WechatOptions) {
    this.#options = options;
  }

  add(appId: string, manner: Manner, lifetimeMs: number, issuesPerDay: number): WechatAccount {
    const account: WechatAccount = {
      ...{ appId, manner, lifetimeMs, issuesPerDay, secret: `secret-${appId}-1`, secretNumber: 1 },
      ...{ current: null, previous: null, wall: null, day: 0, issuesToday: 0, forcedToday: 0, lastForcedAt: Number.NEGATIVE_INFINITY },
    };
    this.accounts.set(appId, account);
    return account;
  }

  /** The secret is reset at the console; returns the new one. */
  resetSecret(account: WechatAccount): string {
    account.secretNumber += 1;
    account.secret = `secret-${account.appId}-${account.secretNumber}`;
    return account.secret;
  }

  /** 0 accepted, 42001 outlived, 40001 replaced or unknown. */
  check(value: string): number {
    const token = this.tokens.get(value);
    const now = this.#options.now();
    if (!token) return 40001;
    if (now >= token.expiresAt) return 42001;
    return now < token.diesAt ? 0 : 40001;
  }

  /** No more issues on this day. */
  isUsedUp(id: string): boolean {
    const account = this.accounts.get(id);
    return account !== undefined && account.issuesToday >= account.issuesPerDay;
  }

  /** WeChat drops a token before its time. */
  revoke(account: WechatAccount): void {
    if (account.current) this.#kill(account.current, this.#options.now(), 'revoked');
  }

  /** Answer a request; `issue` is what the ledger shall say of one for a token. */
  answer(request: UpstreamRequest, issue: Issue | null): UpstreamReply {
    const text = issue === null ? this.#use(request) : this.#issue(request, issue);
    return { status: 200, text, dateMs: this.#options.startAt + this.#options.now() };
  }

  /** Somebody else fetches; true when it made a token. */
  foreign(account: WechatAccount, force: boolean): boolean {
    const now = this.#options.now();
    const issue: Issue = {
      ...{ account: account.appId, by: null, askedAt: now, measuredAt: now, sentAt: now, forced: force, late: false, elective: false },
      ...{ arrivedAt: now, reason: null, landedAt: null, lostBecause: null },
    };
    const before = this.made;
    this.#give(account, issue);
    return this.made > before;
  }

  #use(request: UpstreamRequest): string {
    const errcode = this.check(request.query?.access_token ?? '');
    return errcode === 0 ? json({ ip_list: [] }) : refusal(errcode);
  }

  #issue(request: UpstreamRequest, issue: Issue): string {
    const fields = (request.json ?? request.query) as { readonly secret?: string };
    const account = this.accounts.get(issue.account);
    if (!account) return refusal(40013);
    if (fields.secret !== account.secret) return refusal(40125);
    if (account.wall !== null) return refusal(account.wall);
    return this.#give(account, issue);
  }

  #give(account: WechatAccount, issue: Issue): string {
    const now = this.#options.now();
    this.#newDay(account, now);
    issue.arrivedAt = now;
    const running = account.current !== null && now < account.current.diesAt ? account.current : null;
    if (account.manner === 'stable') return this.#giveStable(account, issue, now);
    if (account.issuesToday >= account.issuesPerDay) return refusal(45009);
    account.issuesToday += 1;
    if (account.manner === 'sliding' && running) {
      running.expiresAt = now + account.lifetimeMs;
      running.diesAt = running.expiresAt;
      return given(running, now);
    }
    return given(this.#make(account, issue, now, account.manner === 'rotate' ? GRACE_MS : Number.POSITIVE_INFINITY), now);
  }

  #giveStable(account: WechatAccount, issue: Issue, now: number): string {
    const { current } = account;
    if (issue.forced && current) {
      if (now - account.lastForcedAt < FORCED_SPACING_MS) return given(current, now);
      if (account.forcedToday >= FORCED_PER_DAY) return refusal(45009);
      account.forcedToday += 1;
      account.lastForcedAt = now;
      return given(this.#make(account, issue, now, this.#options.forcedGrace ? GRACE_MS : 0), now);
    }
    const stays = current !== null && now < current.diesAt && current.expiresAt - now > GRACE_MS;
    return given(stays ? current : this.#make(account, issue, now, GRACE_MS), now);
  }

  #make(account: WechatAccount, issue: Issue, now: number, graceMs: number): Token {
    this.made += 1;
    const expiresAt = now + account.lifetimeMs;
    const value = `tok-${account.appId}-${this.made}`;
    const token: Token = {
      value,
      account: account.appId,
      issue,
      expiresAt,
      diesAt: expiresAt,
      replacedBy: null,
      killer: null,
      goneAt: null,
      reportedAt: null,
      toldUntil: 0,
      toldMeasuredAt: Number.POSITIVE_INFINITY,
      toldBy: '',
    };
    this.tokens.set(value, token);
    this.#options.onMade(token);
    const { current, previous } = account;
    account.previous = current;
    account.current = token;
    if (graceMs < Number.POSITIVE_INFINITY) {
      if (previous) this.#kill(previous, now, issue);
      if (current) this.#kill(current, now + graceMs, issue);
    }
    return token;
  }

  #kill(token: Token, at: number, by: Issue | 'revoked'): void {
    if (by !== 'revoked') token.replacedBy ??= by;
    if (at >= token.diesAt) return;
    token.diesAt = at;
    token.killer = by;
    this.#options.onDeath(token, by);
  }

  #newDay(account: WechatAccount, now: number): void {
    const day = Math.floor((this.#options.startAt + now + 8 * 3_600_000) / DAY_MS);
    if (day === account.day) return;
    account.day = day;
    account.issuesToday = 0;
    account.forcedToday = 0;
  }
}

const given = (token: Token, now: number): string =>
  json({ access_token: token.value, expires_in: Math.floor((token.expiresAt - now) / 1000) });

const WORDS: Readonly<Record<number, string>> = {
  40001: 'invalid credential, access_token is invalid or not latest',
  40013: 'invalid appid',
  40125: 'invalid appsecret',
  40164: 'invalid ip 10.1.2.3, not in whitelist',
  42001: 'access_token expired',
  45009: 'reach max api daily quota limit',
  45011: 'api minute-quota reach limit, must slower, retry next minute',
  [-1]: 'system error',
};

export function refusal(errcode: number): string {
  return json({ errcode, errmsg: `${WORDS[errcode] ?? 'refused'} rid: 5f1e0c1a-0a0b0c0d-01020304` });
}
