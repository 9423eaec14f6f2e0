import { expect, test } from 'vitest';
import { ZhongkongError } from '../../../src/core/errors.ts';
import { EventBus } from '../../../src/core/events.ts';
import type { StoreTrouble } from '../../../src/core/store-trouble.ts';
import { Health, withAlarms } from '../../../src/hosts/health.ts';
import { watchedStore } from '../../../src/hosts/watched-store.ts';
import { withoutWrites } from '../../../src/hosts/without-writes.ts';
import { Alarms } from '../../../src/observe/alarms.ts';
import { createMemoryStore } from '../../../src/stores/memory/index.ts';

const ADVICE = { en: 'free some', zh: '清理磁盘' };
const trouble = (name: StoreTrouble) => new ZhongkongError('store_unavailable', `/srv: ${name}`, { trouble: name, advice: ADVICE });
const full = trouble('store_full');

function setUp() {
  const events = new EventBus();
  const seen: string[] = [];
  events.on((event) => seen.push(event.type === 'store.failed' ? event.trouble.code : event.type));
  const clock = { now: 1000 };
  const alarms = new Alarms({ bus: events, now: () => clock.now });
  const health = new Health(events, () => clock.now);
  health.started();
  return { health, seen, clock, alarms, events };
}

test('a store that still reads but cannot be written stays degraded, by name, until a ping writes', async () => {
  const { health, seen } = setUp();
  const inner = createMemoryStore({ now: () => 0 });
  let isFull = true;
  const directory = {
    ...inner.directory,
    setting: () => Promise.resolve(null),
    putSetting: () => (isFull ? Promise.reject(full) : Promise.resolve(true)),
  } as typeof inner.directory;
  const store = watchedStore({ ...inner, directory, ping: () => (isFull ? Promise.reject(full) : Promise.resolve()) }, (during, error) =>
    health.storeFailed(during, error),
  );
  await expect(store.directory.putSetting('a', null, 'b')).rejects.toBe(full);
  const cause = { code: 'store_full', message: '/srv: store_full', since: 1000, advice: ADVICE };
  expect(health.report()).toEqual({ ready: true, status: 'degraded', causes: [cause] });
  await store.directory.setting('a');
  expect(await health.look(() => store.ping())).toBe(true);
  expect(health.report().status).toBe('degraded');
  isFull = false;
  await health.look(() => store.ping());
  expect(health.report()).toEqual({ ready: true, status: 'ok', causes: [] });
  expect(seen).toEqual(['store_full', 'store.recovered']);
});

test('one trouble turns into another by a ping only, and each tells since when', async () => {
  const { health, seen, clock } = setUp();
  health.storeFailed('read', trouble('store_unreachable'));
  clock.now = 2000;
  for (const name of ['store_busy', 'store_unreachable', 'store_starting'] as const) health.storeFailed('read', trouble(name));
  await health.look(() => Promise.reject(trouble('store_unreachable')));
  expect(health.report().causes).toMatchObject([{ code: 'store_unreachable', since: 1000 }]);
  await health.look(() => Promise.reject(trouble('store_auth_failed')));
  expect(health.report().causes).toMatchObject([{ code: 'store_auth_failed', since: 2000 }]);
  expect(seen).toEqual(['store_unreachable', 'store_auth_failed']);
});

test('a schema that newer code moved on: not ready, told once', async () => {
  const { health, seen } = setUp();
  const newer = new ZhongkongError('config_invalid', '/srv/zhongkong.db has schema 99');
  expect(await health.look(() => Promise.reject(newer))).toBe(false);
  await health.look(() => Promise.reject(newer));
  expect(health.report()).toMatchObject({ ready: false, status: 'degraded', causes: [{ code: 'schema_newer' }] });
  expect(seen).toEqual(['schema_newer']);
  expect(await health.look(() => Promise.resolve())).toBe(true);
  expect(health.report()).toEqual({ ready: true, status: 'ok', causes: [] });
});

test('a master key that this node does not have: not ready until it has it', async () => {
  const { health } = setUp();
  expect(await health.look(() => Promise.reject(new ZhongkongError('unseal_failed', 'no')))).toBe(false);
  expect(health.report()).toMatchObject({ ready: false, causes: [{ code: 'master_key_unknown' }] });
  expect(await health.look(() => Promise.reject(trouble('store_unreachable')))).toBe(false);
  expect(health.report().ready).toBe(false);
  expect(await health.look(() => Promise.resolve())).toBe(true);
  expect(health.report()).toEqual({ ready: true, status: 'ok', causes: [] });
});

test('a refusal of a call is no trouble of the store', () => {
  const { health, seen } = setUp();
  health.storeFailed('write', new ZhongkongError('conflict', 'taken'));
  expect(health.report().status).toBe('ok');
  expect(seen).toEqual([]);
});

test('clocks are causes too, and do not make a server degraded; accounts have causes of their own', () => {
  const { health, events, alarms } = setUp();
  events.emit({ type: 'clock.skewed', byMs: -3_600_000 });
  events.emit({ type: 'refresh.foreign', id: { account: 'a', kind: 'k', chain: 'c' }, fingerprint: 'f' });
  health.storeFailed('write', full);
  const { status, causes } = withAlarms(health.report(), alarms);
  expect([status, causes.map(({ code }) => code)]).toEqual(['degraded', ['store_full', 'clock_skewed']]);
  events.emit({ type: 'store.recovered' });
  expect(withAlarms(health.report(), alarms)).toMatchObject({ status: 'ok', causes: [{ code: 'clock_skewed' }] });
});

test('what somebody else says of a trouble that is known already does not rename it', () => {
  const { health, events } = setUp();
  health.storeFailed('write of the store', full);
  events.emit({
    type: 'store.failed',
    during: 'claiming due credentials',
    trouble: { code: 'store_busy', message: 'busy', advice: ADVICE },
  });
  expect(health.report().causes.map(({ code }) => code)).toEqual(['store_full']);
});

test('a store that is not ours to work with takes no writes, and says why; reads go on', async () => {
  const { health } = setUp();
  const inner = createMemoryStore({ now: () => 0 });
  const store = withoutWrites(inner, () => health.refusal);
  const id = { account: 'app', kind: 'access_token', chain: 'stable' };
  expect(await store.directory.putSetting('a', null, 'b')).toBe(true);
  await health.look(() => Promise.reject(trouble('store_full')));
  expect(await store.credentials.acquire(id, 'holder', 1000)).toHaveProperty('lease');
  await health.look(() => Promise.reject(trouble('schema_newer')));
  const refused = { code: 'store_unavailable', details: { trouble: 'schema_newer' } };
  await expect(store.credentials.acquire(id, 'holder', 1000)).rejects.toMatchObject(refused);
  await expect(store.due.claim('holder', 1000, 1)).rejects.toMatchObject(refused);
  await expect(store.directory.putSetting('a', 'b', 'c')).rejects.toMatchObject(refused);
  expect(await store.directory.setting('a')).toBe('b');
  expect(await store.credentials.read(id)).not.toBeNull();
  await health.look(() => Promise.resolve());
  expect(await store.directory.putSetting('a', 'b', 'c')).toBe(true);
});
