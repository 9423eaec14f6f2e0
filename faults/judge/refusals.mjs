/**
 * Every read is answered with a token.
 *
 * One cause is allowed, and each case is listed. *No spare*: a classic token of a life shorter than two graces, as only
 * these runs have them. Its refresh was lost by a fault; a retry before the grace is over would end it at once, so the retry
 * waits for its own end, and just then another fault struck. A real life of 7200 s leaves 15 minutes for that.
 */

import { clock } from './chronicle.mjs';

const TWO_GRACES_S = 600;
/** The product counts a life from before the request was sent, and takes its clock's uncertainty off, ms. */
const EARLY_MS = 2500;

export function judgeRefusals({ accounts, refused, chronicle, lost, faults, startedAt }) {
  const byId = new Map(accounts.map((account) => [account.id, account]));
  const violations = [];
  const allowed = [];
  for (const one of refused) {
    const { account, node, askedAt, arrivedAt, why } = one;
    const text = `${account} by ${node ?? 'nobody'} at ${clock(askedAt, startedAt)} after ${arrivedAt - askedAt} ms: ${why}`;
    if (hasNoSpare(one, byId.get(account), chronicle.get(account), lost, faults)) allowed.push(`no spare: ${text}`);
    else violations.push(text);
  }
  return { violations, allowed };
}

/** What a node that a fault holds can know is what was made before that began. */
function hasNoSpare({ node, askedAt, arrivedAt }, { mode, lifeSeconds }, made, lost, faults) {
  if (mode !== 'classic' || lifeSeconds >= TWO_GRACES_S) return false;
  const strikes = (fault) => (node === null || fault.node === node) && fault.from <= arrivedAt && fault.to >= askedAt;
  return faults.filter(strikes).some(({ from }) => {
    const before = made.filter(({ issuedAt }) => issuedAt < from);
    const current = before.findLast(({ handedOut }) => handedOut);
    const isOver = current !== undefined && arrivedAt >= current.issuedAt + lifeSeconds * 1000 - EARLY_MS;
    const since = before.slice(before.indexOf(current) + 1);
    return isOver && since.some((issue) => lost.some((one) => one.issue === issue && one.fault !== null));
  });
}
