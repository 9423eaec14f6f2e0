import { beforeEach, describe, expect, test } from 'vitest';
import { credentialAnswer } from '../../../src/http/credential-json.ts';
import { ADMIN, appIdOf, away, createWorld, refusal, secretOf, START, type World } from './world.ts';

const APP = appIdOf(1);
let world: World;
let key: string;

beforeEach(async () => {
  world = await createWorld();
  await world.addAccount(APP);
  key = await world.addKey();
});

describe('reading a credential', () => {
  test('by kind and as the main one, with exactly the contract’s fields', async () => {
    const one = await world.call('GET', `/v1/accounts/${APP}/credentials/access_token`, { key });
    const other = await world.call('GET', `/v1/accounts/${APP}/token`, { key });
    expect(one.text).toBe(other.text);
    expect(one.status).toBe(200);
    expect(one.text).toBe(
      JSON.stringify({
        account: APP,
        kind: 'access_token',
        value: world.wechat.issued[0],
        expires_in: 7200,
        expires_at: new Date(START + 7_200_000).toISOString(),
        issued_at: new Date(START).toISOString(),
        generation: 1,
        state: 'fresh',
      }),
    );
    expect(Object.fromEntries(one.headers)).toEqual({
      'content-type': 'application/json',
      'cache-control': 'no-store',
      'zhongkong-generation': '1',
    });
    expect(world.wechat.issued).toHaveLength(1);
  });

  test('is what the shared builder makes', async () => {
    await world.call('GET', `/v1/accounts/${APP}/token`, { key });
    const account = await world.accounts.require(APP);
    const served = world.keeper.peek(world.catalog.target(account, null));
    const { text } = await world.call('GET', `/v1/accounts/${APP}/token`, { key });
    expect(served && credentialAnswer(served).body).toBe(text);
  });

  test('a hundred first reads at once cost one issue', async () => {
    const all = await Promise.all(Array.from({ length: 100 }, () => world.call('GET', `/v1/accounts/${APP}/token`, { key })));
    expect(new Set(all.map(({ text }) => text)).size).toBe(1);
    expect(world.wechat.issued).toHaveLength(1);
  });

  test('an id with colons is taken raw and encoded', async () => {
    await world.addAccount(appIdOf(2), { id: 'corp:1000002' });
    for (const id of ['corp:1000002', 'corp%3A1000002', 'corp%3a1000002']) {
      const { status, json } = await world.call('GET', `/v1/accounts/${id}/token`, { key });
      expect([status, json.account]).toEqual([200, 'corp:1000002']);
    }
  });

  test('min_ttl waits inside the refresh window only, and never makes an issue outside of it', async () => {
    const read = (query: string) => world.call('GET', `/v1/accounts/${APP}/token${query}`, { key });
    await read('');
    await world.advance(6_000_000);
    const early = await read('?min_ttl=7000');
    expect(early.json).toMatchObject({ generation: 1, expires_in: 1200 });
    await world.advance(1_000_000);
    expect((await read('?min_ttl=7000')).json).toMatchObject({ generation: 2, expires_in: 7200 });
    for (const bad of ['7201', '-1', '1.5', '', 'x', '1e3', '%201', '١']) {
      expect((await read(`?min_ttl=${bad}`)).json).toMatchObject({ code: 'invalid_request', detail: expect.stringContaining('min_ttl') });
    }
  });

  test('a WeChat outage: read on while the credential lives, then its own words', async () => {
    await world.call('GET', `/v1/accounts/${APP}/token`, { key });
    world.wechat.script(() =>
      refusal(40164, 'invalid ip 203.0.113.9 ipv6 ::ffff:203.0.113.9, not in whitelist rid: 00000001-00000002-00000003'),
    );
    await world.advance(7_100_000);
    expect((await world.call('GET', `/v1/accounts/${APP}/token`, { key })).status).toBe(200);
    await world.advance(200_000);
    const { status, json, headers } = await world.call('GET', `/v1/accounts/${APP}/token`, { key });
    expect(status).toBe(503);
    expect(json).toMatchObject({ code: 'credential_unavailable', errcode: 40164, rid: '00000001-00000002-00000003' });
    expect(json.advice.zh).not.toBe('');
    expect(headers.get('retry-after')).toBe(String(json.retry_after));
  });

  test('HEAD answers like GET, without a body', async () => {
    const { status, text, headers } = await world.call('HEAD', `/v1/accounts/${APP}/token`, { key });
    expect([status, text, headers.get('zhongkong-generation')]).toEqual([200, '', '1']);
  });
});

