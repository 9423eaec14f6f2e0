import { beforeEach, expect, test } from 'vitest';
import { ADMIN, CRON_SECRET, createWorld, START, type World } from './world.ts';

let world: World;
let key: string;

beforeEach(async () => {
  world = await createWorld();
  const made = await world.call('POST', '/v1/keys', { key: ADMIN, json: { name: 'timer', scopes: ['tick'], accounts: ['*'] } });
  key = made.json.key;
});

test('POST and GET with a key that has the scope work on what is due, and say when the next is', async () => {
  const next_due_at = new Date(START + 60_000).toISOString();
  for (const [claimed, method] of [
    [1, 'POST'],
    [2, 'GET'],
  ] as const) {
    const { status, json, headers } = await world.call(method, '/v1/tick', { key });
    expect([status, json]).toEqual([200, { claimed, next_due_at: expect.any(String) }]);
    expect(Date.parse(json.next_due_at)).toBe(Date.parse(next_due_at));
    expect(headers.get('cache-control')).toBe('no-store');
  }
});

test("the platform's secret is good for GET /v1/tick and nothing else", async () => {
  expect((await world.call('GET', '/v1/tick', { key: CRON_SECRET })).status).toBe(200);
  for (const [method, path] of [
    ['POST', '/v1/tick'],
    ['GET', '/v1/status'],
    ['GET', '/metrics'],
  ] as const) {
    expect((await world.call(method, path, { key: CRON_SECRET })).status).toBe(401);
  }
});

test('without the secret, the scope or a body that is asked for: refused', async () => {
  const reader = await world.call('POST', '/v1/keys', { key: ADMIN, json: { name: 'r', scopes: ['credential:read'], accounts: ['*'] } });
  expect((await world.call('GET', '/v1/tick')).status).toBe(401);
  expect((await world.call('GET', '/v1/tick', { key: `${CRON_SECRET}x` })).status).toBe(401);
  expect((await world.call('POST', '/v1/tick', { key: reader.json.key })).status).toBe(403);
  expect((await world.call('GET', '/v1/tick?all=1', { key })).status).toBe(400);
});
