/** Why there is nothing to hand out, as the error a caller gets: with WeChat's own words when it said some. */

import type { CredentialRecord } from './credential.ts';
import { ZhongkongError } from './errors.ts';
import { nextAttemptAt } from './schedule.ts';

const seconds = (ms: number): number => Math.max(1, Math.ceil(ms / 1000));

/** Our own budget or spacing allows no issue for `waitMs`. */
export function overBudget(waitMs: number): ZhongkongError {
  return new ZhongkongError('refresh_budget_exhausted', 'no issue is allowed now', { retryAfterSeconds: seconds(waitMs) });
}

/** An order that brought nothing, though nothing keeps it back: its answer was lost. What is due next comes by itself. */
export function unconfirmed(record: CredentialRecord, now: number): ZhongkongError {
  return new ZhongkongError('deadline_exceeded', 'no new credential yet', { retryAfterSeconds: seconds(nextAttemptAt(record) - now) });
}

/** Nothing usable. */
export function unavailable(record: CredentialRecord, now: number): ZhongkongError {
  const { failure } = record;
  if (failure === null && now < record.budgetOpensAt) return overBudget(record.budgetOpensAt - now);
  if (failure === null) {
    // Nobody failed, it was only not done in time: the lease was too short for a call, or another node is at it.
    return new ZhongkongError('deadline_exceeded', 'no credential yet', { retryAfterSeconds: seconds(nextAttemptAt(record) - now) });
  }
  return new ZhongkongError('credential_unavailable', failure.message, {
    ...(failure.errcode === undefined ? {} : { errcode: failure.errcode, errmsg: failure.message }),
    ...(failure.rid === undefined ? {} : { rid: failure.rid }),
    retryAfterSeconds: seconds(failure.retryAt - now),
    advice: failure.advice,
  });
}
