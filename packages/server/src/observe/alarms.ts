/**
 * The alarms that are up: what a person should look at, with cause, advice and since when.
 *
 * quiet ──enough failures in a row, or nothing left to serve──▶ raised ──recovery, or the hold time without news──▶ cleared
 * One alarm per (code, credential); news of a raised alarm updates it in place, its `since` stays. Bounded by the number
 * of credentials. No timers: hold times are looked at with each event and each question.
 */

import { type CredentialId, credentialKey } from '../core/credential.ts';
import type { CoreEvent, EventBus, EventType } from '../core/events.ts';
import { type Bilingual, FAILURE_CLASSES, type Failure, type FailureClass } from '../core/failure.ts';
import { ALARM_RULES, type AlarmCode, alarmAdvice, type PlainAlarmCode, type Severity, spanOf } from './alarm-rules.ts';
import { scrub } from './redact.ts';

export interface Alarm {
  readonly code: AlarmCode;
  /** The credential it concerns; empty strings for the server as a whole. */
  readonly account: string;
  readonly kind: string;
  readonly chain: string;
  /** With `refresh_failing` only. */
  readonly class: FailureClass | null;
  readonly severity: Severity;
  /** One sentence, in the words of whoever failed. */
  readonly cause: string;
  readonly advice: Bilingual;
  /** When it was raised, store time, epoch ms. */
  readonly since: number;
  /** Latest news of it, epoch ms. */
  readonly lastAt: number;
  /** How often it was heard of since it was raised. */
  readonly count: number;
}

export interface AlarmChange {
  readonly change: 'raised' | 'cleared';
  readonly alarm: Alarm;
}

export interface AlarmsDeps {
  readonly bus: EventBus;
  /** Store time, epoch ms. */
  readonly now: () => number;
}

const NOWHERE: CredentialId = { account: '', kind: '', chain: '' };

type Reactions = { readonly [T in EventType]?: (event: Extract<CoreEvent, { type: T }>) => void };

export class Alarms {
  readonly #now: () => number;
  readonly #active = new Map<string, Alarm>();
  /** Latest failure of each credential that fails now, whether or not it is worth an alarm yet. */
  readonly #failing = new Map<string, { readonly id: CredentialId; readonly failure: Failure }>();
  /** Credentials with nothing left to serve. */
  readonly #unusable = new Set<string>();
  readonly #listeners = new Set<(change: AlarmChange) => void>();
  /** No hold time ends before this instant. */
  #expiryAt = Number.POSITIVE_INFINITY;

