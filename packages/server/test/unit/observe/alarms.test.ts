// Alarms: raised by the rule of the failure's class, cleared by recovery or by time, bounded in noise.
import { describe, expect, it } from 'vitest';
import type { CredentialId } from '../../../src/core/credential.ts';
import { EventBus } from '../../../src/core/events.ts';
import { FAILURE_CLASSES, type FailureClass } from '../../../src/core/failure.ts';
import { type AlarmChange, Alarms } from '../../../src/observe/alarms.ts';

const HOUR = 3_600_000;
const id: CredentialId = { account: 'wxshop', kind: 'access_token', chain: 'stable' };

function setUp() {
  const bus = new EventBus();
  const clock = { now: 1_000_000 };
  const alarms = new Alarms({ bus, now: () => clock.now });
  const told: string[] = [];
  alarms.on(({ change, alarm }: AlarmChange) => told.push(`${change} ${alarm.code} ${alarm.severity}`));
  const fail = (failureClass: FailureClass, attempts: number, of = id) =>
    bus.emit({
      type: 'refresh.failed',
      id: of,
      failure: {
        class: failureClass,
        message: `${failureClass} happened`,
        advice: { en: `mend ${failureClass}`, zh: `修复 ${failureClass}` },
        at: clock.now,
        attempts,
        retryAt: clock.now + 1000,
      },
    });
  return { bus, clock, alarms, told, fail };
}

describe('a failing refresh', () => {
  it.each(Object.entries(FAILURE_CLASSES) as [FailureClass, (typeof FAILURE_CLASSES)[FailureClass]][])(
    'of class %s alarms after as many attempts as its class says',
    (failureClass, rule) => {
      const { alarms, fail } = setUp();
      for (let attempts = 1; attempts < rule.alarmAfter; attempts += 1) fail(failureClass, attempts);
      expect(alarms.active()).toEqual([]);
      fail(failureClass, rule.alarmAfter);
      expect(alarms.active()).toMatchObject([
        { code: 'refresh_failing', ...id, class: failureClass, severity: rule.severity, cause: `${failureClass} happened` },
      ]);
      expect(alarms.of('wxshop')[0]?.advice).toEqual({ en: `mend ${failureClass}`, zh: `修复 ${failureClass}` });
      expect(alarms.of('other')).toEqual([]);
    },
  );

  it('is told once, counted on, and keeps its beginning', () => {
    const { alarms, clock, told, fail } = setUp();
    fail('config', 1);
    clock.now += 5000;
    fail('config', 2);
    expect(told).toEqual(['raised refresh_failing critical']);
    expect(alarms.active()).toMatchObject([{ since: 1_000_000, lastAt: 1_005_000, count: 2 }]);
  });

  it('stays up while its cause changes, and ends with the first success', () => {
    const { bus, alarms, told, fail } = setUp();
    fail('config', 1);
    fail('transient', 1);
    expect(alarms.active()).toMatchObject([{ class: 'transient' }]);
    bus.emit({ type: 'refresh.recovered', id, after: 'transient' });
    expect(alarms.active()).toEqual([]);
    expect(told.at(-1)).toBe('cleared refresh_failing warning');
  });

  it('becomes critical when nothing is left to serve, even on the first attempt', () => {
    const { bus, alarms, told, fail } = setUp();
    bus.emit({ type: 'credential.state', id, from: 'due', to: 'expired' });
    expect(alarms.active()).toEqual([]);
    fail('transient', 1);
    expect(alarms.active()).toMatchObject([{ severity: 'critical', class: 'transient' }]);
    expect(told).toEqual(['raised refresh_failing critical']);
  });

  it('is told again when it turns from a warning to an outage', () => {
    const { bus, told, fail } = setUp();
    fail('transient', 3);
    bus.emit({ type: 'credential.state', id, from: 'due', to: 'dead' });
    expect(told).toEqual(['raised refresh_failing warning', 'raised refresh_failing critical']);
  });

  it('ends when another process is seen to have succeeded', () => {
    const { bus, alarms, fail } = setUp();
    fail('config', 1);
    bus.emit({ type: 'credential.state', id, from: 'missing', to: 'fresh' });
    expect(alarms.active()).toEqual([]);
  });

  it('ends when the account is disabled or removed', () => {
    for (const change of [
      { change: 'updated', enabled: false },
      { change: 'removed', enabled: true },
    ] as const) {
      const { bus, alarms, fail } = setUp();
      fail('config', 1);
      fail('config', 1, { ...id, account: 'other' });
      const account = { id: 'wxshop', platform: 'official-account', mode: 'stable', enabled: change.enabled };
      bus.emit({ type: 'account.changed', account, change: change.change });
      expect(alarms.active().map(({ account }) => account)).toEqual(['other']);
    }
  });
});

