import { beforeEach, describe, expect, test } from 'vitest';
import { ERROR_ADVICE, ZhongkongError } from '../../../src/core/errors.ts';
import { refusedPath } from '../../../src/http/path.ts';
import { type Answered, ADMIN, appIdOf, createWorld, type Given, type World } from './world.ts';

const APP = appIdOf(1);
let world: World;
let key: string;

beforeEach(async () => {
  world = await createWorld();
  await world.addAccount(APP);
  key = await world.addKey();
});

function expectProblem(answer: Answered, status: number, code: string): void {
  expect([answer.status, answer.json?.code]).toEqual([status, code]);
  expect(answer.headers.get('content-type')).toBe('application/problem+json');
  expect(answer.json).toMatchObject({ type: `urn:zhongkong:error:${code}`, status, title: expect.any(String), detail: expect.any(String) });
  expect(answer.json.advice.en).not.toBe('');
  expect(answer.json.advice.zh).not.toBe('');
}

describe('bodies', () => {
  const path = '/v1/keys';
  const send = (given: Given) => world.call('POST', path, { key: ADMIN, ...given });
  const json = { 'content-type': 'application/json' };

  test.each<[string, Given, number, string]>([
    ['malformed JSON', { body: '{"name":', headers: json }, 400, 'invalid_request'],
    ['no body', { headers: json }, 400, 'invalid_request'],
    ['no Content-Type', { body: '{}', headers: { 'content-type': '' } }, 415, 'unsupported_media_type'],
    ['a form', { body: 'name=x', headers: { 'content-type': 'application/x-www-form-urlencoded' } }, 415, 'unsupported_media_type'],
    ['text', { body: '{}', headers: { 'content-type': 'text/plain' } }, 415, 'unsupported_media_type'],
    ['a broken Content-Type', { body: '{}', headers: { 'content-type': 'application/json; charset' } }, 415, 'unsupported_media_type'],
    ['a charset', { body: '{}', headers: { 'content-type': 'application/json; charset=utf-8' } }, 400, 'invalid_request'],
    ['1 MB', { body: `"${'x'.repeat(1_000_000)}"`, headers: json }, 413, 'payload_too_large'],
    ['10,000 brackets', { body: '['.repeat(10_000) + ']'.repeat(10_000), headers: json }, 400, 'invalid_request'],
    ['brackets in a string are none', { body: JSON.stringify({ name: '['.repeat(64) }), headers: json }, 400, 'invalid_request'],
    ['a list', { body: '[]', headers: json }, 400, 'invalid_request'],
    ['null', { body: 'null', headers: json }, 400, 'invalid_request'],
    ['__proto__', { body: '{"__proto__":{"scopes":["admin"]}}', headers: json }, 400, 'invalid_request'],
  ])('%s', async (_, given, status, code) => {
    const answer = await send(given);
    expectProblem(answer, status, code);
  });

  test('depth is told from brackets in a text', async () => {
    const deep = await send({ body: `{"name":${'['.repeat(17)}${']'.repeat(17)}}`, headers: json });
    expect(deep.json.detail).toContain('nested deeper');
    for (const name of ['['.repeat(64), `\\"${'{'.repeat(64)}`]) {
      expect((await send({ json: { name } })).json.detail).not.toContain('nested');
    }
  });

  test('the error of a broken body does not quote it', async () => {
    const { text } = await send({ body: '{"secret":"generated-secret-in-a-broken-body",', headers: json });
    expect(text).not.toContain('generated-secret');
  });

  test('one that is no UTF-8 is refused', async () => {
    const body = new ReadableStream({
      start(controller) {
        controller.enqueue(Uint8Array.of(0x22, 0xff, 0xfe, 0x22));
        controller.close();
      },
    });
    expectProblem(await send({ body, headers: json }), 400, 'invalid_request');
  });

  test('one that never ends is given up after 64 KiB', async () => {
    let pulled = 0;
    let cancelled = false;
    const body = new ReadableStream(
      {
        pull(controller) {
          pulled += 1;
          controller.enqueue(new Uint8Array(16_384).fill(0x20));
        },
        cancel() {
          cancelled = true;
        },
      },
      { highWaterMark: 0 },
    );
    expectProblem(await send({ body, headers: json }), 413, 'payload_too_large');
    expect(pulled).toBeLessThanOrEqual(6);
    expect(cancelled).toBe(true);
  });

  test('the key is asked for before the body is looked at', async () => {
    expectProblem(await world.call('POST', path, { body: 'x'.repeat(1_000_000) }), 401, 'unauthorized');
  });
});