describe('who may', () => {
  test('an unknown and a forbidden account are answered byte for byte alike, but for the request id', async () => {
    await world.addAccount(appIdOf(2));
    const narrow = await world.addKey({ accounts: [APP, 'nobody'] });
    const answers = await Promise.all(
      ['nobody', appIdOf(2), appIdOf(3)].map((id) => world.call('GET', `/v1/accounts/${id}/credentials/access_token`, { key: narrow })),
    );
    const bodies = answers.map(({ text }) => text.replace(/req-\d+/, 'req'));
    expect(new Set(bodies).size).toBe(1);
    expect(answers.map(({ status }) => status)).toEqual([404, 404, 404]);
    const heads = answers.map(({ headers }) => JSON.stringify([...headers]));
    expect(new Set(heads).size).toBe(1);
  });

  test.each<[string, (w: World) => Promise<string | undefined>, number, string]>([
    ['no key', async () => undefined, 401, 'unauthorized'],
    ['an unknown key', async () => `zk_${'0'.repeat(40)}`, 401, 'unauthorized'],
    [
      'a revoked key',
      async (w) => {
        const { key: text, record } = await w.keys.create({ name: 'gone', scopes: ['credential:read'], accounts: ['*'] }, 'test');
        await w.keys.revoke(record.id, 'test');
        return text;
      },
      401,
      'unauthorized',
    ],
    [
      'an expired key',
      async (w) => {
        const text = await w.addKey({ expiresAt: START + 1000 });
        await w.advance(1000);
        return text;
      },
      401,
      'unauthorized',
    ],
    ['another network', (w) => w.addKey({ cidrs: ['10.0.0.0/8'] }), 403, 'ip_not_allowed'],
    ['another scope', (w) => w.addKey({ scopes: ['metrics'] }), 403, 'forbidden'],
    ['another kind', (w) => w.addKey({ kinds: ['jsapi_ticket'] }), 403, 'forbidden'],
    ['a sealed key', (w) => w.addKey({ sealed: true }), 501, 'not_available'],
  ])('%s', async (_, make, status, code) => {
    const text = await make(world);
    const answer = await world.call('GET', `/v1/accounts/${APP}/token`, text === undefined ? {} : { key: text });
    expect([answer.status, answer.json.code]).toEqual([status, code]);
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
    expect(answer.json.request_id).toMatch(/^req-/);
    expect(answer.headers.get('www-authenticate')).toBe(status === 401 ? 'Bearer' : null);
    expect(world.wechat.issued).toHaveLength(0);
  });

  test('a sealed key never sees a value, by any route', async () => {
    const sealed = await world.addKey({ sealed: true, scopes: ['credential:read', 'credential:refresh'] });
    const value = (await world.call('GET', `/v1/accounts/${APP}/token`, { key })).json.value;
    const base = `/v1/accounts/${APP}/credentials/access_token`;
    const answers = [
      await world.call('GET', base, { key: sealed }),
      await world.call('POST', `${base}/report`, { key: sealed, json: { value: 'anything' } }),
      await world.call('POST', `${base}/refresh`, { key: sealed, json: { reason: 'test' } }),
    ];
    for (const { json, text } of answers) {
      expect(json.code).toBe('not_available');
      expect(text).not.toContain(value);
    }
    expect(world.wechat.issued).toHaveLength(1);
  });

  test('more calls a minute than the key has: 429 with the wait', async () => {
    const slow = await world.addKey({ callsPerMinute: 2 });
    const read = () => world.call('GET', `/v1/accounts/${APP}/token`, { key: slow });
    expect([(await read()).status, (await read()).status]).toEqual([200, 200]);
    const refused = await read();
    expect([refused.status, refused.json.code, refused.json.retry_after]).toEqual([429, 'rate_limited', 60]);
    await world.advance(60_000);
    expect((await read()).status).toBe(200);
  });

  test('asking for foreign accounts spends calls, too', async () => {
    const slow = await world.addKey({ callsPerMinute: 2, accounts: [APP] });
    const ask = async (id: string) => (await world.call('GET', `/v1/accounts/${id}/token`, { key: slow })).status;
    expect([await ask('one'), await ask('two'), await ask(APP)]).toEqual([404, 404, 429]);
  });

  test('a mistyped key is told so', async () => {
    const typo = `${key.slice(0, 10)}${key[10] === 'x' ? 'y' : 'x'}${key.slice(11)}`;
    expect((await world.call('GET', `/v1/accounts/${APP}/token`, { key: typo })).json.detail).toContain('mistyped');
  });

  test('a disabled account is not served, from memory neither', async () => {
    await world.call('GET', `/v1/accounts/${APP}/token`, { key });
    await world.accounts.update(APP, { enabled: false }, 'test');
    const { status, json } = await world.call('GET', `/v1/accounts/${APP}/token`, { key });
    expect([status, json.code]).toEqual([409, 'account_disabled']);
  });
});

