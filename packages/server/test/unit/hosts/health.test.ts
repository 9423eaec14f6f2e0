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

test('a schema that newer code moved on: not ready, told once, without a word of where', async () => {
  const { health, seen } = setUp();
  const newer = new ZhongkongError('config_invalid', '/srv/zhongkong.db has schema 99');
  expect(await health.look(() => Promise.reject(newer))).toBe(false);
  await health.look(() => Promise.reject(newer));
  expect(health.report()).toEqual({
    ready: false,
    status: 'degraded',
    reason: 'a later version has changed the schema of the store',
    cause: 'schema_newer',
  });
  expect(seen).toEqual(['store.failed']);
  expect(await health.look(() => Promise.resolve())).toBe(true);
  expect(health.report()).toEqual({ ready: true, status: 'ok' });
});

test('a master key that this node does not have: not ready until it has it', async () => {
  const { health } = setUp();
  expect(await health.look(() => Promise.reject(new ZhongkongError('unseal_failed', 'no')))).toBe(false);
  expect(health.report()).toMatchObject({ ready: false, cause: 'master_key_unknown' });
  expect(await health.look(() => Promise.reject(away))).toBe(false);
  expect(health.report().ready).toBe(false);
  expect(await health.look(() => Promise.resolve())).toBe(true);
  expect(health.report()).toEqual({ ready: true, status: 'ok' });
});

test('a refusal of a call is no trouble of the store', () => {
  const { health, seen } = setUp();
  health.storeFailed('write', new ZhongkongError('conflict', 'taken'));
  expect(health.report().status).toBe('ok');
  expect(seen).toEqual([]);
});