  constructor({ bus, now }: AlarmsDeps) {
    this.#now = now;
    bus.on((event) => {
      this.#expire();
      (this.#reactions[event.type] as ((event: CoreEvent) => void) | undefined)?.(event);
    });
  }

  /** Every alarm that is up, the worst first, then the oldest. */
  active(): readonly Alarm[] {
    this.#expire();
    const rank = ({ severity }: Alarm) => (severity === 'critical' ? 0 : 1);
    return [...this.#active.values()].sort((a, b) => rank(a) - rank(b) || a.since - b.since);
  }

  /** The alarms of one account. */
  of(account: string): readonly Alarm[] {
    return this.active().filter((alarm) => alarm.account === account);
  }

  /** Called with each alarm raised or cleared; returns the way to stop. Must not throw. */
  on(listener: (change: AlarmChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  readonly #reactions: Reactions = {
    'refresh.failed': ({ id, failure }) => this.#failed(id, failure),
    'refresh.recovered': ({ id }) => this.#recovered(id),
    'credential.committed': ({ id }) => {
      this.#recovered(id);
      this.#clear('budget_exhausted', id);
    },
    'credential.state': ({ id, to }) => {
      const key = credentialKey(id);
      const unusable = to === 'expired' || to === 'dead';
      if (unusable) this.#unusable.add(key);
      else this.#unusable.delete(key);
      // Also how a commit by another process shows here.
      if (to === 'fresh') this.#recovered(id);
      const failing = this.#failing.get(key);
      if (unusable && failing) this.#failed(id, failing.failure);
    },
    'refresh.foreign': ({ id }) => this.#raise('foreign_refresh', id, 'somebody else fetched this credential from WeChat'),
    'refresh.budget_exhausted': ({ id, reason }) => this.#raise('budget_exhausted', id, `no issue allowed (wanted: ${reason})`),
    'secret.fallback': ({ id }) => this.#raise('secret_fallback', id, 'WeChat refused the first AppSecret, the fallback works'),
    'account.changed': ({ account, change }) => {
      const gone = change === 'removed' || !account.enabled;
      for (const alarm of [...this.#active.values()]) {
        if (alarm.account === account.id && (gone || alarm.code === 'secret_fallback')) this.#clear(alarm.code, alarm);
      }
      if (!gone) return;
      for (const { id } of [...this.#failing.values()]) if (id.account === account.id) this.#recovered(id);
    },
    'store.failed': ({ during, trouble: { message, advice } }) => {
      const { severity } = ALARM_RULES.store_failed;
      this.#put({ code: 'store_failed', ...NOWHERE, class: null, severity, cause: `${during}: ${message}`, advice });
    },
    'store.recovered': () => this.#clear('store_failed', NOWHERE),
    'clock.jumped': ({ byMs }) => this.#raise('clock_jumped', NOWHERE, `the clock jumped by ${byMs} ms`),
    'clock.off': ({ byMs }) =>
      byMs === 0
        ? this.#clear('clock_off', NOWHERE)
        : this.#raise('clock_off', NOWHERE, `this machine's clock is ${spanOf(byMs)} the store's`),
    'clock.skewed': ({ byMs }) => this.#raise('clock_skewed', NOWHERE, `the store's clock is ${spanOf(-byMs)} WeChat's`),
    'internal.error': ({ during }) => this.#raise('internal_error', NOWHERE, `internal error during ${during}`),
  };

  #failed(id: CredentialId, failure: Failure): void {
    const key = credentialKey(id);
    this.#failing.set(key, { id, failure });
    const rule = FAILURE_CLASSES[failure.class];
    const unusable = this.#unusable.has(key);
    const enough = rule.severity !== 'none' && failure.attempts >= rule.alarmAfter;
    // A raised alarm stays up while its cause changes from one class to another: only a success clears it.
    if (!enough && !unusable && !this.#active.has(alarmKey('refresh_failing', id))) return;
    const severity = unusable || rule.severity === 'critical' ? 'critical' : 'warning';
    const { class: failureClass, message: cause, advice } = failure;
    this.#put({ code: 'refresh_failing', ...id, class: failureClass, severity, cause, advice });
  }

  #recovered(id: CredentialId): void {
    this.#failing.delete(credentialKey(id));
    this.#clear('refresh_failing', id);
  }

  #raise(code: PlainAlarmCode, id: CredentialId, cause: string): void {
    this.#put({ code, ...id, class: null, severity: ALARM_RULES[code].severity, cause, advice: alarmAdvice(code, id.chain) });
  }

  /** The one place that raises. */
  #put(news: Omit<Alarm, 'since' | 'lastAt' | 'count'>): void {
    const key = alarmKey(news.code, news);
    const before = this.#active.get(key);
    const now = this.#now();
    const alarm: Alarm = { ...news, cause: scrub(news.cause), since: before?.since ?? now, lastAt: now, count: (before?.count ?? 0) + 1 };
    this.#active.set(key, alarm);
    this.#expiryAt = Math.min(this.#expiryAt, expiryOf(alarm));
    // Worse than before is news to a person, too.
    if (!before || (before.severity === 'warning' && alarm.severity === 'critical')) this.#tell({ change: 'raised', alarm });
  }

  /** The one place that clears. */
  #clear(code: AlarmCode, id: CredentialId): void {
    const key = alarmKey(code, id);
    const alarm = this.#active.get(key);
    if (!alarm) return;
    this.#active.delete(key);
    this.#tell({ change: 'cleared', alarm });
  }

  /** Cheap while nothing is due: during an outage there are as many alarms as credentials. */
  #expire(): void {
    const now = this.#now();
    if (now < this.#expiryAt) return;
    this.#expiryAt = Number.POSITIVE_INFINITY;
    for (const alarm of [...this.#active.values()]) {
      if (now >= expiryOf(alarm)) this.#clear(alarm.code, alarm);
      else this.#expiryAt = Math.min(this.#expiryAt, expiryOf(alarm));
    }
  }

  #tell(change: AlarmChange): void {
    for (const listener of this.#listeners) listener(change);
  }
}

const alarmKey = (code: AlarmCode, { account, kind, chain }: CredentialId): string => `${code} ${credentialKey({ account, kind, chain })}`;

function expiryOf({ code, lastAt }: Alarm): number {
  const { holdMs } = ALARM_RULES[code];
  return holdMs === null ? Number.POSITIVE_INFINITY : lastAt + holdMs;
}
