import { beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { PROBLEMS } from '../../../src/http/problem.ts';
import { openApiDocument } from '../../../src/http/openapi.ts';
import { ADMIN, type Answered, appIdOf, createWorld, type World } from './world.ts';

type Json = any;

const APP = appIdOf(1);
let world: World;

beforeEach(async () => {
  world = await createWorld();
});

/** The schema of an answer, with its references resolved, as a validator. */
function schemaOf(document: Json, path: string, method: string, status: number): z.ZodType {
  const operation = document.paths[path]?.[method];
  const answer = operation?.responses[status] ?? operation?.responses.default;
  const schema = (Object.values(answer?.content ?? {}) as Json[])[0]?.schema;
  const resolve = (node: Json): Json => {
    if (Array.isArray(node)) return node.map(resolve);
    if (typeof node !== 'object' || node === null) return node;
    if (node.$ref) return resolve(document.components.schemas[node.$ref.split('/').at(-1)]);
    return Object.fromEntries(Object.entries(node).map(([name, value]) => [name, resolve(value)]));
  };
  return strict(z.fromJSONSchema(resolve(schema)));
}

const strict = (schema: z.ZodType): z.ZodType => (schema instanceof z.ZodObject ? schema.strict() : schema);

describe('the OpenAPI document', () => {
  test('is 3.1, names every route with its scope, and needs no server', () => {
    const document: Json = openApiDocument('1.2.3');
    expect([document.openapi, document.info.version]).toEqual(['3.1.0', '1.2.3']);
    const operations = Object.entries(document.paths).flatMap(([path, item]) =>
      Object.entries(item as Json).map(
        ([method, operation]: [string, Json]) => `${method.toUpperCase()} ${path} ${operation['x-scope'] ?? '-'}`,
      ),
    );
    expect(operations.sort()).toEqual(
      [
        'DELETE /v1/accounts/{account} admin',
        'DELETE /v1/keys/{key} admin',
        'GET /cgi-bin/token credential:read',
        'GET /healthz -',
        'GET /metrics metrics',
        'GET /readyz -',
        'GET /v1/tick tick',
        'POST /v1/tick tick',
        'GET /v1/accounts admin',
        'GET /v1/accounts/{account} admin',
        'GET /v1/accounts/{account}/credentials/{kind} credential:read',
        'GET /v1/accounts/{account}/credentials/{kind}/operations/{operation} admin',
        'GET /v1/accounts/{account}/token credential:read',
        'GET /v1/events admin',
        'GET /v1/keys admin',
        'GET /v1/keys/{key} admin',
        'GET /v1/status admin',
        'PATCH /v1/accounts/{account} admin',
        'PATCH /v1/keys/{key} admin',
        'POST /cgi-bin/stable_token credential:read',
        'POST /v1/accounts admin',
        'POST /v1/accounts/{account}/credentials/{kind}/refresh credential:refresh',
        'POST /v1/accounts/{account}/credentials/{kind}/report credential:read',
        'POST /v1/accounts/{account}/credentials/{kind}/revoke-leaked admin',
        'POST /v1/keys admin',
      ].sort(),
    );
    const ids = Object.values(document.paths).flatMap((item) =>
      Object.values(item as Json).map((operation: Json) => operation.operationId),
    );
    expect(new Set(ids).size).toBe(operations.length);
    for (const item of Object.values(document.paths) as Json[]) {
      for (const operation of Object.values(item) as Json[]) expect(operation.summary && operation['x-summary-zh']).toBeTruthy();
    }
  });

  test('describes the integers, instants and defaults of the wire', () => {
    const document: Json = openApiDocument('1');
    const [limit] = document.paths['/v1/accounts'].get.parameters.filter(({ name }: Json) => name === 'limit');
    expect(limit).toMatchObject({ required: false, schema: { type: 'integer', minimum: 1, maximum: 200, default: 50 } });
    const [minTtl] = document.paths['/v1/accounts/{account}/token'].get.parameters.filter(({ name }: Json) => name === 'min_ttl');
    expect(minTtl.schema).toMatchObject({ type: 'integer', minimum: 0, maximum: 7200 });
    const { NewApiKey, ApiKeyPatch, ApiKey } = document.components.schemas;
    for (const { properties } of [NewApiKey, ApiKeyPatch, ApiKey]) {
      expect(properties.expires_at).toMatchObject({ type: ['string', 'null'], format: 'date-time' });
    }
    expect(document.components.schemas.NewAccount.required).toEqual(['platform', 'secret']);
    expect(document.components.schemas.NewAccount.additionalProperties).toBe(false);
  });

  test('is what the server answers: every answer has the form that the document gives it', async () => {
    const document: Json = (await world.call('GET', '/openapi.json')).json;
    const checked: string[] = [];
    const check = async (method: string, path: string, pattern: string, given: object = {}): Promise<Answered> => {
      const answer = await world.call(method, path, { key: ADMIN, ...given });
      const parsed = schemaOf(document, pattern, method.toLowerCase(), answer.status).safeParse(answer.json);
      expect(parsed.error?.issues ?? [], `${method} ${path} ${answer.text}`).toEqual([]);
      checked.push(`${method} ${pattern} ${answer.status}`);
      return answer;
    };
    const account = '/v1/accounts/{account}';
    const kind = `${account}/credentials/{kind}`;
    const at = `/v1/accounts/${APP}`;
    const credential = `${at}/credentials/access_token`;
    const make = { platform: 'official-account', app_id: APP, secret: `generated-secret-of-${APP}` };
    await check('POST', '/v1/accounts', '/v1/accounts', { json: make });
    await check('POST', '/v1/accounts', '/v1/accounts', { json: make });
    await check('POST', '/v1/accounts', '/v1/accounts', { json: {} });
    await check('GET', '/v1/accounts', '/v1/accounts');
    await check('GET', at, account);
    await check('PATCH', at, account, { json: { note: 'x' } });
    const { json } = await check('GET', `${at}/token`, `${account}/token`);
    await check('GET', credential, kind);
    await check('POST', `${credential}/report`, `${kind}/report`, { json: { value: 'other' } });
    await check('POST', `${credential}/report`, `${kind}/report`, { json: { value: json.value } });
    await check('POST', `${credential}/report`, `${kind}/report`, { json: { value: json.value } });
    await check('POST', `${credential}/refresh`, `${kind}/refresh`, { json: { reason: 'x' } });
    await check('POST', `${credential}/refresh`, `${kind}/refresh`, { json: { reason: 'x' } });
    const leak = await check('POST', `${credential}/revoke-leaked`, `${kind}/revoke-leaked`, { json: { reason: 'x' } });
    await check('GET', leak.headers.get('location') ?? '', `${kind}/operations/{operation}`);
    const made = await check('POST', '/v1/keys', '/v1/keys', { json: { name: 'x', scopes: ['credential:read'], accounts: ['*'] } });
    await check('GET', '/v1/keys', '/v1/keys');
    await check('GET', `/v1/keys/${made.json.id}`, '/v1/keys/{key}');
    await check('PATCH', `/v1/keys/${made.json.id}`, '/v1/keys/{key}', { json: { sealed: true } });
    await check('GET', credential, kind, { key: made.json.key });
    await check('GET', '/v1/events', '/v1/events');
    await check('GET', '/v1/status', '/v1/status');
    await check('GET', '/healthz', '/healthz');
    await check('GET', '/readyz', '/readyz');
    const token = `/cgi-bin/token?grant_type=client_credential&appid=${APP}&secret=`;
    await check('GET', `${token}${made.json.key}`, '/cgi-bin/token');
    await check('GET', `${token}x`, '/cgi-bin/token');
    expect(checked.length).toBe(26);
    expect(checked).toContain('POST /v1/accounts 409');
  });

  test('the form check can fail', async () => {
    const document: Json = openApiDocument('1');
    expect(schemaOf(document, '/healthz', 'get', 200).safeParse({ status: 'fine' }).success).toBe(false);
    expect(schemaOf(document, '/v1/keys', 'post', 201).safeParse({ id: 'x' }).success).toBe(false);
  });
});

describe('the page', () => {
  test('shows every path in both languages, with no script and nothing from elsewhere', async () => {
    const { text, headers } = await world.call('GET', '/docs');
    expect(headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(headers.get('content-security-policy')).toContain("default-src 'none'");
    for (const path of Object.keys((openApiDocument('1') as Json).paths)) expect(text).toContain(`${path}<`);
    expect(text).toContain('读取账号的主凭据');
    expect(text).toContain('<h2 id="credentials">Credentials 凭据</h2>');
    expect(text).not.toMatch(/<script|<link|<img|src=|@import|javascript:|https?:\/\//i);
  });

  test('and the document need any key where they are not public', async () => {
    world = await createWorld({ app: { docsPublic: false } });
    const key = await world.addKey({ scopes: ['tick'], accounts: [APP] });
    for (const path of ['/docs', '/openapi.json']) {
      expect((await world.call('GET', path)).status).toBe(401);
      expect((await world.call('GET', path, { key })).status).toBe(200);
    }
  });
});

test('every code has its status, and only 401 asks for a key', () => {
  const statuses = Object.entries(PROBLEMS).map(([code, { status }]) => [code, status]);
  expect(statuses.filter(([, status]) => status === 401)).toEqual([['unauthorized', 401]]);
  for (const [, status] of statuses) expect(status).toBeGreaterThanOrEqual(400);
});

test('the log has one line per request: the pattern, never the path; the key’s id, never the key', async () => {
  await world.addAccount(APP);
  const { key, record } = await world.keys.create({ name: 'shop', scopes: ['credential:read'], accounts: ['*'] }, 'test');
  world.logged.length = 0;
  await world.call('GET', `/v1/accounts/${APP}/token?min_ttl=5`, { key, ip: '192.0.2.7' });
  await world.call('GET', '/v1/accounts/unknown/token', { key });
  await world.call('GET', '/v1/whatever');
  await world.call('GET', `/cgi-bin/token?grant_type=client_credential&appid=${APP}&secret=${key}`);
  await world.call('GET', '/cgi-bin/whatever');
  const common = { ip: '192.0.2.1', keyId: null, accountId: null, kind: null, code: null, errcode: null, method: 'GET', ms: 0 };
  const route = '/v1/accounts/{account}/token';
  const id = expect.any(String);
  expect(world.logged).toEqual([
    {
      ...common,
      requestId: id,
      surface: 'v1',
      route,
      status: 200,
      keyId: record.id,
      accountId: APP,
      kind: 'access_token',
      ip: '192.0.2.7',
    },
    { ...common, requestId: id, surface: 'v1', route, status: 404, keyId: record.id, code: 'not_found' },
    { ...common, requestId: id, surface: 'v1', route: 'unmatched', status: 404, code: 'not_found' },
    {
      ...common,
      requestId: id,
      surface: 'dropin',
      route: '/cgi-bin/token',
      status: 200,
      keyId: record.id,
      accountId: APP,
      kind: 'access_token',
    },
    { ...common, requestId: id, surface: 'dropin', route: 'unmatched', status: 200, errcode: 40066 },
  ]);
});
