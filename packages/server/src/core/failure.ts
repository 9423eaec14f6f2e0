/**
 * Why an upstream call did not give a credential, in classes that each have their own backoff and alarm.
 *
 * A platform's error table maps its codes to a class; nothing below the platforms knows a code.
 * A failure never overwrites a credential.
 */

export type FailureClass =
  /** Busy, 5xx, timeout, nonsense answer: try again soon. */
  | 'transient'
  /** The token used was dead. */
  | 'refreshable'
  | 'rate-minute'
  | 'rate-day'
  /** AppID, AppSecret or another setting is wrong: only a person can mend it. */
  | 'config'
  /** Our egress IP is not on the whitelist. */
  | 'network-acl'
  /** WeChat waits for an administrator's confirmation, or was refused one. */
  | 'admin'
  /** The account is frozen, limited or banned. */
  | 'account'
  /** The merchant's authorisation is gone. */
  | 'auth-lost'
  /** The pushed ticket is too old or wrong. */
  | 'ticket'
  /** A code that says nothing about credentials. */
  | 'rejected';

export interface Bilingual {
  readonly en: string;
  readonly zh: string;
}

/** One upstream failure as the platform's table explains it. */
export interface UpstreamFailure {
  readonly class: FailureClass;
  /** WeChat's number; absent when there was no WeChat answer at all. */
  readonly errcode?: number;
  /** WeChat's words, or ours; never contains a secret. */
  readonly message: string;
  readonly rid?: string;
  /** The egress IP that WeChat saw, parsed from its answer. */
  readonly egressIp?: string;
  readonly advice: Bilingual;
  /** Minimal wait that this very code asks for. */
  readonly retryAfterMs?: number;
  /** Longest wait worth its while, ms: asking costs nothing there. Default: the class's. */
  readonly retryWithinMs?: number;
}

/** A failure as a record keeps it. */
export interface Failure extends UpstreamFailure {
  readonly at: number;
  /** In a row, within this class. */
  readonly attempts: number;
  readonly retryAt: number;
}

export type AlarmSeverity = 'none' | 'warning' | 'critical';

interface ClassRule {
  /** Wait before attempt 2, 3, …; the last one repeats. */
  readonly backoffMs: readonly number[];
  /** Alarm once this many attempts in a row failed. */
  readonly alarmAfter: number;
  readonly severity: AlarmSeverity;
}

const SECOND = 1000;
const MINUTE = 60 * SECOND;

/** Data, not branches: what each class costs in waiting and noise. */
export const FAILURE_CLASSES: Readonly<Record<FailureClass, ClassRule>> = {
  // WeChat's own advice for -1: retry; 1-2-4 s, then keep knocking, because in stable mode only 295 s are left.
  transient: { backoffMs: [1, 2, 4, 8, 15, 30].map((s) => s * SECOND), alarmAfter: 3, severity: 'warning' },
  refreshable: { backoffMs: [1, 5, 30].map((s) => s * SECOND), alarmAfter: 2, severity: 'warning' },
  'rate-minute': { backoffMs: [65 * SECOND], alarmAfter: 2, severity: 'warning' },
  // Past 00:00 +08:00 when that comes first (backoff.ts). That quotas return then is an assumption, and a person can
  // clear one at any hour, so that a whole day of silence could be a day without a token for nothing.
  'rate-day': { backoffMs: [10, 30, 60].map((m) => m * MINUTE), alarmAfter: 1, severity: 'critical' },
  // Only a person can mend these, and mending them wakes the account at once; knocking seldom finds what was
  // mended on WeChat's side without hammering it.
  config: { backoffMs: [5, 15, 60].map((m) => m * MINUTE), alarmAfter: 1, severity: 'critical' },
  'network-acl': { backoffMs: [1, 3, 5].map((m) => m * MINUTE), alarmAfter: 1, severity: 'critical' },
  admin: { backoffMs: [10 * MINUTE], alarmAfter: 1, severity: 'critical' },
  account: { backoffMs: [10, 30, 60].map((m) => m * MINUTE), alarmAfter: 1, severity: 'critical' },
  'auth-lost': { backoffMs: [60 * MINUTE], alarmAfter: 1, severity: 'critical' },
  ticket: { backoffMs: [30 * SECOND, MINUTE, 5 * MINUTE], alarmAfter: 1, severity: 'critical' },
  rejected: { backoffMs: [5, 15, 60].map((m) => m * MINUTE), alarmAfter: 1, severity: 'critical' },
};
