/**
 * One rotation costs one issue, and a fault at most one more for each credential that was in the air.
 *
 * Each issue needs a reason: the first of its account, its time had come, an order, or the one before it was lost. And
 * each lost one needs a fault of its own node while it was in the air, one that a node cannot outlive with its answer in its
 * hands: a store that is back before the lease ends costs nothing. One fault excuses one issue of an account.
 */

import { clock, short } from './chronicle.mjs';
import { LEASE_MS } from '../schedule.mjs';

/** Lives up to this have half of them as refresh window; longer ones do not come due within a run. */
const HALVED_BELOW_MS = 1_800_000;
/** Between a plan and the simulator's instant of issue lie clocks and ways, ms; a plan is never earlier than half a life. */
const PLAN_SLACK_MS = 1500;
/** An order waits this long for another holder at most: two leases. */
const ORDER_WAITS_MS = 2 * LEASE_MS + 5000;
/** What a node needs from WeChat's answer to the end of its commit, ms. */
const COMMIT_MS = 2000;
/**
 * A node offers its value to the store until its lease ends, so that a store that is away costs the issue only when it is
 * not back this long before, ms: the last offer is refused up to 1 s before that end (they come once a second), a driver may
 * wait 2.5 s before it connects again, and the lease began up to 0.5 s before the request was on the wire. No offer hangs for
 * longer than the fault: what stands still (6 s at most) is answered when it is healed, as SQL drivers wait 12 s for an
 * answer and 5 s for a connection; Redis's gives up after 2 s, and the value is offered again.
 */
const BACK_MS = 4000;
/** A node that goes on sends what it had in its hands within this, ms. */
export const WAKES_MS = 1000;

export function judgeIssues({ accounts, chronicle, generations, stored, faults, orders, startedAt }) {
  const violations = [];
  const lost = [];
  for (const { id, lifeSeconds } of accounts) {
    const made = chronicle.get(id);
    const unseen = unseenGenerations(generations.get(id), stored.get(id)?.generation ?? 0);
    const lostHere = lostOnes(made, unseen, faults);
    lost.push(...lostHere.map((one) => ({ account: id, ...one })));
    for (const { issue, fault } of lostHere) {
      if (fault === null)
        violations.push(
          `issue ${short(issue.value)} of ${id} by ${issue.node} at ${clock(issue.sentAt, startedAt)} was lost without a fault`,
        );
    }
    const faultsUsed = lostHere.map(({ fault }) => fault).filter(Boolean);
    for (const fault of new Set(faultsUsed)) {
      const times = faultsUsed.filter((one) => one === fault).length;
      if (times > 1) violations.push(`"${fault.kind}" cost ${id} ${times} issues`);
    }
    const open = orders.filter(({ account }) => account === id);
    const isLost = new Set(lostHere.map(({ issue }) => issue));
    made.forEach((issue, index) => {
      const before = made[index - 1];
      if (
        before === undefined ||
        due(
          issue,
          made.slice(0, index).findLast((one) => !isLost.has(one)),
          lifeSeconds * 1000,
        )
      )
        return;
      const ordered = open.findIndex(({ at }) => at <= issue.sentAt && issue.sentAt <= at + ORDER_WAITS_MS);
      if (ordered >= 0) open.splice(ordered, 1);
      else if (!isLost.has(before)) {
        violations.push(`issue ${short(issue.value)} of ${id} by ${issue.node} at ${clock(issue.sentAt, startedAt)} had no reason`);
      }
    });
  }
  return { violations, lost };
}

/** How many generations the store counted that no caller saw. */
function unseenGenerations(known, latest) {
  let unseen = 0;
  for (let generation = 1; generation <= latest; generation += 1) if (!known?.has(generation)) unseen += 1;
  return unseen;
}

/** `{ issue, fault }` of each lost one; those that nothing excuses are the first to be taken for stored but unseen. */
function lostOnes(made, unseen, faults) {
  const all = made.filter(({ handedOut }) => !handedOut).map((issue) => ({ issue, fault: faultOf(issue, faults) }));
  let left = unseen;
  return all.filter(({ fault }) => fault !== null || left-- <= 0);
}

/** Whether a fault that struck in time could cost the issue, by what it does. */
const COSTS = {
  killed: ({ to }, { sentAt }) => to >= sentAt,
  stopped: ({ to }, { sentAt }) => to + WAKES_MS >= sentAt,
  'store away': ({ to }, { sentAt }) => to >= sentAt + LEASE_MS - BACK_MS,
};

function faultOf(issue, faults) {
  const struck = faults.filter(({ node, from }) => node === issue.node && from <= issue.answeredAt + COMMIT_MS);
  return struck.find((fault) => COSTS[fault.does](fault, issue)) ?? null;
}

function due(issue, current, lifeMs) {
  if (current === undefined) return true;
  return lifeMs < HALVED_BELOW_MS && issue.issuedAt >= current.issuedAt + lifeMs / 2 - PLAN_SLACK_MS;
}
