/**
 * The leak procedure: make a leaked value die at once, by two issues after it.
 *
 * WeChat keeps only the latest two values alive, so a second new value evicts the leaked one. Stable mode: two forced
 * issues at least 30 s apart. Only confirmed new values count; the operation lives in the record and the due queue
 * drives it, so a crash between the steps changes nothing.
 */

import { allowedAt } from './budget.ts';
import type { RefreshSession } from './session.ts';

const NEEDED_ISSUES = 2;
/** Wait after a failed step; a failure's own backoff holds it back beyond that, until the AppSecret changes. */
const RETRY_MS = 5000;

/** Begin, unless one is running. */
export function startLeak(session: RefreshSession, reason: string): void {
  const running = session.record.leak;
  if (running && running.finishedAt === null) return;
  session.record = {
    ...session.record,
    leak: {
      startedAt: session.now,
      reason,
      confirmedIssues: 0,
      neededIssues: NEEDED_ISSUES,
      nextAt: session.now,
      finishedAt: null,
    },
  };
}

/** One step when its time has come: one issue, counted when it brought a new value. */
export async function stepLeak(session: RefreshSession): Promise<void> {
  const { chain, id } = session.target;
  const { leak } = session.record;
  if (!leak || leak.finishedAt !== null || session.now < leak.nextAt) return;
  const before = session.record.generation;
  // Counted in the same store write that makes the new value current.
  session.onIssued = () => {
    const running = session.record.leak;
    if (!running) return;
    const confirmedIssues = running.confirmedIssues + 1;
    const finishedAt = confirmedIssues >= running.neededIssues ? session.now : null;
    session.record = { ...session.record, leak: { ...running, confirmedIssues, finishedAt } };
  };
  await session.ask('leak', chain.forcible);
  session.onIssued = null;
  const after = session.record.leak;
  if (!after) return;
  if (session.record.generation !== before)
    session.tell({ type: 'leak.step', id, confirmed: after.confirmedIssues, needed: after.neededIssues });
  if (after.finishedAt !== null) return;
  const allowed = allowedAt(session.record, chain.limits, 'leak', chain.forcible, session.now);
  const retry = session.record.generation === before ? session.now + RETRY_MS : session.now;
  const nextAt = Math.max(allowed, retry);
  session.record = { ...session.record, leak: { ...after, nextAt } };
}