describe('paths and methods', () => {
  test.each([
    ['GET', '/v1', 404, 'not_found'],
    ['GET', '/v1/', 404, 'not_found'],
    ['GET', '/v1/nothing', 404, 'not_found'],
    ['GET', '/console', 404, 'not_found'],
    ['GET', '/callbacks/x', 404, 'not_found'],
    ['GET', '/gateway/x/cgi-bin/token', 404, 'not_found'],
    ['GET', '/docs/x', 404, 'not_found'],
    ['GET', `/v1/accounts/${'x'.repeat(10_000)}/token`, 400, 'invalid_request'],
    ['GET', '/v1/accounts/a%00b/token', 400, 'invalid_request'],
    ['GET', '/v1/accounts/a%2Fb/token', 400, 'invalid_request'],
    ['GET', '/v1/accounts/a%0Ab/token', 400, 'invalid_request'],
    ['GET', '/v1/accounts/%E4%B8%AD/token', 400, 'invalid_request'],
    ['GET', '/v1/accounts/%ZZ/token', 400, 'invalid_request'],
    ['GET', `/v1/accounts/${APP}/credentials/Access-Token`, 400, 'invalid_request'],
    ['GET', `/v1/accounts/${APP}/credentials/jsapi_ticket`, 404, 'not_found'],
    ['GET', '/v1//accounts', 400, 'invalid_request'],
  ])('%s %s', async (method, path, status, code) => {
    expectProblem(await world.call(method, path, { key: ADMIN }), status, code);
  });

  test.each([
    ['DELETE', `/v1/accounts/${APP}/token`, 'GET, HEAD'],
    ['PUT', '/v1/accounts', 'GET, HEAD, POST'],
    ['OPTIONS', `/v1/accounts/${APP}`, 'DELETE, GET, HEAD, PATCH'],
    ['GET', `/v1/accounts/${APP}/credentials/access_token/report`, 'POST'],
    ['HEAD', `/v1/accounts/${APP}/credentials/access_token/report`, 'POST'],
    ['POST', '/healthz', 'GET, HEAD'],
    ['POST', '/openapi.json', 'GET, HEAD'],
  ])('%s %s is not allowed', async (method, path, allow) => {
    const answer = await world.call(method, path, { key: ADMIN });
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, allow]);
    if (method !== 'HEAD') expectProblem(answer, 405, 'method_not_allowed');
  });

  test('the raw target decides, for request.url was already put in order', async () => {
    const refused = [
      '/v1/../v1/accounts',
      '/v1/%2e%2e/x',
      '/v1/accounts/./x',
      '/v1\\accounts',
      '/v1/a%5Cb',
      '/v1/x%2f..',
      '/v1/x/..',
      '/v1/a%00',
    ];
    for (const target of refused) {
      expect([target, refusedPath(target)]).toEqual([target, true]);
      expectProblem(await world.call('GET', '/v1/accounts', { key: ADMIN, target }), 400, 'invalid_request');
    }
    for (const target of ['/v1/accounts/a.b', '/v1/accounts/..x', '/cgi-bin/token?x=//../%2f', '/'])
      expect([target, refusedPath(target)]).toEqual([target, false]);
    expect(refusedPath('http://elsewhere/v1')).toBe(true);
    expect(refusedPath('*')).toBe(true);
  });
});

