/**
 * The four refresh policies, as data plus the three questions whose answers differ between them.
 *
 * rotate-with-grace: each issue kills the previous after a grace (classic token, component token, Douyin, …).
 * stable-window: asking again returns the same value until the last `windowMs` (stable_token, Feishu, QQ bot).
 * sliding: the same value, its life renewed (DingTalk legacy, a borrowed value).
 * independent: old and new live side by side (Baidu, Kuaishou).
 */

interface Timing {
  /** Refresh starts when this much life is left. */
  readonly refreshWindowMs: number;
  /** Spread of the start. Stable-window: later only, because earlier gets the same value again. */
  readonly jitterMs: number;
}

export type RefreshPolicy =
  | (Timing & { readonly type: 'rotate-with-grace'; readonly graceMs: number })
  | (Timing & { readonly type: 'stable-window'; readonly windowMs: number })
  /** `lookEveryMs`: asked again this often at least, because others may replace the value. Default: only near its end. */
  | (Timing & { readonly type: 'sliding'; readonly lookEveryMs?: number })
  | (Timing & { readonly type: 'independent' });

/**
 * Kept off both ends of a grace: our retry after an unknown outcome comes this much before the old value can die,
 * and callers are told a life shorter by as much.
 */
export const GRACE_MARGIN_MS = 30_000;

/**
 * An intent is stored this long after the instant that it names at most, or its call is not made. Until it is stored,
 * other nodes count a lifetime from later instants than the retry after its loss will count the grace from.
 */
export const INTENT_LAG_MS = 10_000;

/** Old and new live side by side this long in a stable hand-over. */
export const STABLE_GRACE_MS = 300_000;

/** Whether an issue may end the life of the running credential: then an intent is written first. */
export function issueKillsCurrent(policy: RefreshPolicy, forced: boolean): boolean {
  return forced || policy.type === 'rotate-with-grace';
}

/**
 * How long the running credential surely works after an issue at some instant, whatever its own expiry.
 * A forced issue is taken to kill at once: whether WeChat grants a grace there is unverified.
 */
export function survivesIssueMs(policy: RefreshPolicy, forced: boolean): number {
  if (forced) return 0;
  return policy.type === 'rotate-with-grace' ? policy.graceMs - GRACE_MARGIN_MS : Number.POSITIVE_INFINITY;
}

/** How long after an issue that may have happened the value it replaced surely works no more. */
export function graceOverMs(policy: RefreshPolicy): number {
  // A forced stable issue may grant the same grace as a hand-over; unverified, so counted as the longer.
  return (policy.type === 'rotate-with-grace' ? policy.graceMs : STABLE_GRACE_MS) + GRACE_MARGIN_MS;
}

/** However short the lives that upstream gives: never plan issues closer together than this. */
const SHORTEST_PLAN_MS = 5000;

/**
 * When to start refreshing a credential; `unit` is random in [0, 1). Short lives shrink the window to half. A stable
 * value that upstream has kept running shrinks nothing: before its hand-over there is no other to be had.
 */
export function plannedRefreshAt(policy: RefreshPolicy, issuedAt: number, expiresAt: number, unit: number): number {
  const lifetimeMs = expiresAt - issuedAt;
  const beforeHandOver = policy.type === 'stable-window' && lifetimeMs > policy.windowMs;
  const windowMs = beforeHandOver ? policy.refreshWindowMs : Math.min(policy.refreshWindowMs, lifetimeMs / 2);
  // Two refreshes must not come closer than the grace: the second one evicts what the first let live on.
  const roomMs = policy.type === 'rotate-with-grace' ? Math.max(0, lifetimeMs - windowMs - policy.graceMs) : windowMs;
  const jitterMs = Math.min(policy.jitterMs, windowMs / 4, roomMs) * unit;
  const planned = expiresAt - windowMs + (policy.type === 'stable-window' ? jitterMs : -jitterMs);
  const lookAt = policy.type === 'sliding' && policy.lookEveryMs !== undefined ? issuedAt + policy.lookEveryMs - jitterMs : planned;
  return Math.floor(Math.max(Math.min(planned, lookAt), issuedAt + Math.min(SHORTEST_PLAN_MS, lifetimeMs)));
}
