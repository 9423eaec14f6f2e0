// The audit subscriber: batched, never in the way, and through a store that fails.
import { describe, expect, it } from 'vitest';
import { EventBus } from '../../../src/core/events.ts';
import type { AuditEntry } from '../../../src/core/store.ts';
import { Alarms } from '../../../src/observe/alarms.ts';
import { AuditTrail } from '../../../src/observe/audit.ts';

const id = { account: 'wxshop', kind: 'access_token', chain: 'stable' };

/** A clock whose sleeps end when the test says so, and a directory that can be told to fail. */
function setUp() {
  const bus = new EventBus();
  const sleeps: { ms: number; end: () => void }[] = [];
  const clock = {
    monotonic: () => 0,
    wall: () => 0,
    sleep: (ms: number) => new Promise<void>((resolve) => sleeps.push({ ms, end: resolve })),
  };
  const batches: (readonly AuditEntry[])[] = [];
  const store = { failing: false };
  const directory = {
    appendAudit: async (entries: readonly AuditEntry[]) => {
      if (store.failing) throw new Error('disk full');
      batches.push(entries);
    },
  };
  const now = () => 1000;
  const trail = new AuditTrail({ bus, alarms: new Alarms({ bus, now }), directory, clock, now });
  const wake = async () => {
    sleeps.shift()?.end();
    for (let i = 0; i < 20; i += 1) await Promise.resolve();
  };
  const foreign = () => bus.emit({ type: 'refresh.foreign', id, fingerprint: '1a2b3c4d' });
  return { bus, trail, batches, store, sleeps, wake, foreign };
}

describe('the audit subscriber', () => {
  it('gathers a burst into one write', async () => {
    const { bus, trail, batches, wake, foreign } = setUp();
    foreign();
    bus.emit({ type: 'leak.step', id, confirmed: 1, needed: 2 });
    bus.emit({ type: 'secret.fallback', id, slot: 1 });
    expect(batches).toEqual([]);
    await wake();
    expect(batches).toHaveLength(1);
    expect(batches[0]?.map(({ action }) => action)).toEqual([
      'alarm.raised',
      'credential.foreign_refresh',
      'leak.step',
      'alarm.raised',
      'secret.fallback',
    ]);
    expect(batches[0]?.[1]).toEqual({
      at: 1000,
      actor: 'system',
      action: 'credential.foreign_refresh',
      subject: 'wxshop',
      data: { kind: 'access_token', chain: 'stable', fingerprint: '1a2b3c4d' },
    });
    expect(trail.pending).toBe(0);
  });

  it('keeps routine out', async () => {
    const { bus, trail } = setUp();
    const issue = { type: 'credential.committed', id, generation: 2, fingerprint: '1a2b3c4d', expiresAt: 1, upstreamMs: 1 } as const;
    bus.emit({ ...issue, reason: 'scheduled' });
    bus.emit({ type: 'credential.state', id, from: 'due', to: 'fresh' });
    expect(trail.pending).toBe(0);
    bus.emit({ ...issue, reason: 'report' });
    expect(trail.pending).toBe(1);
  });

  it('waits out a failing store without losing or repeating an entry', async () => {
    const { trail, batches, store, wake, sleeps, foreign } = setUp();
    store.failing = true;
    foreign();
    await wake();
    expect(trail.pending).toBe(2);
    expect(sleeps.map(({ ms }) => ms)).toEqual([5000]);
    foreign();
    store.failing = false;
    await wake();
    expect(batches.flat().map(({ action }) => action)).toEqual([
      'alarm.raised',
      'credential.foreign_refresh',
      'credential.foreign_refresh',
    ]);
  });

  it('bounds what it holds, and says how much fell out', async () => {
    const { trail, batches, store, wake, foreign } = setUp();
    store.failing = true;
    for (let i = 0; i < 25_010; i += 1) foreign();
    expect(trail.pending).toBe(25_000);
    store.failing = false;
    await wake();
    await trail.stop();
    const entries = batches.flat();
    expect(Math.max(...batches.map(({ length }) => length))).toBeLessThanOrEqual(500);
    expect(entries.filter(({ action }) => action === 'audit.dropped')).toMatchObject([{ data: { entries: 11 } }]);
  });

  it('writes what is left when it stops, and gives up on a store that refuses', async () => {
    const good = setUp();
    good.foreign();
    await good.trail.stop();
    expect(good.batches.flat()).toHaveLength(2);
    const bad = setUp();
    bad.store.failing = true;
    bad.foreign();
    await bad.trail.stop();
    expect(bad.batches).toEqual([]);
  });
});
