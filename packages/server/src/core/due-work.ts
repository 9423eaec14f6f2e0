/**
 * What a credential wants done now, most urgent first, under a lease that is held.
 *
 * A value in use is replaced only when its time has come, when it is in doubt, or on an order. Asking costs nothing
 * in a stable chain, so there the unforced call always comes before the forced one.
 */

import type { IssueReason } from './events.ts';
import { stepLeak } from './leak.ts';
import { backingOff, failureHolds, mustRefresh, probeDue, shouldRefresh, suspect } from './schedule.ts';
import type { AskResult, RefreshSession } from './session.ts';

export async function doWhatIsDue(session: RefreshSession, reason: IssueReason): Promise<void> {
  const { account, chain } = session.target;
  const { record, now } = session;
  const { leak } = record;
  if (!account.enabled) return;
  if (reason === 'ordered') {
    await session.ask('ordered', chain.forcible);
  } else if (leak && leak.finishedAt === null && now >= leak.nextAt && !failureHolds(record, account.secretRevision, now)) {
    await stepLeak(session);
  } else if (shouldRefresh(record, now) && !backingOff(record, account.secretRevision, now)) {
    const asked = await replace(session, mustRefresh(record, now) ? 'missing' : suspect(record, now) ? 'suspect' : reason);
    // In doubt and upstream gives nothing: at least learn whether the current still works.
    if (asked !== 'issued' && suspect(session.record, session.now)) {
      const verdict = await session.probe();
      // Nothing left to protect, and a stumble may be over: once more before anybody has to wait out a backoff.
      if (verdict === 'dead' && session.record.failure?.class === 'transient') await replace(session, 'suspect');
    }
  } else if (probeDue(record, now)) {
    if ((await session.probe()) === 'dead') await replace(session, 'suspect');
  }
}

/** Ask for a new value; only when upstream insists on one that a probe called dead, force it. */
async function replace(session: RefreshSession, reason: IssueReason): Promise<AskResult> {
  const asked = await session.ask(reason);
  if (asked !== 'same' || !session.record.dead) return asked;
  if (session.target.chain.forcible) return session.ask(reason, true);
  session.holdBack(Number.POSITIVE_INFINITY);
  return asked;
}
