/** The AWS Lambda host in an emulator, on PostgreSQL and beside the simulator. Only time is moved. */

import { listenSimulator } from '@zhongkong/simulator/node';
import lambdaLocal from 'lambda-local';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createLambdaHandler } from '../../src/hosts/lambda.ts';
import { openStore } from '../../src/stores/open.ts';
import { ShiftClock } from '../helpers/shift-clock.ts';
import { PostgresDatabase } from './postgres-database.ts';

type Handler = ReturnType<typeof createLambdaHandler>;

const ID = 'wx0123456789abcdef';
const SECRET = 'a'.repeat(32);
const ADMIN = 'test-admin-key-0123456789';
const READER = 'zk-reader-key-0123456789abcdef';
const RULE = {
  version: '0',
  source: 'aws.events',
  'detail-type': 'Scheduled Event',
  resources: ['arn:aws:events:…:rule/tick'],
  detail: {},
};
const SCHEDULE = { version: '0', source: 'aws.scheduler', 'detail-type': 'Scheduled Event', detail: '{}' };

let database: PostgresDatabase;
let wechat: Awaited<ReturnType<typeof listenSimulator>>;
let clock: ShiftClock;
let ended: (() => Promise<void>)[];

beforeEach(async () => {
  database = await PostgresDatabase.create();
  wechat = await listenSimulator({ knobs: {} });
  wechat.simulator.control.putAccount(ID, { secret: SECRET });
  clock = new ShiftClock();
  ended = [];
});
afterEach(async () => {
  await Promise.all(ended.map((end) => end()));
  await wechat.close();
  await database.drop();
});

/** One more instance, as cold as they come. */
function instance(env: Readonly<Record<string, string>> = {}): Handler {
  lambdaLocal.setLogger({ log: () => undefined, transports: [] } as never);
  const handler = createLambdaHandler({
    clock,
    openStore: (url, options) => openStore(url, { ...options, ...(options?.now ? { serverNow: options.now } : {}) }),
    env: {
      ZHONGKONG_STORE: database.url,
      ZHONGKONG_MASTER_KEY: Buffer.alloc(32, 7).toString('base64'),
      ZHONGKONG_ADMIN_KEY: ADMIN,
      ZHONGKONG_UPSTREAM_WECHAT: wechat.url,
      ZHONGKONG_LOG_LEVEL: 'silent',
      ZHONGKONG_ACCOUNTS: JSON.stringify([{ id: ID, platform: 'official-account', secret: SECRET, mode: 'classic' }]),
      ZHONGKONG_KEYS: JSON.stringify([{ name: 'shop', key: READER, scopes: ['credential:read'], accounts: ['*'] }]),
      ...env,
    },
  });
  ended.push(() => handler.stop());
  return handler;
}

const run = (handler: Handler, event: object): Promise<any> =>
  lambdaLocal.execute({ event, lambdaFunc: { handler }, lambdaHandler: 'handler', timeoutMs: 20_000, verboseLevel: 0 }) as Promise<any>;

/** As a function URL sends it, payload 2.0. */
function request(path: string, { method = 'GET', key = READER, query = '', body = null as string | null } = {}): object {
  return {
    version: '2.0',
    routeKey: '$default',
    rawPath: path,
    rawQueryString: query,
    headers: {
      authorization: `Bearer ${key}`,
      'content-type': 'application/json',
      'x-forwarded-for': '203.0.113.9',
      host: 'x.lambda-url.on.aws',
    },
    requestContext: {
      domainName: 'x.lambda-url.on.aws',
      http: { method, path, protocol: 'HTTP/1.1', sourceIp: '203.0.113.9' },
      stage: '$default',
    },
    body,
    isBase64Encoded: false,
  };
}
async function call(handler: Handler, ...args: Parameters<typeof request>): Promise<{ status: number; json: any }> {
  const { statusCode, body } = await run(handler, request(...args));
  return { status: statusCode, json: JSON.parse(body || 'null') };
}
const token = (handler: Handler) => call(handler, `/v1/accounts/${ID}/token`);
const issues = (): number => wechat.simulator.control.account(ID).counters.issues['/cgi-bin/token']?.normal ?? 0;
const travel = (seconds: number): void => {
  wechat.simulator.clock.advance(seconds * 1000);
  clock.shift(seconds * 1000);
};

