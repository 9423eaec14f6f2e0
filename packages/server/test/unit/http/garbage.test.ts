/** Whatever strangers and callers send: an answer in the right shape, no fault of ours, and nothing changed. */

import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { isReserved } from '../../../src/http/path.ts';
import { ADMIN, appIdOf, createWorld, type Given } from './world.ts';

const APP = appIdOf(1);

const nasty = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.constantFrom(
    '',
    '*',
    APP,
    'wx',
    '__proto__',
    'constructor',
    '..',
    '%00',
    '%2f',
    '\0',
    '💥',
    "' OR 1=1 --",
    '{{7*7}}',
    'x'.repeat(10_000),
  ),
  fc.integer().map(String),
);
const segment = fc.oneof(
  nasty.map(encodeURIComponent),
  fc.constantFrom(
    'v1',
    'accounts',
    'keys',
    'events',
    'status',
    'token',
    'credentials',
    'access_token',
    'report',
    'refresh',
    'operations',
    'cgi-bin',
    'stable_token',
  ),
);
const known = fc.constantFrom(
  `/v1/accounts/${APP}`,
  `/v1/accounts/${APP}/token`,
  `/v1/accounts/${APP}/credentials/access_token`,
  `/v1/accounts/${APP}/credentials/access_token/report`,
  '/v1/accounts',
  '/v1/keys',
  '/v1/keys/k_admin',
  '/v1/events',
  '/v1/status',
  '/cgi-bin/token',
  '/cgi-bin/stable_token',
  '/healthz',
  '/docs',
);
const path = fc.oneof(
  known,
  fc.array(segment, { maxLength: 7 }).map((parts) => `/${parts.join('/')}`),
);
const name = fc.oneof(
  fc.constantFrom('min_ttl', 'limit', 'cursor', 'appid', 'secret', 'grant_type', 'access_token', 'subject', 'action'),
  nasty,
);
const query = fc
  .array(fc.tuple(name, nasty), { maxLength: 4 })
  .map((pairs) => (pairs.length === 0 ? '' : `?${pairs.map(([a, b]) => `${encodeURIComponent(a)}=${encodeURIComponent(b)}`).join('&')}`));
const body = fc.oneof(
  fc.constant(undefined),
  fc.json(),
  nasty,
  fc
    .record(
      {
        value: nasty,
        reason: fc.anything(),
        name: nasty,
        scopes: fc.anything(),
        appid: nasty,
        secret: nasty,
        grant_type: nasty,
        platform: nasty,
        id: nasty,
      },
      { requiredKeys: [] },
    )
    .map((value) => JSON.stringify(value, (_, inner) => (typeof inner === 'bigint' ? String(inner) : inner))),
);
const request = fc.record({
  method: fc.constantFrom('GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND'),
  target: fc.tuple(path, query).map((parts) => parts.join('')),
  who: fc.constantFrom('nobody', 'reader', 'garbage'),
  type: fc.constantFrom('application/json', 'application/x-www-form-urlencoded', 'text/plain', 'multipart/form-data', ''),
  body,
});

test('garbage: never a fault of ours, always the right shape, nothing changed', async () => {
  const world = await createWorld();
  await world.addAccount(APP);
  const key = await world.addKey();
  // So that a successful read among the garbage changes nothing either.
  await world.call('GET', `/v1/accounts/${APP}/token`, { key });
  const before = snapshot();

  function snapshot(): string {
    const replacer = (_: string, value: unknown) => (value instanceof Map ? [...value] : value instanceof Set ? [...value] : value);
    return JSON.stringify(world.state, replacer);
  }

  const statuses = new Set<number>();
  await fc.assert(
    fc.asyncProperty(request, async ({ method, target, who, type, body: text }) => {
      const keys = { nobody: undefined, reader: key, garbage: 'zk_garbage-but-long-enough-1234' } as const;
      const bearer = keys[who];
      const given: Given = {
        ...(bearer === undefined ? {} : { key: bearer }),
        ...(method === 'GET' || method === 'HEAD' || text === undefined ? {} : { body: text }),
        headers: { 'content-type': type },
      };
      const { status, headers, json } = await world.call(method, target, given);
      statuses.add(status);
      expect(status < 500 || status === 503 || status === 504, `${status}`).toBe(true);
      const pathOnly = new URL(`http://x${target}`).pathname;
      if (isReserved(pathOnly)) {
        if (status >= 400) expect(headers.get('content-type')).toBe('application/problem+json');
        if (status >= 400 && method !== 'HEAD') expect(json).toMatchObject({ status, code: expect.any(String) });
      } else {
        expect([status, headers.get('content-type')]).toEqual([200, 'application/json; encoding=utf-8']);
        if (method !== 'HEAD') expect(json.errcode !== undefined || json.access_token !== undefined).toBe(true);
      }
    }),
    { numRuns: 1500 },
  );
  expect(snapshot()).toBe(before);
  expect(world.said.filter(({ type }) => type === 'internal.error')).toEqual([]);
  // The garbage got past the front door here and there: otherwise this shows nothing.
  expect([...statuses]).toEqual(expect.arrayContaining([200, 400, 401, 403, 404, 405]));
});

test('garbage from an administrator: never a fault of ours', async () => {
  const world = await createWorld();
  await fc.assert(
    fc.asyncProperty(request, async ({ method, target, body: text }) => {
      const isBare = method === 'GET' || method === 'HEAD' || text === undefined;
      const given: Given = { key: ADMIN, headers: { 'content-type': 'application/json' }, ...(isBare ? {} : { body: text }) };
      if (method === 'DELETE' && target.startsWith('/v1/keys/k_admin')) return;
      const { status } = await world.call(method, target, given);
      expect(status < 500 || status === 503 || status === 504, `${status}`).toBe(true);
    }),
    { numRuns: 800 },
  );
  expect(world.said.filter(({ type }) => type === 'internal.error')).toEqual([]);
});
