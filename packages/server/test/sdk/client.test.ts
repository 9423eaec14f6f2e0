/** Our own client package against the running server, over a socket: what its unit tests assume of the server is true. */

import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Client, createClient } from '../../../client/src/index.ts';
import { type Product, startProduct } from '../helpers/product.ts';

const ID = 'wx0123456789abcdef';
const CLASSIC = '/cgi-bin/token';

let product: Product;
let client: Client;
/** Requests that the client sent. */
let requests: string[];
/** Nobody listens there. */
let away = false;
const NOBODY = 'http://127.0.0.1:1';

beforeEach(async () => {
  product = await startProduct();
  await product.addAccount(ID, 'classic');
  requests = [];
  away = false;
  client = createClient({
    url: product.url,
    key: product.key,
    now: () => product.clock.monotonic(),
    fetch: (url, init) => {
      requests.push(`${init.method} ${new URL(url).pathname}`);
      return fetch(away ? NOBODY : url, init);
    },
  });
});
afterEach(async () => {
  await product.close();
});

test('a hundred first reads: one request, one issue', async () => {
  const tokens = await Promise.all(Array.from({ length: 100 }, () => client.token(ID)));
  expect(new Set(tokens).size).toBe(1);
  expect(requests).toEqual([`GET /v1/accounts/${ID}/token`]);
  expect(product.issues(ID, CLASSIC)).toBe(1);
  expect(await product.accepted(tokens[0] as string)).toBe(0);
});

test('a rotation goes by unnoticed: what the client hands out is accepted all the time', async () => {
  const first = await client.token(ID);
  await product.travelUntil(7200 - 900, 'credential.committed');
  for (let step = 0; step < 5; step += 1) {
    expect(await product.accepted(await client.token(ID))).toBe(0);
    await product.travel(70);
    // The refresh ahead is in the background: let the answer come in.
    await client.token(ID, { minTtl: 60 });
  }
  expect(await client.token(ID)).not.toBe(first);
  expect(product.issues(ID, CLASSIC)).toBe(2);
});

test('a rogue fetcher: a hundred reports are one, and the new token works', async () => {
  const dead = await client.token(ID);
  product.simulator.control.rogue(ID, { chain: 'classic', times: 1 });
  await product.travel(301);
  expect(await product.accepted(dead)).toBe(40001);
  requests.length = 0;
  const reports = await Promise.all(Array.from({ length: 100 }, () => client.report(ID, dead)));
  expect(new Set(reports.map((report) => report.outcome))).toEqual(new Set(['refreshed']));
  expect(requests).toEqual([`POST /v1/accounts/${ID}/credentials/access_token/report`]);
  const token = await client.token(ID);
  expect(token).not.toBe(dead);
  expect(await product.accepted(token)).toBe(0);
});

test('a report of a living token is answered alive, and changes nothing', async () => {
  const token = await client.token(ID);
  expect((await client.report(ID, token)).outcome).toBe('alive');
  expect(await client.token(ID)).toBe(token);
  expect(product.issues(ID, CLASSIC)).toBe(1);
});

test("the server's errors keep their code, WeChat's errcode and the request id", async () => {
  await expect(client.token('wxffffffffffffffff')).rejects.toMatchObject({ code: 'not_found', status: 404, requestId: expect.any(String) });
  const stranger = createClient({ url: product.url, key: `${product.key.slice(0, -1)}~` });
  await expect(stranger.token(ID)).rejects.toMatchObject({ code: 'unauthorized', status: 401 });
  await product.addAccount('wx2222222222222222', 'classic', { whitelist: ['203.0.113.9'] });
  await expect(client.token('wx2222222222222222')).rejects.toMatchObject({ code: 'credential_unavailable', errcode: 40164 });
});

test('while the server is away the cached token is served, until it really ends', async () => {
  const token = await client.token(ID);
  away = true;
  await product.travel(6000);
  expect(await client.token(ID)).toBe(token);
  expect(await product.accepted(token)).toBe(0);
  await product.travel(1200);
  await expect(client.token(ID)).rejects.toMatchObject({ code: 'network', status: null });
});

test('a revoked key stops its client as soon as the client asks again', async () => {
  const token = await client.token(ID);
  const record = await product.engine.keys.find(product.key);
  await product.engine.keys.revoke(record?.id ?? '', 'test');
  expect(await client.token(ID)).toBe(token);
  await expect(client.token(ID, { minTtl: 7200 })).rejects.toMatchObject({ code: 'unauthorized' });
  await expect(client.token(ID)).rejects.toMatchObject({ code: 'unauthorized' });
});
