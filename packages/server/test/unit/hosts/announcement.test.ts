import { EventEmitter } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Announcement } from '../../../src/hosts/node/announcement.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const ask = (announcement: Announcement, url = '/readyz'): EventEmitter => {
  const response = new EventEmitter();
  announcement.saw({ url } as IncomingMessage, response as ServerResponse);
  return response;
};

async function made(announcement: Announcement) {
  const state = { done: false };
  void announcement.made(5000).then(() => {
    state.done = true;
  });
  await vi.advanceTimersByTimeAsync(0);
  return state;
}

test('with nobody asking, the end comes at once', async () => {
  const announcement = new Announcement(() => 0);
  ask(announcement, '/healthz');
  expect((await made(announcement)).done).toBe(true);
});

test('whoever asked lately is told first', async () => {
  const announcement = new Announcement(() => 0);
  ask(announcement);
  const state = await made(announcement);
  expect(state.done).toBe(false);
  ask(announcement).emit('finish');
  await vi.advanceTimersByTimeAsync(0);
  expect(state.done).toBe(true);
});

test('but not waited for beyond the bound, nor when the last time was long ago', async () => {
  let now = 0;
  const announcement = new Announcement(() => now);
  ask(announcement);
  const state = await made(announcement);
  await vi.advanceTimersByTimeAsync(5000);
  expect(state.done).toBe(true);
  now = 60_001;
  expect((await made(announcement)).done).toBe(true);
});
