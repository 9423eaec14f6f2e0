/** Reports: compared here, verified by the server, shared among those who report the same value. */

import { describe, expect, it } from 'vitest';
import { ACCOUNT, errorOf, harness, problem, settle, wire } from './harness.ts';

const SECOND = 1000;
const report = (outcome: string, value: string, generation: number, extra: object = {}): object => ({
  outcome,
  ...wire(value, generation),
  ...extra,
});

async function warmed(options = {}) {
  const setup = harness(options);
  const token = setup.client.token(ACCOUNT);
  await settle();
  setup.at(0).answer(200, wire('A', 1));
  await token;
  return setup;
}

describe('report', () => {
  it('posts the value and stores what the answer brings', async () => {
    const { client, at, sent } = await warmed();
    const reporting = client.report(ACCOUNT, 'A');
    await settle();
    expect(at(1).url).toBe(`http://127.0.0.1:8700/v1/accounts/${ACCOUNT}/credentials/access_token/report`);
    expect(at(1).init).toMatchObject({ method: 'POST', body: '{"value":"A"}' });
    at(1).answer(200, report('refreshed', 'B', 2));
    expect(await reporting).toMatchObject({ outcome: 'refreshed', retryAfter: null, credential: { value: 'B', generation: 2 } });
    expect(await client.token(ACCOUNT)).toBe('B');
    expect((await client.credential(ACCOUNT, 'access_token')).value).toBe('B');
    expect(sent).toHaveLength(2);
  });

  it('lets readers wait for its answer, in one request for all', async () => {
    const { client, at, sent } = await warmed();
    const reports = Array.from({ length: 100 }, () => client.report(ACCOUNT, 'A'));
    await settle();
    const readers = [client.token(ACCOUNT), client.token(ACCOUNT)];
    await settle();
    expect(sent).toHaveLength(2);
    at(1).answer(200, report('refreshed', 'B', 2));
    expect(await Promise.all(readers)).toEqual(['B', 'B']);
    expect(new Set((await Promise.all(reports)).map((done) => done.credential.value))).toEqual(new Set(['B']));
  });

  it('leaves the credential alone when another value is reported', async () => {
    const { client, at } = await warmed();
    const reporting = client.report(ACCOUNT, 'older');
    await settle();
    expect(await client.token(ACCOUNT)).toBe('A');
    at(1).answer(200, report('superseded', 'A', 1));
    expect((await reporting).outcome).toBe('superseded');
    expect(await client.token(ACCOUNT)).toBe('A');
  });

  it('a read sent before the report does not bring the reported value back', async () => {
    const { client, clock, at } = await warmed();
    clock.ms = 5600 * SECOND;
    await client.token(ACCOUNT);
    const reporting = client.report(ACCOUNT, 'A');
    await settle();
    at(1).answer(200, wire('A', 1));
    await settle();
    const reader = client.token(ACCOUNT);
    await settle();
    at(2).answer(200, report('refreshed', 'B', 2));
    await reporting;
    expect(await reader).toBe('B');
  });

  it('the mirror case: the report is answered first, the old read after it', async () => {
    const { client, clock, at } = await warmed();
    clock.ms = 5600 * SECOND;
    await client.token(ACCOUNT);
    const reporting = client.report(ACCOUNT, 'A');
    await settle();
    at(2).answer(200, report('refreshed', 'B', 2));
    await reporting;
    at(1).answer(200, wire('A', 1));
    await settle();
    expect(await client.token(ACCOUNT)).toBe('B');
  });

  it('does not ask again while the server has not checked: same answer until retry_after', async () => {
    const { client, clock, at, sent } = await warmed();
    const first = client.report(ACCOUNT, 'A');
    await settle();
    at(1).answer(200, report('unverified', 'A', 1, { retry_after: 20 }));
    expect(await first).toMatchObject({ outcome: 'unverified', retryAfter: 20 });
    clock.ms = 19 * SECOND;
    expect((await client.report(ACCOUNT, 'A')).outcome).toBe('unverified');
    expect(await client.token(ACCOUNT)).toBe('A');
    expect(sent).toHaveLength(2);
    clock.ms = 21 * SECOND;
    expect(await client.token(ACCOUNT)).toBe('A');
    void client.report(ACCOUNT, 'A');
    await settle();
    expect(sent).toHaveLength(4);
  });

  it('fails as the server fails; readers that waited ask on their own', async () => {
    const { client, at } = await warmed();
    const reporting = errorOf(client.report(ACCOUNT, 'A'));
    await settle();
    const reader = client.token(ACCOUNT);
    await settle();
    at(1).answer(429, problem('rate_limited', { retry_after: 5 }));
    expect(await reporting).toMatchObject({ code: 'rate_limited' });
    await settle();
    at(2).answer(200, wire('B', 2));
    expect(await reader).toBe('B');
  });

  it('learns the main kind first when it was never read', async () => {
    const { client, at } = harness();
    const reporting = client.report(ACCOUNT, 'A');
    await settle();
    at(0).answer(200, wire('A', 1, { kind: 'component_access_token' }));
    await settle();
    expect(at(1).url).toContain('/credentials/component_access_token/report');
    at(1).answer(200, report('alive', 'A', 1, { kind: 'component_access_token' }));
    expect((await reporting).outcome).toBe('alive');
  });

  it('of another kind never touches the main one', async () => {
    const { client, at, sent } = harness();
    const failing = errorOf(client.token(ACCOUNT));
    await settle();
    at(0).fail(new Error('gone'));
    await failing;
    const reporting = client.report(ACCOUNT, 'T', { kind: 'jsapi_ticket' });
    await settle();
    at(1).answer(200, report('refreshed', 'T2', 2, { kind: 'jsapi_ticket' }));
    await reporting;
    await errorOf(client.token(ACCOUNT));
    expect(sent).toHaveLength(2);
    expect((await client.credential(ACCOUNT, 'jsapi_ticket')).value).toBe('T2');
  });

  it.each(['', 'x'.repeat(5000)])('refuses a value that cannot be one', async (value) => {
    const { client, sent } = harness();
    expect(await errorOf(client.report(ACCOUNT, value))).toMatchObject({ code: 'invalid_option' });
    expect(sent).toHaveLength(0);
  });
});
