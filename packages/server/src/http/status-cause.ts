/** Why a credential is not simply fine, in words: a failure of WeChat's first, then what only we can know. */

import type { Account } from '../core/account.ts';
import type { CredentialRecord } from '../core/credential.ts';
import { ERROR_ADVICE } from '../core/errors.ts';
import type { Bilingual, FailureClass } from '../core/failure.ts';
import { foreignRefreshAdvice } from '../core/foreign-refresh.ts';
import { suspect } from '../core/schedule.ts';
import type { ServerCause } from './environment.ts';
import { rfc3339, rfc3339OrNull } from './schemas.ts';

export interface Cause {
  readonly code: string;
  readonly class: FailureClass | null;
  readonly message: string;
  readonly attempts: number | null;
  readonly since: string | null;
  readonly errcode?: number;
  readonly rid?: string;
  readonly egress_ip?: string;
  readonly advice: Bilingual;
}

/** A foreign refresh is news for one lifetime. */
const FOREIGN_NEWS_MS = 2 * 3_600_000;

interface Condition {
  readonly code: string;
  readonly holds: (record: CredentialRecord, account: Account, now: number) => boolean;
  readonly since: (record: CredentialRecord) => number | null;
  readonly message: string;
  readonly advice: (account: Account) => Bilingual;
}

/** In order of gravity. */
const CONDITIONS: readonly Condition[] = [
  {
    code: 'account_disabled',
    holds: (_, account) => !account.enabled,
    since: () => null,
    message: 'the account is disabled: its credentials are neither kept nor served',
    advice: () => ERROR_ADVICE.account_disabled,
  },
  {
    code: 'credential_dead',
    holds: (record) => record.dead,
    since: (record) => record.lastVerifiedAt,
    message: 'WeChat no longer accepts the current value; a new one is being issued',
    advice: () => ({
      en: 'Nothing to do while refreshes succeed. If it happens again, look for another program that fetches tokens for this AppID.',
      zh: '刷新成功即可自愈，无需处理；若反复出现，请检查是否有其他程序也在用这个 AppID 取 token。',
    }),
  },
  {
    code: 'outcome_unknown',
    holds: (record, _, now) => suspect(record, now),
    since: (record) => record.suspectFrom,
    message: "the current value may have been replaced: an answer of WeChat's was lost, or the store is a restored copy",
    advice: () => ({
      en: 'It is being refreshed and served on meanwhile. If this lasts, check the network between this server and WeChat.',
      zh: '正在刷新，期间继续提供服务；若持续出现，请检查本机到微信的网络。',
    }),
  },
  {
    code: 'foreign_refresh',
    holds: (record, _, now) => record.foreignRefreshAt !== null && now < record.foreignRefreshAt + FOREIGN_NEWS_MS,
    since: (record) => record.foreignRefreshAt,
    message: 'somebody else fetched this credential from WeChat',
    advice: ({ mode }) => foreignRefreshAdvice(mode),
  },
];

/** `stopped`: why nothing is issued from this store, or null; then no doubt is being mended, whatever else is wrong. */
export function causeOf(record: CredentialRecord, account: Account, now: number, stopped: ServerCause | null = null): Cause | null {
  if (stopped && account.enabled && (record.dead || suspect(record, now))) {
    const { code, message, since, advice } = stopped;
    return { code, class: null, message, attempts: null, since: rfc3339(since), advice };
  }
  const { failure } = record;
  if (failure && account.enabled) {
    const { errcode, rid, egressIp, message, attempts, at, advice } = failure;
    return {
      code: 'refresh_failing',
      class: failure.class,
      message,
      attempts,
      since: rfc3339(at),
      ...(errcode === undefined ? {} : { errcode }),
      ...(rid === undefined ? {} : { rid }),
      ...(egressIp === undefined ? {} : { egress_ip: egressIp }),
      advice,
    };
  }
  const found = CONDITIONS.find(({ holds }) => holds(record, account, now));
  if (!found) return null;
  const { code, message, advice } = found;
  return { code, class: null, message, attempts: null, since: rfc3339OrNull(found.since(record)), advice: advice(account) };
}
