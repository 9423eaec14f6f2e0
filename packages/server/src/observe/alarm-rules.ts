/** What kinds of alarm there are, as data: how bad, how long one stays without news, and what to do about it. */

import type { Bilingual } from '../core/failure.ts';
import { foreignRefreshAdvice } from '../core/foreign-refresh.ts';

export type AlarmCode =
  /** Refreshes of a credential fail by its class's rule (`FAILURE_CLASSES`), or it can no longer be served. */
  | 'refresh_failing'
  | 'foreign_refresh'
  | 'budget_exhausted'
  | 'secret_fallback'
  | 'store_failed'
  | 'clock_jumped'
  /** This machine's wall clock differs from the store's; harmless for credentials, which go by the store's. */
  | 'clock_off'
  | 'clock_skewed'
  | 'internal_error';

export type Severity = 'warning' | 'critical';

interface AlarmRule {
  readonly severity: Severity;
  /** Cleared when nothing was heard for so long, ms; null = only recovery clears it. */
  readonly holdMs: number | null;
}

const HOUR = 3_600_000;

export const ALARM_RULES: Readonly<Record<AlarmCode, AlarmRule>> = {
  // The severity is the failure class's; critical as soon as there is nothing left to serve.
  refresh_failing: { severity: 'warning', holdMs: null },
  // One token lifetime without another: whoever it was has stopped, or had asked once.
  foreign_refresh: { severity: 'warning', holdMs: 2 * HOUR },
  budget_exhausted: { severity: 'warning', holdMs: HOUR },
  // Works, but the next change of the secret has no net under it. Changing the account's secrets clears it.
  secret_fallback: { severity: 'warning', holdMs: 24 * HOUR },
  store_failed: { severity: 'critical', holdMs: null },
  clock_jumped: { severity: 'warning', holdMs: HOUR },
  clock_off: { severity: 'warning', holdMs: null },
  // Seen again with every upstream call while it lasts, so at least once per token lifetime.
  clock_skewed: { severity: 'warning', holdMs: 2 * HOUR },
  internal_error: { severity: 'warning', holdMs: HOUR },
};

const ADVICE = {
  budget_exhausted: {
    en: "Today's issues for this credential are used up, or two forced issues came too close. The current one goes on. Look who reports or refreshes so often.",
    zh: '该凭据今日的签发额度已用完，或两次强制签发间隔太短；当前凭据继续使用。请检查是谁在频繁上报失效或强制刷新。',
  },
  secret_fallback: {
    en: 'WeChat no longer accepts the first AppSecret; the fallback works. Make the working one the first: "zhongkong account secret".',
    zh: '微信已不接受第一个 AppSecret，目前使用备用的。请用 “zhongkong account secret” 把可用的那个设为第一个。',
  },
  clock_jumped: {
    en: 'Somebody or something set a clock. Run NTP (chrony) on this machine and on the store.',
    zh: '系统时间发生跳变。请在本机和存储所在机器上启用 NTP（如 chrony）。',
  },
  clock_off: {
    en: "Run NTP (chrony) on this machine. Lifetimes stay right, because they go by the store's clock; the times in this machine's log are wrong, and TLS may fail.",
    zh: '请在本机启用 NTP（如 chrony）校时。有效期以存储的时钟为准，不受影响；但本机日志的时间是错的，TLS 也可能失败。',
  },
  clock_skewed: {
    en: "The store's clock (with SQLite: this machine's) differs from WeChat's by over a minute. Run NTP (chrony) there.",
    zh: '存储的时钟（使用 SQLite 时即本机时钟）与微信服务器相差超过一分钟，请在该机器上启用 NTP（如 chrony）校时。',
  },
  internal_error: {
    en: 'A fault of ours. The log has the stack; please report it.',
    zh: '服务内部错误。日志中有调用栈，欢迎反馈。',
  },
} as const satisfies Partial<Record<AlarmCode, Bilingual>>;

/** The codes whose cause is always the same; `refresh_failing` and `store_failed` bring the advice of the failure itself. */
export type PlainAlarmCode = keyof typeof ADVICE | 'foreign_refresh';

/** How far a clock is from another, for people: `3600 s ahead of`. */
export const spanOf = (byMs: number): string => `${Math.round(Math.abs(byMs) / 1000)} s ${byMs > 0 ? 'ahead of' : 'behind'}`;

/** `chain`: the one of the credential it is about, or '' for the server as a whole. */
export const alarmAdvice = (code: PlainAlarmCode, chain = ''): Bilingual =>
  code === 'foreign_refresh' ? foreignRefreshAdvice(chain) : ADVICE[code];