test("instances share one token, over /v1 and in WeChat's own shape", async () => {
  const instances = [instance(), instance(), instance()];
  const answers = await Promise.all(instances.map(token));
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
  const json = answers[0]?.json;
  expect(new Set(answers.map(({ json: { value } }) => value))).toEqual(new Set([json.value]));
  const dropin = await call(instances[0] as Handler, '/cgi-bin/token', {
    query: `grant_type=client_credential&appid=${ID}&secret=${READER}`,
  });
  expect(dropin.json).toMatchObject({ access_token: json.value });
  expect(issues()).toBe(1);
});

test('a timer of either kind refreshes what is due, late, twice and on two instances at once, for one issue', async () => {
  const [first, second] = [instance(), instance()];
  const before = await token(first);
  expect(await run(first, RULE)).toMatchObject({ claimed: 0, nextDueAt: expect.any(Number) });
  travel(106 * 60);
  // Nothing runs between two events, and a read starts nothing.
  expect((await token(first)).json).toMatchObject({ value: before.json.value, state: 'due' });
  expect(issues()).toBe(1);
  const ticks = await Promise.all([run(first, RULE), run(second, SCHEDULE), run(second, { zhongkong: 'tick' })]);
  expect(ticks.reduce((sum, { claimed }) => sum + claimed, 0)).toBe(1);
  expect(issues()).toBe(2);
  travel(3);
  const [a, b] = [await token(first), await token(second)];
  expect(a.json).toMatchObject({ state: 'fresh', generation: 2 });
  expect(b.json.value).toBe(a.json.value);
});

test('no timer at all: a read in the last minute makes the refresh', async () => {
  const handler = instance();
  await token(handler);
  travel(119 * 60 + 30);
  expect((await token(handler)).json).toMatchObject({ state: 'fresh', generation: 2 });
});

test('what one instance changes another knows of within five seconds, however long it was frozen', async () => {
  const [first, second] = [instance(), instance()];
  const made = await call(first, '/v1/keys', {
    method: 'POST',
    key: ADMIN,
    body: JSON.stringify({ name: 'b', scopes: ['credential:read'], accounts: ['*'] }),
  });
  const { key, id } = made.json;
  const path = `/v1/accounts/${ID}/token`;
  expect((await call(second, path, { key })).status).toBe(200);
  expect((await call(first, `/v1/keys/${id}`, { method: 'DELETE', key: ADMIN })).status).toBeLessThan(300);
  travel(5);
  expect((await call(second, path, { key })).status).toBe(401);
});

test('what cannot open says so in the shape of the path, and opens at a later event', async () => {
  const broken = instance({ ZHONGKONG_STORE: 'sqlite:zhongkong.db' });
  expect(await call(broken, `/v1/accounts/${ID}/token`)).toMatchObject({ status: 500, json: { code: 'config_invalid' } });
  expect((await call(broken, '/cgi-bin/token', { query: 'grant_type=client_credential&appid=x&secret=y' })).json).toMatchObject({
    errcode: -1,
  });
  await expect(run(broken, RULE)).rejects.toMatchObject({ errorMessage: expect.stringContaining('ZHONGKONG_STORE') });
});

test('a path is refused as it came, not as an URL has it', async () => {
  const handler = instance();
  for (const path of [`/v1//accounts/${ID}/token`, `/v1/accounts/../accounts/${ID}/token`]) {
    expect(await call(handler, path)).toMatchObject({ status: 400, json: { code: 'invalid_request' } });
  }
});

test('an event that is neither a request nor a timer is refused and changes nothing', async () => {
  const handler = instance();
  for (const event of [{}, { Records: [{ eventSource: 'aws:sqs', body: '{}' }] }, { source: 'aws.s3' }]) {
    await expect(run(handler, event)).rejects.toMatchObject({ errorMessage: expect.stringContaining('neither a request') });
  }
  expect(issues()).toBe(0);
});
