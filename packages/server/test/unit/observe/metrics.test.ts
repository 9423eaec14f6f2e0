// Metrics: what happened can be read off, series stay bounded, nothing secret appears.
import { describe, expect, it } from 'vitest';
import { type CoreEvent, EventBus } from '../../../src/core/events.ts';
import { type Upstream, UpstreamError } from '../../../src/core/upstream.ts';
import { Alarms } from '../../../src/observe/alarms.ts';
import { createMetrics } from '../../../src/observe/metrics.ts';

const id = { account: 'wxshop', kind: 'access_token', chain: 'stable' };
const committed: CoreEvent = {
  type: 'credential.committed',
  id,
  generation: 1,
  fingerprint: '1a2b3c4d',
  reason: 'missing',
  expiresAt: 8_200_000,
  upstreamMs: 30,
};
const failed: CoreEvent = {
  type: 'refresh.failed',
  id,
  failure: { class: 'config', message: 'x', advice: { en: 'y', zh: 'z' }, at: 0, attempts: 1, retryAt: 1 },
};

function setUp(accounts = 2, dueAt: number | null = null) {
  const bus = new EventBus();
  const now = () => 1_000_000;
  const metrics = createMetrics({
    bus,
    alarms: new Alarms({ bus, now }),
    version: '1.2.3',
    now,
    accountCount: async () => accounts,
    nextDueAt: async () => dueAt,
    inFlight: () => 3,
  });
  const lines = async () => (await metrics.text()).body.split('\n').filter((line) => line.startsWith('zhongkong_'));
  return { bus, metrics, lines };
}

describe('metrics', () => {
  it('count what the events say', async () => {
    const { bus, lines } = setUp();
    bus.emit(committed);
    bus.emit({ type: 'credential.state', id, from: 'missing', to: 'fresh' });
    bus.emit({ type: 'credential.state', id, from: 'fresh', to: 'due' });
    bus.emit(failed);
    bus.emit({ type: 'lease.taken_over', id, fence: 2 });
    bus.emit({
      type: 'store.failed',
      during: 'reading changes',
      trouble: { code: 'store_failed', message: 'x', advice: { en: '', zh: '' } },
    });
    bus.emit({ type: 'refresh.budget_exhausted', id, reason: 'ordered' });
    bus.emit({ type: 'credential.reported', id, outcome: 'alive' });
    const text = await lines();
    for (const line of [
      'zhongkong_build_info{version="1.2.3"} 1',
      'zhongkong_refreshes_total{kind="access_token",outcome="issued",reason="missing",class=""} 1',
      'zhongkong_refreshes_total{kind="access_token",outcome="failed",reason="",class="config"} 1',
      'zhongkong_credentials{state="due"} 1',
      'zhongkong_alarms{code="refresh_failing",severity="critical",class="config"} 1',
      'zhongkong_alarms{code="store_failed",severity="critical",class=""} 1',
      'zhongkong_leases_taken_over_total{kind="access_token"} 1',
      'zhongkong_store_failures_total{during="reading changes"} 1',
      'zhongkong_budget_exhausted_total{kind="access_token",reason="ordered"} 1',
      'zhongkong_reports_total{kind="access_token",outcome="alive"} 1',
      'zhongkong_accounts 2',
      'zhongkong_refreshes_in_flight 3',
      'zhongkong_due_lag_seconds 0',
    ]) {
      expect(text).toContain(line);
    }
  });

  it('count reads by addition alone', async () => {
    const { metrics, lines } = setUp();
    const cell = metrics.readCell('v1', 'access_token');
    cell.count += 41;
    metrics.readCell('v1', 'access_token').count += 1;
    metrics.readCell('dropin', 'access_token').count += 7;
    for (let scrape = 0; scrape < 2; scrape += 1) {
      expect(await lines()).toContain('zhongkong_reads_total{surface="v1",kind="access_token"} 42');
    }
    expect(await lines()).toContain('zhongkong_reads_total{surface="dropin",kind="access_token"} 7');
  });

  it('say how late the oldest due credential is', async () => {
    expect(await setUp(1, 940_000).lines()).toContain('zhongkong_due_lag_seconds 60');
    expect(await setUp(1, 1_060_000).lines()).toContain('zhongkong_due_lag_seconds 0');
  });

  it('name accounts up to 1,000 of them and none above', async () => {
    for (const [accounts, named] of [
      [1000, true],
      [1001, false],
    ] as const) {
      const { bus, lines } = setUp(accounts);
      bus.emit(committed);
      bus.emit(failed);
      expect((await lines()).some((line) => line.includes('wxshop'))).toBe(named);
    }
  });

  it('forget a removed account', async () => {
    const { bus, lines } = setUp();
    bus.emit(committed);
    expect(await lines()).toContain('zhongkong_credential_expiry_seconds{account="wxshop",kind="access_token",chain="stable"} 8200');
    bus.emit({ type: 'account.changed', account: { id: 'wxshop', platform: 'x', mode: 'stable', enabled: true }, change: 'removed' });
    expect((await lines()).some((line) => line.includes('wxshop'))).toBe(false);
  });

  it('time upstream calls, those that fail too', async () => {
    const { metrics, lines } = setUp();
    const time = { now: 0 };
    const inner: Upstream = {
      send: async () => {
        time.now += 300;
        if (time.now > 300) throw new UpstreamError('unknown', 'timeout');
        return { status: 200, text: '{}', dateMs: null };
      },
    };
    const clock = { monotonic: () => time.now, wall: () => 0, sleep: async () => undefined };
    const upstream = metrics.timed(inner, clock);
    const request = { upstream: 'wechat', method: 'GET', path: '/' } as const;
    await upstream.send(request, 5000);
    await expect(upstream.send(request, 5000)).rejects.toThrow('timeout');
    const text = await lines();
    expect(text).toContain('zhongkong_upstream_seconds_sum{upstream="wechat",outcome="answered"} 0.3');
    expect(text).toContain('zhongkong_upstream_seconds_count{upstream="wechat",outcome="timeout"} 1');
  });

  it('have one series for all requests that a fault of ours broke on one route', async () => {
    const { bus, lines } = setUp();
    for (const requestId of ['a', 'b', 'c']) bus.emit({ type: 'internal.error', during: '/v1/keys', requestId, cause: new Error('x') });
    expect((await lines()).filter((line) => line.startsWith('zhongkong_internal_errors_total'))).toEqual([
      'zhongkong_internal_errors_total{during="/v1/keys"} 3',
    ]);
  });

  it('keep to a registry of their own', async () => {
    const [one, two] = [setUp(), setUp()];
    one.bus.emit(committed);
    expect((await two.lines()).some((line) => line.startsWith('zhongkong_refreshes_total{'))).toBe(false);
  });
});
