/**
 * No caller gets a token that WeChat refuses. Judged by WeChat's ledger: a token that had died before the caller asked was
 * dead when it was handed out, whatever happened on the way; one that died between question and answer may have been
 * alive when it left, and is only counted.
 *
 * Two causes are allowed, in classic mode, and each case is listed:
 * - *in doubt*: an issue was lost by a fault. Its retry, when the grace is nearly over, ends what is being served at the
 *   instant it is made, for WeChat keeps only two. Until the others have looked again, 1 s later, they still serve it.
 * - *paused holder*: a node stopped for longer than its lease sent all the same, and what it got was never stored. That has to
 *   be found out: the account has a new token soon, and what the old one was handed out later for is not allowed.
 */

import { clock, short } from './chronicle.mjs';
import { LEASE_MS } from '../schedule.mjs';
import { WAKES_MS } from './issues.mjs';

/** Grace 300 s less the product's margin of 30 s, and clocks: a retry before that is not the one that had to come. */
const RETRY_MS = 265_000;
/** A value in doubt is looked at every second; and the answer is on its way for a while. */
const DOUBT_LOOK_MS = 2000;
/**
 * The paused one finds out by itself: its write is refused. It says so in the store and asks WeChat again (2 s at most), and
 * the others have heard of it at their next look (5 s at most); and each of the four ways takes a while, ms.
 */
const FOUND_OUT_MS = 10_000;

export function judgeReads({ accounts, reads, tokens, chronicle, lost, faults, startedAt }) {
  const modes = new Map(accounts.map(({ id, mode }) => [id, mode]));
  const violations = [];
  const cases = new Map();
  let onTheWay = 0;
  for (const read of reads) {
    const { account, value, askedAt, arrivedAt, node } = read;
    const diedAt = tokens.get(value).valid_until;
    if (diedAt === null) violations.push(`${node} handed out ${short(value)} for ${account}, which WeChat never made`);
    else if (diedAt <= askedAt) {
      const cause = modes.get(account) === 'classic' ? causeOf(read, diedAt, chronicle.get(account), lost, faults) : null;
      const text = `${node} handed out ${short(value)} of ${account} at ${clock(askedAt, startedAt)}, ${askedAt - diedAt} ms after its end`;
      if (cause === null) violations.push(text);
      else note(cases, cause, account, value, read, diedAt);
    } else if (diedAt <= arrivedAt) onTheWay += 1;
  }
  return { violations, onTheWay, allowed: [...cases.values()].map((one) => tell(one, chronicle.get(one.account), startedAt)) };
}

function causeOf({ value, askedAt }, diedAt, made, lost, faults) {
  const killer = made.find(({ issuedAt }) => issuedAt === diedAt);
  if (killer === undefined) return null;
  const isLost = (issue) => lost.some((one) => one.issue === issue && one.fault !== null);
  const before = made[made.indexOf(killer) - 1];
  const planned = before && before.value !== value && isLost(before) && killer.issuedAt - before.issuedAt >= RETRY_MS;
  if (planned && askedAt - diedAt <= DOUBT_LOOK_MS) return 'in doubt';
  const paused = faults.some(({ does, node, from, to }) => {
    return does === 'stopped' && node === killer.node && to - from >= LEASE_MS && killer.sentAt >= to && killer.sentAt <= to + WAKES_MS;
  });
  const found = replacement(diedAt, made);
  const inTime = found !== undefined && found.issuedAt - diedAt <= FOUND_OUT_MS && askedAt - diedAt <= FOUND_OUT_MS;
  return isLost(killer) && paused && inTime ? 'paused holder' : null;
}

/** The first after it that callers saw. */
const replacement = (diedAt, made) => made.find(({ issuedAt, handedOut }) => issuedAt >= diedAt && handedOut);

function note(cases, cause, account, value, { askedAt }, diedAt) {
  const one = cases.get(value) ?? { cause, account, value, diedAt, reads: 0, lastAt: 0 };
  one.reads += 1;
  one.lastAt = Math.max(one.lastAt, askedAt);
  cases.set(value, one);
}

function tell({ cause, account, value, diedAt, reads, lastAt }, made, startedAt) {
  const next = replacement(diedAt, made);
  const found = next ? `replaced by ${short(next.value)} of ${next.node} ${next.issuedAt - diedAt} ms after its end` : 'not replaced';
  return `${cause}: ${short(value)} of ${account} ended at ${clock(diedAt, startedAt)}; ${reads} reads, the last ${lastAt - diedAt} ms later; ${found}`;
}
