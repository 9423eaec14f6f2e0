/** The account changes while a refresh of it is in the air. */

import { expect, test } from 'vitest';
import { ZhongkongError } from '../../src/core/errors.ts';
import { watchfully } from '../helpers/watchful.ts';
import { LEASE_MS, World } from '../helpers/world.ts';

const MINUTE = 60_000;

test('the AppSecret is reset at WeChat: the current is served to its end; a new secret wakes the account at once', async () => {
  const world = await World.create();
  const { clock, first, model } = world;
  const second = world.node();
  first.start();
  second.start();
  const { value } = await clock.until(first.read());
  model.secrets = new Set(['secret-2']);
  await clock.advance(119 * MINUTE);
  expect((await first.read()).value).toBe(value);
  expect(first.events.all('refresh.failed').concat(second.events.all('refresh.failed')).at(-1)?.failure.errcode).toBe(40125);
  await clock.advance(2 * MINUTE);
  await expect(first.read()).rejects.toMatchObject({ code: 'credential_unavailable', details: { errcode: 40125 } });
  // Knocking with a wrong secret: 5, 15, 60 minutes apart, not more.
  expect(model.calls.classic).toBeLessThanOrEqual(4);
  await first.accounts.update('app', { secrets: ['secret-2'] }, 'test');
  await clock.advance(1500);
  expect((await first.read()).value).toBe('app-classic-2');
  await clock.advance(3000);
  expect((await second.read()).value).toBe('app-classic-2');
});

test('a new secret while a call with the old one is in the air at another node: it is tried when that has landed', async () => {
  const world = await World.create();
  const { clock, first, upstream, model } = world;
  const second = world.node();
  await first.read();
  model.secrets = new Set(['secret-2']);
  await clock.advance(110 * MINUTE);
  upstream.hold('/classic');
  const flight = second.tick();
  await clock.advance(0);
  await first.accounts.update('app', { secrets: ['secret-2'] }, 'test');
  upstream.held[0]?.reply();
  upstream.fate = () => 'reply';
  await clock.until(flight);
  await clock.advance(2000);
  first.start();
  await clock.advance(2000);
  expect((await first.read()).value).toBe('app-classic-2');
});

test('[first, fallback]: 40125 tries the second secret once per change, and stays with the one that works', async () => {
  const world = await World.create({ secrets: ['secret-1', 'secret-2'] });
  const { clock, first, model } = world;
  const second = world.node();
  first.start();
  second.start();
  await clock.until(first.read());
  expect(model.calls.classic).toBe(1);
  model.secrets = new Set(['secret-2']);
  const seen = await watchfully(world, [first, second], 4 * 60 * MINUTE, 20_000);
  expect(seen).toMatchObject({ refused: [], failed: [], broken: [] });
  // One refused, one by the fallback, and then the fallback at once.
  expect(model.calls.classic).toBe(4);
  expect(first.events.count('secret.fallback') + second.events.count('secret.fallback')).toBe(1);
  model.secrets = new Set(['secret-3']);
  await clock.advance(4 * 60 * MINUTE);
  // Both were refused once; from then on only the last good one knocks: one call an attempt.
  const attempts = (): number => first.events.count('refresh.failed') + second.events.count('refresh.failed');
  const before = { calls: model.calls.classic, attempts: attempts() };
  await clock.advance(4 * 60 * MINUTE);
  expect(attempts() - before.attempts).toBeGreaterThanOrEqual(3);
  expect(model.calls.classic - before.calls).toBe(attempts() - before.attempts);
});

test('disabled in the middle of a refresh: what lands is kept, nothing more is sent, reads are refused; enabling wakes it', async () => {
  const world = await World.create();
  const { clock, first, upstream, model } = world;
  first.start();
  await clock.until(first.read());
  await clock.advance(104 * MINUTE);
  upstream.hold('/classic');
  await clock.advance(32_000);
  expect(upstream.held).toHaveLength(1);
  await first.accounts.update('app', { enabled: false }, 'test');
  await expect(first.read()).rejects.toMatchObject({ code: 'account_disabled' });
  expect(first.keeper.peek(await first.target())).toBeNull();
  upstream.held[0]?.reply();
  upstream.fate = () => 'reply';
  await clock.advance(5000);
  expect(await first.row()).toMatchObject({ generation: 2, nextAttemptAt: null });
  await clock.advance(5 * 60 * MINUTE);
  expect(model.calls.classic).toBe(2);
  await first.accounts.update('app', { enabled: true }, 'test');
  await clock.advance(2000);
  expect(model.calls.classic).toBe(3);
  expect((await first.read()).value).toBe('app-classic-3');
});

