import { beforeEach, expect, test } from 'vitest';
import { ZhongkongError } from '../../../src/core/errors.ts';
import { ByRequest } from '../../../src/hosts/by-request.ts';
import { settled, VirtualClock } from '../../helpers/clock.ts';

const away = new ZhongkongError('store_unavailable', 'away');
let clock: VirtualClock;
let looks: number;
let work: number[];
let noted: string[];
/** What the store does with a look, and with what was noted. */
let store: () => Promise<void>;
let assertWorkable: () => Promise<void>;
let byRequest: ByRequest;

beforeEach(() => {
  clock = new VirtualClock();
  looks = 0;
  work = [2, 1];
  noted = [];
  store = async () => undefined;
  assertWorkable = async () => undefined;
  byRequest = new ByRequest({
    clock,
    time: {
      sync: async () => {
        looks += 1;
        await store();
      },
    } as never,
    due: { nextDueAt: async () => 7, claim: async () => [] },
    refresher: { tick: async () => work.shift() ?? 0, idle: async () => undefined },
    auditTrail: {
      flush: async () => {
        await store();
        noted.push('flushed');
      },
    },
    lookAround: async () => undefined,
    assertWorkable: () => assertWorkable(),
    prune: async () => void noted.push('pruned'),
  });
});

test('looks once in two seconds, however many ask', async () => {
  await Promise.all(Array.from({ length: 50 }, () => byRequest.attend()));
  await clock.advance(1999);
  await byRequest.attend();
  expect(looks).toBe(1);
  await clock.advance(1);
  await byRequest.attend();
  expect(looks).toBe(2);
});

test('a store that is away stops nobody, and is asked again', async () => {
  store = () => Promise.reject(away);
  await byRequest.attend();
  await byRequest.attend();
  await byRequest.settle();
  expect([looks, noted]).toEqual([2, []]);
});

test('a store that hangs costs one request a second and the others nothing, until it answers', async () => {
  let answer = (): void => undefined;
  store = () =>
    new Promise((resolve) => {
      answer = resolve;
    });
  let isDone = false;
  const first = byRequest.attend().then(() => {
    isDone = true;
  });
  await clock.advance(999);
  expect(isDone).toBe(false);
  await clock.advance(1);
  await first;
  await byRequest.attend();
  await byRequest.settle();
  expect(looks).toBe(1);
  answer();
  await settled();
  await clock.advance(2000);
  store = async () => undefined;
  await byRequest.attend();
  expect(looks).toBe(2);
});

test('a fault of ours is no outage', async () => {
  store = () => Promise.reject(new TypeError('a fault'));
  await expect(byRequest.attend()).rejects.toThrow('a fault');
});

test('a tick works until nothing is due, then stores what was noted', async () => {
  await clock.advance(1);
  expect(await byRequest.tick()).toEqual({ claimed: 3, nextDueAt: 7 });
  expect(noted).toEqual(['pruned', 'flushed']);
  await byRequest.tick();
  expect(noted).toEqual(['pruned', 'flushed', 'flushed']);
});

test('a tick begins nothing new after ten seconds', async () => {
  work = Array.from({ length: 100 }, () => 1);
  assertWorkable = () => clock.advance(10_000);
  expect((await byRequest.tick()).claimed).toBe(0);
});

test('a tick fails when the store is away, or not ours to work with', async () => {
  assertWorkable = () => Promise.reject(away);
  await expect(byRequest.tick()).rejects.toBe(away);
  store = () => Promise.reject(away);
  await expect(byRequest.tick()).rejects.toBe(away);
  expect(work).toHaveLength(2);
});