describe('queries', () => {
  test.each([
    ['?min_ttl=1&min_ttl=2', '"min_ttl": given more than once'],
    ['?ttl=1', '"ttl": unknown'],
    ['?access_token=x', '"access_token": unknown'],
    ['?__proto__=1', '"__proto__": unknown'],
    ['?constructor=1', '"constructor": unknown'],
  ])('%s', async (query, detail) => {
    const answer = await world.call('GET', `/v1/accounts/${APP}/token${query}`, { key });
    expectProblem(answer, 400, 'invalid_request');
    expect(answer.json.detail).toContain(detail);
  });

  test('a name of 10,000 characters comes back cut short', async () => {
    const { json } = await world.call('GET', `/v1/accounts/${APP}/token?${'x'.repeat(10_000)}=1`, { key });
    expect(json.code).toBe('invalid_request');
    expect(json.detail.length).toBeLessThan(200);
  });

  test('routes without parameters take none', async () => {
    expectProblem(await world.call('GET', `/v1/accounts/${APP}?x=1`, { key: ADMIN }), 400, 'invalid_request');
  });

  test('a key in a URL is refused, wherever in it, and is not repeated', async () => {
    for (const query of [
      `?key=${key}`,
      `?${key}`,
      `?a=1&access_token=${encodeURIComponent(key)}`,
      `?k=%7A${key.slice(1)}`,
      `?a=%zz&b=${key}`,
    ]) {
      const answer = await world.call('GET', `/v1/accounts/${APP}/token${query}`, { key });
      expectProblem(answer, 400, 'invalid_request');
      expect(answer.json.detail).toContain('API key in the URL');
      expect(answer.text).not.toContain(key);
    }
  });
});

describe('authorization', () => {
  test.each([
    ['Basic dXNlcjpwYXNz'],
    ['Bearer'],
    ['Bearer '],
    ['Bearer a b'],
    ['bearer short'],
    ['Bearer zk_中文中文中文中文中文中文中文'.replace(/[^\x20-\x7e]/g, '?')],
    [`Bearer ${'x'.repeat(10_000)}`],
  ])('%s', async (authorization) => {
    expectProblem(await world.call('GET', `/v1/accounts/${APP}/token`, { headers: { authorization } }), 401, 'unauthorized');
  });

  test('twice is not once', async () => {
    const headers = { authorization: `Bearer ${key}, Bearer ${key}` };
    expectProblem(await world.call('GET', `/v1/accounts/${APP}/token`, { headers }), 401, 'unauthorized');
  });

  test('the scheme is a word of any case', async () => {
    const { status } = await world.call('GET', `/v1/accounts/${APP}/token`, { headers: { authorization: `bearer ${key}` } });
    expect(status).toBe(200);
  });
});

test('a fault of ours: 500 without its words, told to the operators with its cause', async () => {
  const broken = new Error('the disk says SELECT secret FROM accounts');
  world.accounts.get = () => Promise.reject(broken);
  const answer = await world.call('GET', `/v1/accounts/${APP}/token`, { key });
  expectProblem(answer, 500, 'internal');
  expect(answer.text).not.toContain('SELECT');
  const told = world.said.find(({ type }) => type === 'internal.error');
  expect(told).toMatchObject({ cause: broken, during: '/v1/accounts/{account}/token', requestId: answer.json.request_id });
});

describe('the store is away', () => {
  const advice = { en: 'free some space on /srv', zh: '请清理 /srv' };
  const away = () => Promise.reject(new ZhongkongError('store_unavailable', '/srv/zk.db cannot grow: the disk is full', { advice }));

  test('callers are told so, but neither where it is nor what ails it', async () => {
    world.accounts.get = away;
    const answer = await world.call('GET', `/v1/accounts/${APP}/token`, { key });
    expectProblem(answer, 503, 'store_unavailable');
    expect(answer.json).toMatchObject({ detail: 'the store cannot be used at the moment', advice: ERROR_ADVICE.store_unavailable });
    expect(answer.text).not.toContain('srv');
    world.keys.find = away;
    expect((await world.call('GET', `/v1/accounts/${APP}/token`, { key: ADMIN })).text).not.toContain('srv');
  });

  test('administrators, the command line among them, are told all', async () => {
    world.directory.keys = away;
    const answer = await world.call('GET', '/v1/keys', { key: ADMIN });
    expect(answer.json).toMatchObject({ code: 'store_unavailable', detail: '/srv/zk.db cannot grow: the disk is full', advice });
  });
});

test('no answer allows other origins', async () => {
  const headers = { origin: 'https://elsewhere.example' };
  for (const path of ['/v1/accounts', '/docs', '/cgi-bin/token', '/healthz']) {
    for (const method of ['GET', 'OPTIONS']) {
      const answer = await world.call(method, path, { key: ADMIN, headers });
      expect([...answer.headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([]);
    }
  }
});
