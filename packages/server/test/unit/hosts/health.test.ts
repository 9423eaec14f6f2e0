import { expect, test } from 'vitest';
import { ZhongkongError } from '../../../src/core/errors.ts';
import { EventBus } from '../../../src/core/events.ts';
import { Health } from '../../../src/hosts/health.ts';
import { watchedStore } from '../../../src/hosts/watched-store.ts';
import { createMemoryStore } from '../../../src/stores/memory/index.ts';

const away = new ZhongkongError('store_unavailable', 'the disk is full');

function setUp() {
  const events = new EventBus();
  const seen: string[] = [];
  events.on(({ type }) => seen.push(type));
  const health = new Health(events);
  health.started();
  return { health, seen };
}

test('a store that still reads but cannot be written stays degraded until a ping writes', async () => {
  const { health, seen } = setUp();
  const inner = createMemoryStore({ now: () => 0 });
  let isFull = true;
  const directory = {
    ...inner.directory,
    setting: () => Promise.resolve(null),
    putSetting: () => (isFull ? Promise.reject(away) : Promise.resolve(true)),
  } as typeof inner.directory;
  const store = watchedStore({ ...inner, directory, ping: () => (isFull ? Promise.reject(away) : Promise.resolve()) }, (during, error) =>
    health.storeFailed(during, error),
  );
  await expect(store.directory.putSetting('a', null, 'b')).rejects.toBe(away);
  expect(health.report()).toMatchObject({ ready: true, status: 'degraded', reason: expect.stringContaining('putSetting') });
  await store.directory.setting('a');
  expect(await health.look(() => store.ping())).toBe(true);
  expect(health.report().status).toBe('degraded');
  isFull = false;
  await health.look(() => store.ping());
  expect(health.report()).toEqual({ ready: true, status: 'ok' });
  expect(seen).toEqual(['store.failed', 'store.recovered']);
});

test('a schema that newer code moved on: not ready, and no trouble of the store', async () => {
  const { health, seen } = setUp();
  const newer = new ZhongkongError('config_invalid', 'the schema is newer');
  expect(await health.look(() => Promise.reject(newer))).toBe(false);
  expect(health.report()).toEqual({ ready: false, status: 'degraded', reason: 'the schema is newer' });
  expect(seen).toEqual([]);
});

test('a refusal of a call is no trouble of the store', () => {
  const { health, seen } = setUp();
  health.storeFailed('write', new ZhongkongError('conflict', 'taken'));
  expect(health.report().status).toBe('ok');
  expect(seen).toEqual([]);
});