describe('reporting, refreshing, revoking', () => {
  const base = `/v1/accounts/${APP}/credentials/access_token`;
  const report = (value: string) => world.call('POST', `${base}/report`, { key, json: { value } });

  test('an alive value is kept, a dead one replaced, an old one superseded', async () => {
    const first = (await world.call('GET', base, { key })).json.value;
    const alive = await report(first);
    expect(alive.json).toMatchObject({ outcome: 'alive', value: first });
    expect(alive.headers.get('zhongkong-generation')).toBe('1');
    expect((await report(first)).json).toMatchObject({ outcome: 'cooling_down', retry_after: 30 });
    world.wechat.kill(first);
    await world.advance(31_000);
    const refreshed = (await report(first)).json;
    expect(refreshed).toMatchObject({ outcome: 'refreshed', generation: 2 });
    expect((await report(first)).json).toMatchObject({ outcome: 'superseded', value: refreshed.value });
  });

  test('a hundred reports of one dead value cost one probe and one issue', async () => {
    const first = (await world.call('GET', base, { key })).json.value;
    world.wechat.kill(first);
    const all = await Promise.all(Array.from({ length: 100 }, () => report(first)));
    expect(all.every(({ json }) => json.generation === 2)).toBe(true);
    expect([world.wechat.probes(), world.wechat.issued.length]).toEqual([1, 2]);
  });

  test('an ordered refresh issues now, is guarded by the spacing, and is in the audit trail', async () => {
    const operator = await world.addKey({ scopes: ['credential:refresh'] });
    await world.call('GET', base, { key });
    const order = () => world.call('POST', `${base}/refresh`, { key: operator, json: { reason: 'moving house' } });
    expect((await order()).json).toMatchObject({ generation: 2 });
    const again = await order();
    expect([again.status, again.json.code]).toEqual([429, 'refresh_budget_exhausted']);
    expect(again.json.retry_after).toBeGreaterThan(0);
    const trail = await world.directory.audit({ before: null, limit: 5, action: 'credential.refresh_ordered' });
    expect(trail[0]?.data).toEqual({ kind: 'access_token', reason: 'moving house' });
    expect((await world.call('POST', `${base}/refresh`, { key, json: { reason: 'x' } })).json.code).toBe('forbidden');
  });

  test('the leak procedure: 202 with an operation that can be followed to its end, by another node too', async () => {
    await world.call('GET', base, { key });
    const started = await world.call('POST', `${base}/revoke-leaked`, { key: ADMIN, json: { reason: 'in a screenshot' } });
    expect(started.status).toBe(202);
    expect(started.json).toMatchObject({ type: 'revoke_leaked', status: 'running', confirmed_issues: 1, needed_issues: 2 });
    const location = started.headers.get('location') ?? '';
    expect(location).toBe(`${base}/operations/${started.json.id}`);
    expect((await world.call('GET', location, { key: ADMIN })).json).toEqual(started.json);
    // A second order joins the first.
    const joined = await world.call('POST', `${base}/revoke-leaked`, { key: ADMIN, json: { reason: 'twice' } });
    expect(joined.json.id).toBe(started.json.id);
    const node = await createWorld({ state: world.state });
    expect((await node.call('GET', location, { key: ADMIN })).json).toMatchObject({ status: 'running', reason: 'in a screenshot' });
    expect((await node.call('GET', `${base}/operations/leak-0`, { key: ADMIN })).status).toBe(404);
    expect((await node.call('GET', location, { key })).status).toBe(403);
    expect(started.text).not.toContain('TOKEN-');
  });
});

test('nothing usable and WeChat away: 503 with advice, never an empty 200', async () => {
  world.wechat.script(away);
  const { status, json } = await world.call('GET', `/v1/accounts/${APP}/token`, { key });
  expect([status, json.code]).toEqual([503, 'credential_unavailable']);
  expect(json.detail).not.toContain(secretOf(APP));
});
