/**
 * What happens under the lease when a caller says that WeChat rejected the current value.
 *
 * Order: compare again (another node may have refreshed meanwhile) → cool down → verify once → refresh.
 * A verdict of `unknown` never issues: 45009, -1, 48001 and the like say nothing about the value.
 * A borrowed value is its lender's to judge: the report is passed on.
 */

import { allowedAt } from './budget.ts';
import type { ServedCredential } from './credential.ts';
import type { ReportOutcome } from './events.ts';
import type { Chain } from './kind.ts';
import { coolingMs } from './schedule.ts';
import type { RefreshSession } from './session.ts';

export interface ReportResult {
  readonly outcome: ReportOutcome;
  /** With `cooling_down` and `unverified`: when asking again can help. */
  readonly retryAfterMs?: number;
  /** What to use now; null only when there is nothing. */
  readonly credential: ServedCredential | null;
}

/** A kind that cannot be probed gets one report-driven issue in this long. */
const UNPROBED_COOLDOWN_MS = 600_000;

/** How long a credential of this chain rests after a verification, ms. */
export function cooldownOf(chain: Chain, settings: { readonly reportCooldownMs: number }): number {
  return chain.probe === null && !chain.borrowed ? UNPROBED_COOLDOWN_MS : settings.reportCooldownMs;
}

export async function verifyReport(
  session: RefreshSession,
  reported: string,
  cooldownMs: number,
): Promise<Omit<ReportResult, 'credential'>> {
  const { chain } = session.target;
  if (session.record.current?.value !== reported) return { outcome: 'superseded' };
  const coolMs = coolingMs(session.record, cooldownMs, session.now);
  if (coolMs > 0) return { outcome: 'cooling_down', retryAfterMs: coolMs };
  session.record = { ...session.record, lastVerifiedAt: session.now };
  const unverified = { outcome: 'unverified', retryAfterMs: cooldownMs } as const;

  // The same value again: the lender found it alive, or could not tell. Which of the two, it does not say.
  if (chain.borrowed) return (await session.ask('report', true)) === 'issued' ? { outcome: 'refreshed' } : unverified;
  if (chain.policy.type === 'stable-window') {
    // Free of harm: WeChat gives the running value again, or the newer one that somebody else made.
    const asked = await session.ask('report');
    if (asked === 'issued') return { outcome: 'refreshed' };
    if (asked !== 'same' && asked !== 'suspended') return unverified;
  }
  const verdict = chain.probe === null ? 'dead' : await session.probe();
  if (verdict === 'alive') return { outcome: 'alive' };
  if (verdict === 'unknown') return unverified;
  const issued = await session.ask('report', chain.forcible);
  if (issued === 'issued') return { outcome: 'refreshed' };
  const allowed = allowedAt(session.record, chain.limits, 'report', chain.forcible, session.now);
  return { outcome: 'cooling_down', retryAfterMs: Math.max(cooldownMs, allowed - session.now) };
}
