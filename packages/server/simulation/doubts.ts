/**
 * Dead tokens and broken lifetimes, and the narrow list of causes that a promise allows for them.
 *
 * Whether a cause applies depends on what became of the issue that ended the token, so cases wait until the end of the
 * run. What excuses is the history of one credential: orders whose answer was lost, races that a paused holder lost.
 */

import { clockText } from './trace.ts';
import type { Rule } from './rules.ts';
import type { Issue, Token } from './wechat.ts';

/** The next holder has counted a lost issue by then, and every node has heard of it. */
const COUNTED_MS = 60_000;
/** By so much the product takes two nodes to disagree about which of two issues was sent first. */
const APART_MS = 5000;

export interface Doubt {
  readonly rule: Rule;
  readonly token: Token;
  readonly killer: Issue | 'revoked' | null;
  readonly at: number;
  readonly text: string;
  /** The node had seen everything stored before this. */
  readonly knownAt: number;
  /** Its connection to the store was failing, so memory was all it had. */
  readonly cutOff: boolean;
  /** Its account was removed since it was issued. */
  readonly removed: boolean;
  /** Its life was reckoned by a clock that had been set since. */
  readonly clockWasSet: boolean;
}

interface Moment {
  readonly account: string;
  readonly at: number;
}

export class Doubts {
  readonly #cases: Doubt[] = [];
  readonly #races: Moment[] = [];
  readonly #electiveIntents: Moment[] = [];
  readonly #outside: Moment[] = [];

  add(doubt: Doubt): void {
    this.#cases.push(doubt);
  }

  /** A commit was stale: a holder was paused past its lease, and two issues may have raced. */
  raced(account: string, at: number): void {
    this.#races.push({ account, at });
  }

  /** A call for a report, an order or the leak procedure is about to be made; its answer may be lost. */
  electiveIntent(account: string, at: number): void {
    this.#electiveIntents.push({ account, at });
  }

  /** Somebody who is not us issued, or WeChat revoked: what follows is the answer to that. */
  fromOutside(account: string, at: number): void {
    this.#outside.push({ account, at });
  }

  /** Each case with the cause that excuses it, or null and what to say. */
  *judged(): Generator<{ readonly doubt: Doubt; readonly why: string | null; readonly text: string }> {
    for (const doubt of this.#cases) {
      yield { doubt, why: this.#pardon(doubt), text: `${doubt.text}, ended by ${killerText(doubt.killer)}` };
    }
  }
  /** The narrow list of causes that a promise allows, or null. */
  #pardon(doubt: Doubt): string | null {
    const { killer, token } = doubt;
    // Whatever ended it: the store knew, and this node had looked since.
    const { goneAt } = token;
    if (!doubt.rule.startsWith('honest') && goneAt !== null && doubt.knownAt > goneAt && !doubt.cutOff) return null;
    const why = this.#pardonFor(doubt, killer);
    const { replacedBy } = token;
    if (why !== null || replacedBy === null || replacedBy === killer || killer === null || killer === 'revoked') return why;
    // Its successor was ended from outside, and what replaced that one evicted it.
    const forced = ({ account, at }: Moment): boolean => account === token.account && at >= replacedBy.arrivedAt && at <= killer.arrivedAt;
    if (this.#outside.some(forced)) return 'its successor was ended from outside';
    // Somebody had made it the previous one already; who then made the next is not to blame.
    return this.#pardonFor(doubt, replacedBy);
  }

  #pardonFor({ rule, token, at, knownAt, cutOff, removed, clockWasSet }: Doubt, killer: Issue | 'revoked' | null): string | null {
    if (killer === null) return clockWasSet ? 'a clock was set' : null;
    if (killer === 'revoked') return 'revoked by WeChat';
    if (killer.by === null) return 'a foreign issue';
    if (killer.late) return 'a holder paused past its lease sent';
    if (removed) return 'its account was removed';
    // Without a reason its holder died before it could say so.
    if (killer.reason === null || killer.reason === 'suspect' || killer.reason === 'missing' || killer.landedAt === null) {
      const { account } = token;
      const within = (one: { readonly account: string; readonly at: number }, from: number): boolean =>
        one.account === account && one.at >= from && one.at <= killer.sentAt;
      // The loser tells of the doubt, which stays until an issue succeeds, however long WeChat or the store is away.
      if (this.#races.some((one) => within(one, token.issue.askedAt - APART_MS)))
        return 'a holder was paused past its lease, and two issues raced';
      if (this.#electiveIntents.some((one) => within(one, token.issue.askedAt))) return 'the retry after a lost elective issue';
    }
    const { landedAt, reason } = killer;
    const elective = reason === null ? killer.elective : reason === 'report' || reason === 'ordered' || reason === 'leak';
    if (rule.startsWith('honest'))
      return elective ? `an issue for a ${reason ?? 'report, order or leak'}` : clockWasSet ? 'a clock was set' : null;
    if (landedAt !== null && elective) return 'replaced for a report, order or leak, not heard of yet';
    if (landedAt !== null && landedAt > token.diesAt && knownAt < landedAt)
      return 'stored late by a holder that was paused, not heard of yet';
    if (landedAt !== null && cutOff) return 'cut off from the store';
    if (landedAt === null && elective && at - token.diesAt < COUNTED_MS) return 'an elective issue that was lost';
    if (cutOff) return 'cut off from the store';
    return clockWasSet ? 'a clock was set' : null;
  }
}

function killerText(killer: Issue | 'revoked' | null): string {
  if (killer === null || killer === 'revoked') return killer ?? 'its own expiry';
  const { by, reason, sentAt, landedAt, lostBecause } = killer;
  return `#${by}'s ${reason ?? 'uncommitted'} issue of ${clockText(sentAt)}, ${landedAt === null ? `lost: ${lostBecause}` : `stored ${clockText(landedAt)}`}`;
}
