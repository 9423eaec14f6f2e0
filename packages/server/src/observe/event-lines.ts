/**
 * How each core event reads in the log: level, words, fields. One line per event, data over branches.
 *
 * A failure carries the advice of its class in both languages, so that the log alone says what to do.
 */

import type { CredentialId } from '../core/credential.ts';
import type { CoreEvent, EventType } from '../core/events.ts';
import { type Bilingual, FAILURE_CLASSES } from '../core/failure.ts';
import { alarmAdvice, spanOf } from './alarm-rules.ts';

export type Level = 'debug' | 'info' | 'warn' | 'error';

export interface EventLine {
  readonly level: Level;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

type EventOf<T extends EventType> = Extract<CoreEvent, { type: T }>;

const of = ({ account, kind, chain }: CredentialId) => ({ account, kind, chain });
const iso = (at: number): string => new Date(at).toISOString();
const line = (level: Level, message: string, fields: Record<string, unknown>): EventLine => ({ level, message, fields });
const withAdvice = ({ en, zh }: Bilingual) => ({ advice: en, advice_zh: zh });

const USE_A_KEY: Bilingual = {
  en: 'A service still holds the AppSecret of this account. Make it an API key with "zhongkong key create" and put that in the place of the AppSecret.',
  zh: '有业务方仍在使用该账号的 AppSecret。请用 “zhongkong key create” 为它创建 API key，填在原来 AppSecret 的位置。',
};

const LINES: { readonly [T in EventType]: (event: EventOf<T>) => EventLine } = {
  'credential.committed': ({ id, generation, fingerprint, reason, expiresAt, upstreamMs }) =>
    line('info', 'credential issued', { ...of(id), generation, fingerprint, reason, expires_at: iso(expiresAt), upstream_ms: upstreamMs }),
  'credential.state': ({ id, from, to }) => line('debug', `credential ${to}`, { ...of(id), from, to }),
  'credential.probed': ({ id, verdict }) => line('info', `credential probed: ${verdict}`, { ...of(id), verdict }),
  'credential.reported': ({ id, outcome }) => line('info', `credential reported: ${outcome}`, { ...of(id), outcome }),
  'refresh.failed': ({ id, failure }) =>
    line(FAILURE_CLASSES[failure.class].severity === 'critical' ? 'error' : 'warn', `refresh failed: ${failure.message}`, {
      ...of(id),
      class: failure.class,
      errcode: failure.errcode,
      rid: failure.rid,
      egress_ip: failure.egressIp,
      attempts: failure.attempts,
      retry_at: iso(failure.retryAt),
      ...withAdvice(failure.advice),
    }),
  'refresh.outcome_unknown': ({ id, count }) =>
    line('warn', 'an issue went out and its answer was lost: the current credential may have been replaced', { ...of(id), count }),
  'refresh.recovered': ({ id, after }) => line('info', 'refresh recovered', { ...of(id), after }),
  'refresh.foreign': ({ id, fingerprint }) =>
    line('warn', 'somebody else fetched this credential from WeChat', {
      ...of(id),
      fingerprint,
      ...withAdvice(alarmAdvice('foreign_refresh', id.chain)),
    }),
  'refresh.budget_exhausted': ({ id, reason }) =>
    line('warn', 'no issue is allowed now: budget or spacing', { ...of(id), reason, ...withAdvice(alarmAdvice('budget_exhausted')) }),
  'lease.taken_over': ({ id, fence }) => line('warn', 'took over a lease whose holder is gone or stuck', { ...of(id), fence }),
  'lease.lost': ({ id, fence }) => line('warn', 'the lease would not have outlasted the call: nothing was sent', { ...of(id), fence }),
  'commit.stale': ({ id, fence }) => line('warn', 'a later holder exists: this commit was refused', { ...of(id), fence }),
  'credential.lost': ({ id }) => line('error', 'no master key opens what is stored of this credential: it is issued anew', of(id)),
  'leak.step': ({ id, confirmed, needed }) =>
    line('info', `leak procedure: ${confirmed} of ${needed} issues`, { ...of(id), confirmed, needed }),
  'account.changed': ({ account, change }) =>
    line('info', `account ${change}`, { account: account.id, platform: account.platform, mode: account.mode, enabled: account.enabled }),
  'secret.fallback': ({ id, slot }) =>
    line('warn', 'the first AppSecret was refused, the fallback works', { ...of(id), slot, ...withAdvice(alarmAdvice('secret_fallback')) }),
  'secret.misplaced': ({ account }) =>
    line('warn', 'an AppSecret was sent where an API key belongs', { account, ...withAdvice(USE_A_KEY) }),
  'clock.jumped': ({ byMs }) => line('warn', 'the clock jumped', { by_ms: byMs, ...withAdvice(alarmAdvice('clock_jumped')) }),
  'clock.off': ({ byMs }) =>
    byMs === 0
      ? line('info', "this machine's clock agrees with the store's again", {})
      : line('warn', `this machine's clock is ${spanOf(byMs)} the store's`, { by_ms: byMs, ...withAdvice(alarmAdvice('clock_off')) }),
  'clock.skewed': ({ byMs }) =>
    line('warn', "our clock differs from WeChat's", { by_ms: byMs, ...withAdvice(alarmAdvice('clock_skewed')) }),
  'store.failed': ({ during, trouble: { code, message, advice } }) =>
    line('error', `store failed while ${during}: ${message}`, { code, ...withAdvice(advice) }),
  'store.recovered': () => line('info', 'store recovered', {}),
  'internal.error': ({ during, requestId, cause }) =>
    line('error', `internal error during ${during}`, { request_id: requestId, err: cause }),
};

/** What to log of an event. */
export function lineOf(event: CoreEvent): EventLine {
  return (LINES[event.type] as (event: CoreEvent) => EventLine)(event);
}