describe('the other alarms', () => {
  it('hold for their time without news, and no longer', () => {
    const { bus, alarms, clock, told } = setUp();
    bus.emit({ type: 'refresh.foreign', id, fingerprint: '1a2b3c4d' });
    clock.now += HOUR;
    bus.emit({ type: 'refresh.foreign', id, fingerprint: '5e6f7a8b' });
    clock.now += 2 * HOUR - 1;
    expect(alarms.active()).toMatchObject([{ code: 'foreign_refresh', since: 1_000_000, count: 2 }]);
    clock.now += 1;
    expect(alarms.active()).toEqual([]);
    expect(told).toEqual(['raised foreign_refresh warning', 'cleared foreign_refresh warning']);
  });

  it('about a foreign refresh advise stable mode only where it is not used yet', () => {
    const { bus, alarms } = setUp();
    for (const chain of ['stable', 'classic']) bus.emit({ type: 'refresh.foreign', id: { ...id, chain }, fingerprint: '1a2b3c4d' });
    const advised = Object.fromEntries(alarms.active().map(({ chain, advice }) => [chain, /stable/.test(advice.en + advice.zh)]));
    expect(advised).toEqual({ stable: false, classic: true });
  });

  it('of the store lasts until the store is back', () => {
    const { bus, alarms, clock } = setUp();
    const advice = { en: 'free some', zh: '清理磁盘' };
    bus.emit({ type: 'store.failed', during: 'reading changes', trouble: { code: 'store_full', message: 'the disk is full', advice } });
    clock.now += 100 * HOUR;
    expect(alarms.active()).toMatchObject([
      { code: 'store_failed', severity: 'critical', account: '', cause: 'reading changes: the disk is full', advice },
    ]);
    bus.emit({ type: 'store.recovered' });
    expect(alarms.active()).toEqual([]);
  });

  it('name clocks, budgets, fallbacks and faults, with advice in both languages', () => {
    const { bus, alarms, fail } = setUp();
    bus.emit({ type: 'clock.jumped', byMs: 9000 });
    bus.emit({ type: 'clock.skewed', byMs: 90_000 });
    bus.emit({ type: 'clock.off', byMs: -3_600_000 });
    bus.emit({ type: 'refresh.budget_exhausted', id, reason: 'ordered' });
    bus.emit({ type: 'secret.fallback', id, slot: 1 });
    bus.emit({ type: 'internal.error', during: 'refresh', cause: new Error('x') });
    fail('config', 1);
    const codes = alarms.active().map(({ code }) => code);
    expect(codes[0]).toBe('refresh_failing');
    expect(new Set(codes)).toEqual(
      new Set(['refresh_failing', 'clock_jumped', 'clock_off', 'clock_skewed', 'budget_exhausted', 'secret_fallback', 'internal_error']),
    );
    for (const { advice } of alarms.active()) {
      expect(advice.en.length).toBeGreaterThan(3);
      expect(advice.zh).toMatch(/[\u4e00-\u9fff]/);
    }
  });

  it('of clocks say which one is ahead, and end when they agree', () => {
    const { bus, alarms } = setUp();
    bus.emit({ type: 'clock.skewed', byMs: 3_600_000 });
    bus.emit({ type: 'clock.off', byMs: 3_600_000 });
    const causes = () => Object.fromEntries(alarms.active().map(({ code, cause }) => [code, cause]));
    expect(causes()).toEqual({
      clock_skewed: "the store's clock is 3600 s behind WeChat's",
      clock_off: "this machine's clock is 3600 s ahead of the store's",
    });
    bus.emit({ type: 'clock.off', byMs: 0 });
    expect(Object.keys(causes())).toEqual(['clock_skewed']);
  });

  it('never carries a secret in its cause', () => {
    const { bus, alarms } = setUp();
    const secret = '0123456789abcdef0123456789abcdef';
    const trouble = { code: 'store_failed', message: `near "${secret}"`, advice: { en: '', zh: '' } } as const;
    bus.emit({ type: 'store.failed', during: 'writing', trouble });
    expect(JSON.stringify(alarms.active())).not.toContain(secret);
  });
});
