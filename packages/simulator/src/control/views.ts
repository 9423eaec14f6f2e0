/** What control calls answer: accounts and tokens as plain JSON, instants as epoch milliseconds. */
import { type Account, settled } from '../state/account.ts';
import { type Chain, type Issued, stateOf, type TokenState } from '../state/chain.ts';
import type { CountersView } from '../state/counters.ts';

export interface TokenView {
  value: string;
  /** Is it accepted? `alive` and `grace` are, `dead` and `unknown` are not. */
  state: TokenState;
  account: string | null;
  /** `classic`, `stable`, or a ticket: `jsapi`, `wx_card`, `sdk`. */
  kind: string | null;
  issued_at: number | null;
  /** Its own end of life. */
  expires_at: number | null;
  /** When it stops (or stopped) being accepted. */
  valid_until: number | null;
}

export const tokenView = (value: string, token: Issued | undefined, now: number): TokenView => ({
  value,
  state: stateOf(token, now),
  account: token?.account ?? null,
  kind: token?.chain ?? null,
  issued_at: token?.issuedAt ?? null,
  expires_at: token?.expiresAt ?? null,
  valid_until: token?.validUntil ?? null,
});

export interface ChainView {
  current: TokenView | null;
  /** Superseded tokens that are still accepted, newest first. */
  previous: TokenView[];
}

const chainView = ({ current, previous }: Chain, now: number): ChainView => ({
  current: current && tokenView(current.value, current, now),
  previous: previous.filter((token) => token.validUntil > now).map((token) => tokenView(token.value, token, now)),
});

export interface AccountView {
  id: string;
  secret: string;
  platform: string | null;
  status: string;
  sandbox: boolean;
  frozen: boolean;
  whitelist: string[] | null;
  /** Console edits that do not hold yet. */
  pending: { frozen?: { value: boolean; at: number }; whitelist?: { value: string[] | null; at: number } };
  risky_ips: string[];
  /** How the administrator stands to each risky address that called. */
  risks: Record<string, { state: string; refusals: number; blocked_until: number }>;
  lifetime_seconds: number | null;
  limits: object | null;
  unauthorized_paths: readonly string[];
  callback_url: string | null;
  classic: ChainView;
  stable: ChainView;
  tickets: Record<string, TokenView>;
  last_force_at: number | null;
  quota: { used: Record<string, { day: number; minute: number }>; forced_today: number; clears_this_month: number };
  counters: CountersView;
}

export function accountView(account: Account, now: number, dayOffsetMinutes: number): AccountView {
  const texts = (list: readonly { text: string }[] | null) => list && list.map((range) => range.text);
  const [frozen, whitelist] = [settled(account.frozen, now), settled(account.whitelist, now)];
  const { next: frozenNext } = account.frozen;
  const { next: whitelistNext } = account.whitelist;
  return {
    id: account.id,
    secret: account.secret,
    platform: account.platform,
    status: account.status,
    sandbox: account.sandbox,
    frozen,
    whitelist: texts(whitelist),
    pending: {
      ...(frozenNext && { frozen: frozenNext }),
      ...(whitelistNext && { whitelist: { value: texts(whitelistNext.value), at: whitelistNext.at } }),
    },
    risky_ips: account.riskyIps.map((range) => range.text),
    risks: Object.fromEntries(
      [...account.risks].map(([ip, risk]) => [ip, { state: risk.state, refusals: risk.refusals, blocked_until: risk.blockedUntil }]),
    ),
    lifetime_seconds: account.lifetimeSeconds,
    limits: account.limits,
    unauthorized_paths: account.unauthorizedPaths,
    callback_url: account.callbackUrl,
    classic: chainView(account.chains.classic, now),
    stable: chainView(account.chains.stable, now),
    tickets: Object.fromEntries([...account.tickets].map(([kind, ticket]) => [kind, tokenView(ticket.value, ticket, now)])),
    last_force_at: account.lastForceAt,
    quota: account.quota.view(now, dayOffsetMinutes),
    counters: account.counters.view(),
  };
}