test('removed in the middle of a refresh: nothing is issued again and no row comes back', async () => {
  const world = await World.create();
  const { clock, first, upstream, model, state } = world;
  await first.read();
  await clock.advance(106 * MINUTE);
  upstream.hold('/classic');
  const flight = first.tick();
  await clock.advance(0);
  await first.accounts.remove('app', 'test');
  upstream.held[0]?.reply();
  await clock.until(flight);
  await clock.advance(1000);
  expect(model.calls.classic).toBe(2);
  expect(state.rows.size).toBe(0);
  await expect(first.read()).rejects.toMatchObject({ code: 'not_found' });
  expect(first.events.count('internal.error')).toBe(0);
});

test('removed and made again under the same id: nothing of the former is ever served', async () => {
  const world = await World.create();
  const { clock, first } = world;
  const second = world.node();
  await first.read();
  await second.read();
  second.start();
  await clock.advance(1000);
  await first.accounts.remove('app', 'test');
  await world.add(first, 'app', ['secret-2'], 'other');
  await clock.advance(2000);
  expect((await clock.until(first.read())).generation).toBe(1);
  await clock.advance(2000);
  for (const node of [first, second]) expect((await node.read()).value).toBe('other-classic-1');
});

test('an account that changed while it was being read is not remembered as it was', async () => {
  const world = await World.create();
  const { first, clock } = world;
  const second = world.node();
  const real = second.directory.account.bind(second.directory);
  let go = (): void => undefined;
  second.directory.account = async (id) => {
    const old = await real(id);
    await new Promise<void>((resolve) => {
      go = resolve;
    });
    return old;
  };
  const reading = second.accounts.get('app');
  await clock.advance(0);
  await first.accounts.update('app', { enabled: false }, 'test');
  second.accounts.drop('app');
  go();
  await reading;
  second.directory.account = real;
  expect((await second.accounts.get('app'))?.enabled).toBe(false);
});

test('an AppID known only by that name is forgotten with its account', async () => {
  const world = await World.create();
  const { first } = world;
  const second = world.node();
  expect((await second.accounts.byAppId('app')).at(0)?.enabled).toBe(true);
  await first.accounts.update('app', { enabled: false }, 'test');
  second.accounts.drop('app');
  expect((await second.accounts.byAppId('app')).at(0)?.enabled).toBe(false);
});

test('another account changed, and then the store went away: AppIDs that were known before still lead to their accounts', async () => {
  const world = await World.create();
  const { first, clock } = world;
  const second = world.node();
  await world.add(first, 'other');
  await second.accounts.byAppId('app');
  await second.accounts.byAppId('other');
  await first.accounts.update('other', { enabled: false }, 'test');
  second.accounts.drop('other');
  const { directory } = second;
  const ask = directory.accountsByAppId.bind(directory);
  directory.accountsByAppId = () => Promise.reject(new ZhongkongError('store_unavailable', 'told to fail'));
  expect((await second.accounts.byAppId('app')).map(({ id }) => id)).toEqual(['app']);
  // Nobody can say yet what became of the changed one.
  await expect(second.accounts.byAppId('other')).rejects.toMatchObject({ code: 'store_unavailable' });
  directory.accountsByAppId = ask;
  await clock.advance(1000);
  expect((await second.accounts.byAppId('other')).at(0)?.enabled).toBe(false);
  // Any account may be a new one of this AppID: memory alone is believed only after another look.
  second.accounts.drop('new');
  expect(second.accounts.cachedByAppId('app')).toBeUndefined();
  expect((await second.accounts.byAppId('app')).map(({ id }) => id)).toEqual(['app']);
  expect(second.accounts.cachedByAppId('app')).toHaveLength(1);
});

