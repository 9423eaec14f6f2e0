/**
 * One account as WeChat keeps it. Console edits that take minutes (whitelist, freezing) are stored
 * beside the running value with the instant they take effect, and settled when next looked at.
 */
import { type IpRange, ipInRanges } from '../ip.ts';
import type { Limit } from '../knobs.ts';
import { type Chain, type ChainName, emptyChain, type Issued, type Kind } from './chain.ts';
import { Counters } from './counters.ts';
import { Quota } from './quota.ts';

export type Platform = 'official-account' | 'mini-program' | 'mini-game';
/** `token_forbidden` answers 50004, `account_frozen` 50007 on token calls. */
export type AccountStatus = 'normal' | 'token_forbidden' | 'account_frozen';

/** A value that a console edit replaces at `nextAt`. */
export interface Delayed<T> {
  value: T;
  next: { readonly value: T; readonly at: number } | null;
}

/** How the administrator stands to one risky address. */
export interface Risk {
  state: 'pending' | 'agreed' | 'refused';
  refusals: number;
  blockedUntil: number;
}

export interface Account {
  readonly id: string;
  /** Distinguishes a re-created account, so that its tokens differ from its former life's. */
  readonly birth: number;
  platform: Platform | null;
  secret: string;
  prevSecret: string | null;
  prevSecretUntil: number;
  status: AccountStatus;
  sandbox: boolean;
  readonly frozen: Delayed<boolean>;
  readonly whitelist: Delayed<readonly IpRange[] | null>;
  riskyIps: readonly IpRange[];
  readonly risks: Map<string, Risk>;
  lifetimeSeconds: number | null;
  limits: Record<string, Limit> | null;
  /** Paths that answer 48001 to this account. */
  unauthorizedPaths: readonly string[];
  /** Where messages would be pushed to; null: callback/check answers 40201. */
  callbackUrl: string | null;
  readonly chains: Readonly<Record<ChainName, Chain>>;
  readonly tickets: Map<Kind, Issued>;
  lastForceAt: number | null;
  readonly quota: Quota;
  readonly counters: Counters;
}

export function newAccount(id: string, secret: string, birth: number): Account {
  return {
    id,
    birth,
    platform: null,
    secret,
    prevSecret: null,
    prevSecretUntil: 0,
    status: 'normal',
    sandbox: false,
    frozen: { value: false, next: null },
    whitelist: { value: null, next: null },
    riskyIps: [],
    risks: new Map(),
    lifetimeSeconds: null,
    limits: null,
    unauthorizedPaths: [],
    callbackUrl: null,
    chains: { classic: emptyChain(), stable: emptyChain() },
    tickets: new Map(),
    lastForceAt: null,
    quota: new Quota(),
    counters: new Counters(),
  };
}

/** Takes a finished edit over and returns what holds now. */
export function settled<T>(field: Delayed<T>, now: number): T {
  if (field.next && now >= field.next.at) {
    field.value = field.next.value;
    field.next = null;
  }
  return field.value;
}

export function edit<T>(field: Delayed<T>, value: T, now: number, delayMs: number): void {
  settled(field, now);
  if (delayMs > 0) field.next = { value, at: now + delayMs };
  else {
    field.value = value;
    field.next = null;
  }
}

const HOUR_MS = 3_600_000;

/**
 * The administrator's confirmation for risky addresses (older edition of the token page):
 * first call 89503 and a message to the administrator; until answered `pendingCode`; a first refusal
 * blocks the address 1 h (89507), each further one 24 h (89506).
 */
export function riskRefusal(account: Account, ip: string, now: number, pendingCode: number): number {
  if (account.riskyIps.length === 0 || !ipInRanges(ip, account.riskyIps)) return 0;
  const risk = account.risks.get(ip);
  if (risk?.state === 'agreed') return 0;
  if (risk?.state === 'pending') return pendingCode;
  if (risk?.state === 'refused' && now < risk.blockedUntil) return risk.refusals > 1 ? 89506 : 89507;
  account.risks.set(ip, { state: 'pending', refusals: risk?.refusals ?? 0, blockedUntil: 0 });
  return 89503;
}

export function answerRisk(account: Account, ip: string, agree: boolean, now: number): void {
  const refusals = (account.risks.get(ip)?.refusals ?? 0) + (agree ? 0 : 1);
  const blockedUntil = agree ? 0 : now + (refusals > 1 ? 24 : 1) * HOUR_MS;
  account.risks.set(ip, { state: agree ? 'agreed' : 'refused', refusals, blockedUntil });
}
