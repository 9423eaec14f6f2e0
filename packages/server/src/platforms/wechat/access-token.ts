/**
 * The access_token of official accounts, mini programs and mini games, by its two chains.
 *
 * stable: POST /cgi-bin/stable_token, asking again gives the same value until its last 300 s (the default).
 * classic: GET /cgi-bin/token, each call makes a new value and leaves the one before it 300 s.
 * Upstream keeps the two apart: neither ever touches the other's values.
 */

import type { Chain, IssueOutcome, KindDeclaration, Probe } from '../../core/kind.ts';
import type { UpstreamFailure } from '../../core/failure.ts';
import type { UpstreamReply } from '../../core/upstream.ts';
import { nonsenseFailure, readReply, wechatFailure } from './reply.ts';

const SECOND_MS = 1000;

/**
 * Longest life to believe, s. Today's is 7200 and may change; a day leaves room for that, while a life of weeks would
 * have a wrong answer keep a dead token for as long.
 */
const MAX_LIFETIME_S = 86_400;

/**
 * RFC 3986's unreserved characters, up to the 512 that WeChat tells everybody to reserve: SDKs put a token into URLs
 * as it is, so anything else would break, or smuggle in, a parameter or a header.
 */
const TOKEN = /^[A-Za-z0-9._~-]{1,512}$/;

/** How what is no token reads to a person. */
export interface TokenFailures {
  readonly refused: (errcode: number, errmsg: unknown) => UpstreamFailure;
  readonly nonsense: (why: string) => UpstreamFailure;
}

const WECHAT_FAILURES: TokenFailures = { refused: (errcode, errmsg) => wechatFailure(errcode, errmsg, true), nonsense: nonsenseFailure };

/** A new value, upstream's own refusal, or an answer after which nobody knows whether a value was issued. */
export function parseTokenReply(reply: UpstreamReply, failures: TokenFailures = WECHAT_FAILURES): IssueOutcome {
  const read = readReply(reply);
  const unclear = (why: string): IssueOutcome => ({ ok: false, answered: false, failure: failures.nonsense(why) });
  if (read.form === 'nonsense') return unclear(read.why);
  const { access_token: value, expires_in: lifetime, errmsg } = read.body;
  if (read.form === 'error') {
    if (value !== undefined) return unclear('an errcode and an access_token at once');
    return { ok: false, answered: true, failure: failures.refused(read.errcode, errmsg) };
  }
  if (value === undefined) return unclear('neither an errcode nor an access_token');
  if (typeof value !== 'string') return unclear('an access_token that is no text');
  if (!TOKEN.test(value)) return unclear('an access_token that is empty, too long or has characters unsafe in a URL');
  if (typeof lifetime !== 'number' || !Number.isSafeInteger(lifetime)) return unclear('an expires_in that is no whole number');
  if (lifetime <= 0) return unclear('an expires_in that is not positive');
  if (lifetime > MAX_LIFETIME_S) return unclear('an expires_in of more than a day');
  return { ok: true, value, lifetimeMs: lifetime * SECOND_MS };
}

/** Codes by which WeChat says of a token that it is not, or no longer, good. */
const DEAD_CODES: ReadonlySet<number> = new Set([40001, 40014, 42001]);

/** Cheap, open to all these accounts, and not metered like a business call. */
const probe: Probe = {
  request: (value) => ({ upstream: 'wechat', method: 'GET', path: '/cgi-bin/get_api_domain_ip', query: { access_token: value } }),
  verdict(reply) {
    const read = readReply(reply);
    if (read.form === 'success') return 'alive';
    return read.form === 'error' && DEAD_CODES.has(read.errcode) ? 'dead' : 'unknown';
  },
};

/** Only this code says that the AppSecret is wrong and nothing else: the other one may be right. */
const INVALID_APPSECRET = 40125;

const common = {
  parseIssue: (reply) => parseTokenReply(reply),
  tryFallbackSecret: ({ errcode }) => errcode === INVALID_APPSECRET,
  probe,
} as const satisfies Partial<Chain>;

const stable: Chain = {
  ...common,
  name: 'stable',
  // Not at 300 s sharp: a call a moment before WeChat's window opens gets the old value once more.
  policy: { type: 'stable-window', windowMs: 300 * SECOND_MS, refreshWindowMs: 295 * SECOND_MS, jitterMs: 60 * SECOND_MS },
  forcible: true,
  limits: {
    issuesPerDay: 500_000,
    // Scheduled refreshes need some 13 a day; this leaves them 40 for each minute of a bad day.
    scheduledReserve: 60_000,
    callsPerMinute: 10_000,
    forcedPerDay: 20,
    // Two leak procedures of two forced issues each.
    forcedLeakReserve: 4,
    // WeChat ignores a second one within 30 s, as it sees them: a second more for uneven ways there.
    forcedSpacingMs: 31 * SECOND_MS,
  },
  issue: ({ appId, secret, force }) => ({
    upstream: 'wechat',
    method: 'POST',
    path: '/cgi-bin/stable_token',
    json: { grant_type: 'client_credential', appid: appId, secret, force_refresh: force },
  }),
};

const classic: Chain = {
  ...common,
  name: 'classic',
  policy: {
    type: 'rotate-with-grace',
    graceMs: 300 * SECOND_MS,
    refreshWindowMs: 900 * SECOND_MS,
    jitterMs: 60 * SECOND_MS,
  },
  forcible: false,
  limits: {
    issuesPerDay: 2000,
    // Scheduled refreshes need 14 a day; the rest is for those that fail and for short lives.
    scheduledReserve: 200,
    // WeChat names no limit per minute for this endpoint.
    callsPerMinute: Number.POSITIVE_INFINITY,
    // Every classic issue replaces the running value, so there is none to force.
    forcedPerDay: 0,
    forcedLeakReserve: 0,
    forcedSpacingMs: 0,
  },
  issue: ({ appId, secret }) => ({
    upstream: 'wechat',
    method: 'GET',
    path: '/cgi-bin/token',
    query: { grant_type: 'client_credential', appid: appId, secret },
  }),
};

export const accessToken: KindDeclaration = {
  kind: 'access_token',
  platforms: ['official-account', 'mini-program', 'mini-game'],
  main: true,
  chains: { stable, classic },
};