test('anything may have changed, and then the store went away: accounts are what they were at the last look, until it is back', async () => {
  const world = await World.create();
  const { first, clock } = world;
  const second = world.node();
  await second.accounts.byAppId('app');
  await first.accounts.update('app', { enabled: false }, 'test');
  second.accounts.dropAll();
  const { directory } = second;
  const { account, accountsByAppId } = directory;
  let asked = 0;
  const fail = (): Promise<never> => {
    asked += 1;
    return Promise.reject(new ZhongkongError('store_unavailable', 'told to fail'));
  };
  Object.assign(directory, { account: fail, accountsByAppId: fail });
  expect(second.accounts.cached('app')).toBeUndefined();
  expect(second.accounts.cachedByAppId('app')).toBeUndefined();
  for (let times = 0; times < 3; times += 1) {
    expect(await second.accounts.get('app')).toMatchObject({ enabled: true });
    expect(await second.accounts.byAppId('app')).toMatchObject([{ enabled: true }]);
  }
  // Asked once a second, and by work that must not go by an old look.
  expect(asked).toBe(1);
  await expect(second.accounts.fresh('app')).rejects.toMatchObject({ code: 'store_unavailable' });
  Object.assign(directory, { account, accountsByAppId });
  await clock.advance(1000);
  expect(await second.accounts.get('app')).toMatchObject({ enabled: false });
  expect(await second.accounts.byAppId('app')).toMatchObject([{ enabled: false }]);
});

test('a change that cannot be made because the store is away changes nothing: reads go on from memory', async () => {
  const world = await World.create();
  const { first } = world;
  const { directory } = first;
  const real = { ...directory };
  const fail = (): Promise<never> => Promise.reject(new ZhongkongError('store_unavailable', 'told to fail'));
  await first.accounts.byAppId('app');
  Object.assign(directory, { account: fail, accountsByAppId: fail, putAccount: fail, removeAccount: fail });
  await expect(first.accounts.update('app', { enabled: false }, 'test')).rejects.toMatchObject({ code: 'store_unavailable' });
  await expect(first.accounts.remove('app', 'test')).rejects.toMatchObject({ code: 'store_unavailable' });
  expect(first.accounts.cached('app')).toMatchObject({ enabled: true });
  expect(first.accounts.cachedByAppId('app')).toHaveLength(1);
  Object.assign(directory, real);
});

test('a change while the holder is gone: whoever waited for its lease leaves the owed look at the new value behind', async () => {
  const world = await World.create();
  const { clock, first } = world;
  await first.read();
  const paused = world.node();
  await paused.store.credentials.acquire((await first.target()).id, 'paused', LEASE_MS);
  await first.accounts.update('app', { note: 'changed' }, 'test');
  // Only the one that waits to say it again is there to take the lease over.
  await clock.advance(LEASE_MS + 2000);
  await clock.advance(110 * MINUTE);
  await clock.until(first.tick());
  const stored = await first.stored();
  expect(stored?.generation).toBe(2);
  // The paused one may still send: its issue would kill the new value a grace later.
  expect(stored?.probeAt).not.toBeNull();
  expect(first.events.count('lease.taken_over')).toBe(1);
});

test('a node that has not heard of the new secret claims the work: it looks the account up before it tries', async () => {
  const world = await World.create();
  const { clock, first, model } = world;
  const second = world.node();
  await first.read();
  await first.accounts.require('app');
  model.secrets = new Set(['secret-2']);
  await clock.advance(110 * MINUTE);
  await first.tick();
  expect(first.events.count('refresh.failed')).toBe(1);
  await second.accounts.update('app', { secrets: ['secret-2'] }, 'test');
  await clock.until(second.keeper.drain());
  await first.tick();
  expect((await first.stored())?.generation).toBe(2);
});

test('whoever waited for a lease to say a change again is overtaken in that: it waits for the next holder, and nothing is a fault', async () => {
  const world = await World.create();
  const { clock, first } = world;
  await first.read();
  const { id } = await first.target();
  const others = world.node();
  await others.store.credentials.acquire(id, 'paused', LEASE_MS);
  let resume = (): void => undefined;
  const resumed = new Promise<void>((resolve) => {
    resume = resolve;
  });
  // Its own first write under the lease is held up for longer than the lease, and somebody else takes over.
  first.store.fault = (method) => (method === 'write' ? resumed : null);
  await first.accounts.update('app', { note: 'changed' }, 'test');
  await clock.advance(2 * LEASE_MS + 5000);
  await others.store.credentials.acquire(id, 'taker', LEASE_MS);
  first.store.fault = () => null;
  resume();
  await clock.advance(LEASE_MS + 5000);
  await clock.until(first.keeper.drain());
  expect(first.events.count('commit.stale')).toBe(1);
  expect(first.events.all('internal.error')).toEqual([]);
  expect((await first.row())?.nextAttemptAt).toBeLessThanOrEqual(first.time.now());
});
