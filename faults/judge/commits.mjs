/**
 * Nothing that was acknowledged is lost: in the store no generation and no fence goes back, no number is given to two
 * values, and every generation that a caller saw is still counted at the end. Then every node hands out the same living
 * token of every account.
 */

import { clock, short } from './chronicle.mjs';

export function judgeCommits({ accounts, generations, stored, wentBack, startedAt }) {
  const violations = wentBack.map(
    ({ at, account, what, from, to }) => `${what} of ${account} went from ${from} back to ${to} at ${clock(at, startedAt)}`,
  );
  for (const { id } of accounts) {
    const latest = stored.get(id)?.generation ?? 0;
    for (const [generation, values] of generations.get(id) ?? []) {
      if (generation > latest) violations.push(`generation ${generation} of ${id} was handed out; the store has ${latest}`);
      if (values.size > 1) violations.push(`generation ${generation} of ${id} was ${[...values].map(short).join(' and ')}`);
    }
  }
  return violations;
}

/** What WeChat accepts. In grace: its successor's issue was lost, and is made again when the grace is nearly over. */
const ACCEPTED = new Set(['alive', 'grace']);

/** `finals`: `{ account, node, status, generation, state }` of every account at every node, once all is well. */
export function judgeEnd({ finals, ended }) {
  const violations = ended.map(({ name, endedBy }) => `${name} ended by itself: ${endedBy}`);
  const generations = new Map();
  for (const { account, node, status, generation, state } of finals) {
    if (status !== 200) violations.push(`at the end ${node} answered ${status} for ${account}`);
    else if (!ACCEPTED.has(state)) violations.push(`at the end ${node} handed out a token of ${account} that is ${state}`);
    else if (generation !== (generations.get(account) ?? generation)) violations.push(`at the end the nodes differ on ${account}`);
    generations.set(account, generation);
  }
  return violations;
}
