// What a running server says of itself: numbers, alarms and the audit trail, from both ways a read can take.
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Product, SECRET, startProduct } from '../helpers/product.ts';

const ID = 'wx0123456789abcdef';
const V1 = `/v1/accounts/${ID}/token`;

let product: Product;
beforeEach(async () => {
  product = await startProduct();
});
afterEach(async () => {
  await product.close();
});

async function metrics(): Promise<string[]> {
  const { key } = await product.engine.keys.create({ name: `m${Math.random()}`, scopes: ['metrics'], accounts: ['*'] }, 'test');
  const response = await fetch(`${product.url}/metrics`, { headers: { authorization: `Bearer ${key}` } });
  return (await response.text()).split('\n');
}

test('every read is counted once, whichever way it took', async () => {
  await product.addAccount(ID, 'stable');
  for (let i = 0; i < 5; i += 1) await product.token(ID);
  for (let i = 0; i < 3; i += 1) await product.call(`${V1}?min_ttl=0`);
  for (let i = 0; i < 4; i += 1) await product.call(`/cgi-bin/token?grant_type=client_credential&appid=${ID}&secret=${product.key}`);
  const lines = await metrics();
  expect(lines).toContain('zhongkong_reads_total{surface="v1",kind="access_token"} 8');
  // The Bearer that `call` sends along makes these the app's.
  expect(lines).toContain('zhongkong_reads_total{surface="dropin",kind="access_token"} 4');
  const app = lines.find((line) => line.startsWith('zhongkong_http_requests_total{method="GET",route="/v1/accounts/{account}/token"'));
  // The first read waited for the issue; the next four came from memory, past the app.
  expect(app).toMatch(/status="200"\} 4$/);
});

test('trouble shows as an alarm, goes into the audit trail, and is over when it is over', async () => {
  await product.addAccount(ID, 'classic', { whitelist: ['203.0.113.9'] });
  expect((await product.call(V1)).status).toBe(503);
  const alarm = 'zhongkong_alarms{code="refresh_failing",severity="critical",class="network-acl"} 1';
  expect(await metrics()).toContain(alarm);
  expect(product.engine.alarms.of(ID)).toMatchObject([{ code: 'refresh_failing', class: 'network-acl' }]);
  product.simulator.control.editWhitelist(ID, { whitelist: null });
  await product.travelUntil(75, 'credential.committed');
  expect(await metrics()).not.toContain(alarm);
  expect(product.engine.alarms.active()).toEqual([]);
  // A clean end writes what was still waiting.
  await product.restart();
  const { json } = await product.call(`/v1/events?subject=${ID}`, { key: product.admin });
  const text = JSON.stringify(json);
  expect(text).toContain('alarm.raised');
  expect(text).toContain('alarm.cleared');
  for (const secret of [SECRET, product.key, product.admin, await product.token(ID)]) expect(text).not.toContain(secret);
});

test('a restart answers what the server had begun, and issues nothing twice', async () => {
  await product.addAccount(ID, 'stable');
  product.simulator.control.setFaults({ fault: 'latency', ms: 100, path: '/cgi-bin/stable_token' });
  const asked = product.monitor.next('credential.committed');
  const first = product.call(V1);
  while (product.simulator.control.account(ID).counters.issues['/cgi-bin/stable_token'] === undefined) await new Promise(setImmediate);
  const restarted = product.restart();
  expect((await first).status).toBe(200);
  await asked;
  await restarted;
  expect((await product.call(V1)).status).toBe(200);
  expect(product.issues(ID, '/cgi-bin/stable_token')).toBe(1);
});
