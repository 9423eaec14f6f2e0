// The fast path and the app answer byte for byte alike, whatever is asked, and the fast path forgets nothing that
// changed. Each case says whether the fast path is expected to answer, so that none of them is empty.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { KeyInput } from '../../src/access/keys.ts';
import { createRig, type Rig } from './fast-path-rig.ts';
import { get } from './raw-http.ts';

let rig: Rig;
const key: Record<string, string> = {};

const bearer = (name: string) => ({ Authorization: `Bearer ${key[name] ?? name}` });
const V1 = '/v1/accounts/wxshop/token';
const dropin = (name: string, appid = 'wxshop') => `/cgi-bin/token?grant_type=client_credential&appid=${appid}&secret=${key[name] ?? name}`;

/** Ask both twice (once cold, once from what is remembered by now) and compare. */
async function alike(text: string, expected: { status: number; fast: boolean }, pair = rig.direct) {
  let seen = await rig.both(text, pair);
  for (let round = 0; round < 2; round += 1) {
    expect(seen.fast.raw).toBe(seen.app.raw);
    if (round === 0) seen = await rig.both(text, pair);
  }
  expect({ status: seen.fast.status, fast: seen.wasFast }).toEqual(expected);
  return seen.fast;
}

beforeAll(async () => {
  rig = await createRig();
  const { accounts, keys } = rig;
  const secrets = ['0123456789abcdef0123456789abcdef'];
  await accounts.create({ id: 'wxshop', platform: 'official-account', appId: 'wxshop', mode: 'stable', secrets }, 'test');
  await accounts.create({ id: 'wxclassic', platform: 'mini-program', appId: 'wxclassic', mode: 'classic', secrets }, 'test');
  await accounts.create({ id: 'wxother', platform: 'official-account', appId: 'wxother', secrets }, 'test');
  await accounts.create({ id: 'a:b', platform: 'official-account', appId: 'wxcolon', secrets }, 'test');
  await accounts.create({ id: 'twin-1', platform: 'official-account', appId: 'wxtwin', secrets }, 'test');
  await accounts.create({ id: 'twin-2', platform: 'mini-program', appId: 'wxtwin', secrets }, 'test');
  const make = async (name: string, input: Partial<KeyInput>) => {
    const made = await keys.create({ name, scopes: ['credential:read'], accounts: ['*'], ...input }, 'test');
    key[name] = made.key;
    return made.record;
  };
  await make('all', {});
  await make('shop', { accounts: ['wxshop'], kinds: ['access_token'], cidrs: ['127.0.0.0/8', '2001:db8::/32'] });
  await make('elsewhere', { cidrs: ['203.0.113.0/24'] });
  await make('signer', { scopes: ['sign'] });
  await make('tickets', { kinds: ['jsapi_ticket'] });
  await make('sealed', { sealed: true });
  await make('admin', { scopes: ['admin'] });
  await make('limited', { callsPerMinute: 5 });
  await make('short', { expiresAt: rig.clock.at + 60_000 });
  key.declared = 'declared-key-of-24-or-more.characters';
  // Everything is in memory, as on a server that has been up for a while.
  for (const id of ['wxshop', 'wxclassic', 'wxother', 'a:b', 'twin-1', 'twin-2'])
    await rig.both(get(`/v1/accounts/${id}/token`, bearer('all')));
  for (const appid of ['wxshop', 'wxclassic', 'wxother', 'wxcolon', 'wxtwin']) await rig.both(get(dropin('all', appid)));
  for (const text of Object.values(key)) await keys.find(text);
});
afterAll(() => rig.close());

describe('hot reads', () => {
  it.each([
    ['the main credential', () => get(V1, bearer('all'))],
    ['a kind by its name', () => get('/v1/accounts/wxshop/credentials/access_token', bearer('all'))],
    ['classic mode', () => get('/v1/accounts/wxclassic/token', bearer('all'))],
    ['an id with a colon', () => get('/v1/accounts/a:b/token', bearer('all'))],
    ['a key for one account, one kind and some networks', () => get(V1, bearer('shop'))],
    ['an admin key in the header', () => get(V1, bearer('admin'))],
    ['a declared key', () => get(V1, bearer('declared'))],
    ['header names in lower case', () => `GET ${V1} HTTP/1.1\r\nhost: localhost:8700\r\nauthorization: Bearer ${key.all}\r\n\r\n`],
    [
      'the headers of a usual client',
      () => get(V1, { ...bearer('all'), Accept: '*/*', 'User-Agent': 'curl/8', 'Accept-Encoding': 'gzip, br' }),
    ],
    ['headers that proxies add', () => get(V1, { ...bearer('all'), 'X-Request-Id': 'mine', 'X-Forwarded-Proto': 'https', Upgrade: 'h2c' })],
    ['the drop-in', () => get(dropin('all'))],
    ['the drop-in with a restricted key', () => get(dropin('shop'))],
    [
      'the drop-in with its parameters in another order',
      () => get(`/cgi-bin/token?secret=${key.all}&appid=wxshop&grant_type=client_credential`),
    ],
    ['the drop-in with a declared key', () => get(dropin('declared'))],
  ])('%s', async (_what, text) => {
    await alike(text(), { status: 200, fast: true });
  });

  it('show the credential, its generation and no-store', async () => {
    const answer = await alike(get(V1, bearer('all')), { status: 200, fast: true });
    expect(answer.headers.map(([name]) => name)).toEqual([
      'cache-control',
      'content-type',
      'zhongkong-generation',
      'content-length',
      'Date',
      'Connection',
      'Keep-Alive',
    ]);
    expect(JSON.parse(answer.body)).toMatchObject({ account: 'wxshop', kind: 'access_token', state: 'fresh', generation: 1 });
  });
});

it('a credential comes from the app once, from the fast path afterwards', async () => {
  const text = get('/v1/accounts/wxshop/credentials/jsapi_ticket', bearer('all'));
  const first = await rig.both(text);
  const second = await rig.both(text);
  expect([first.wasFast, second.wasFast]).toEqual([false, true]);
  expect(new Set([first.fast.raw, first.app.raw, second.fast.raw, second.app.raw]).size).toBe(1);
});

describe('left to the app, and answered as by the app', () => {
  it.each([
    ['a scheme in lower case', () => get(V1, { Authorization: `bearer ${key.all}` }), 200],
    ['two spaces', () => get(V1, { Authorization: `Bearer  ${key.all}` }), 200],
    ['a wish for lifetime', () => get(`${V1}?min_ttl=60`, bearer('all')), 200],
    ['an empty query', () => get(`${V1}?`, bearer('all')), 200],
    ['an escaped id', () => get('/v1/accounts/a%3Ab/token', bearer('all')), 200],
    ['an empty body announced', () => get(V1, { ...bearer('all'), 'Content-Length': '0' }), 200],
    ['a body', () => `${get(V1, { ...bearer('all'), 'Content-Length': '2' })}hi`, 200],
    ['HTTP/1.0', () => get(V1, bearer('all')).replace('HTTP/1.1', 'HTTP/1.0'), 200],
    ['an upper-case host', () => get(V1, { Host: 'LOCALHOST', ...bearer('all') }), 200],
    ['an IPv6 host', () => get(V1, { Host: '[::1]:8700', ...bearer('all') }), 200],
    ['a broken host', () => get(V1, { Host: 'a b', ...bearer('all') }), 400],
    ['no host', () => `GET ${V1} HTTP/1.1\r\nAuthorization: Bearer ${key.all}\r\n\r\n`, 400],
    ['two hosts', () => `GET ${V1} HTTP/1.1\r\nHost: a\r\nHost: b\r\nAuthorization: Bearer ${key.all}\r\n\r\n`, 200],
    ['two keys', () => `${get(V1, bearer('all')).slice(0, -2)}Authorization: Bearer ${key.shop}\r\n\r\n`, 401],
    ['an absolute target', () => get(`http://127.0.0.1${V1}`, bearer('all')), 200],
    ['HEAD', () => get(V1, bearer('all')).replace('GET', 'HEAD'), 200],
    ['POST', () => get(V1, { ...bearer('all'), 'Content-Length': '0' }).replace('GET', 'POST'), 405],
    ['no key', () => get(V1), 401],
    ['an unknown key', () => get(V1, { Authorization: `Bearer zk_${'0'.repeat(40)}` }), 401],
    ['nonsense for a key', () => get(V1, { Authorization: 'Bearer \u00e4' }), 401],
    ['basic authentication', () => get(V1, { Authorization: 'Basic abc' }), 401],
    ['a key of another scope', () => get(V1, bearer('signer')), 403],
    ['a key of another network', () => get(V1, bearer('elsewhere')), 403],
    ['a key of another account', () => get('/v1/accounts/wxother/token', bearer('shop')), 404],
    ['a key of another kind', () => get(V1, bearer('tickets')), 403],
    ['a sealed key', () => get(V1, bearer('sealed')), 501],
    ['an unknown account', () => get('/v1/accounts/nobody/token', bearer('all')), 404],
    ['an unknown kind', () => get('/v1/accounts/wxshop/credentials/nothing', bearer('all')), 404],
    ['an unknown parameter', () => get(`${V1}?x=1`, bearer('all')), 400],
    ['a parameter twice', () => get(`${V1}?min_ttl=1&min_ttl=2`, bearer('all')), 400],
    ['a dotted path', () => get('/v1/accounts/../accounts/wxshop/token', bearer('all')), 400],
    ['a doubled slash', () => get('/v1//accounts/wxshop/token', bearer('all')), 400],
    ['an encoded slash', () => get('/v1/accounts/wx%2fshop/token', bearer('all')), 400],
    ['a null byte', () => get('/v1/accounts/wx%00shop/token', bearer('all')), 400],
    ['a trailing slash', () => get(`${V1}/`, bearer('all')), 404],
    ['an id of 10,000 characters', () => get(`/v1/accounts/${'a'.repeat(10_000)}/token`, bearer('all')), 400],
    // WeChat's shape is 200 whatever happened; the errcode is in the body.
    ['the drop-in with an unknown key', () => get(dropin(`zk_${'0'.repeat(40)}`)), 200],
    ['the drop-in with an admin key', () => get(dropin('admin')), 200],
    ['the drop-in with a sealed key', () => get(dropin('sealed')), 200],
    ['the drop-in with the AppSecret', () => get(dropin('0123456789abcdef0123456789abcdef')), 200],
    ['the drop-in from another network', () => get(dropin('elsewhere')), 200],
    ['the drop-in for a foreign account', () => get(dropin('shop', 'wxother')), 200],
    ['the drop-in for an unknown AppID', () => get(dropin('all', 'nobody')), 200],
    ['the drop-in for an AppID of two accounts', () => get(dropin('all', 'wxtwin')), 200],
    ['the drop-in with a key in the header as well', () => get(dropin('all'), bearer('signer')), 200],
    ['the drop-in with a further parameter', () => get(`${dropin('all')}&x=1`), 200],
    ['the drop-in with the secret twice', () => get(`${dropin('all')}&secret=${key.shop}`), 200],
    ['the drop-in without an AppID', () => get(`/cgi-bin/token?grant_type=client_credential&secret=${key.all}`), 200],
    ['the drop-in with an escape', () => get(dropin('all').replace('wxshop', '%77xshop')), 200],
    ['the drop-in by HEAD', () => get(dropin('all')).replace('GET', 'HEAD'), 200],
  ])('%s', async (_what, text, status) => {
    const isHead = text().startsWith('HEAD');
    // The raw reader takes bodies by their announced length; an answer to HEAD announces one that never comes.
    if (isHead) await rig.headAlike(text());
    else await alike(text(), { status, fast: false });
  });

  it('the health page', async () => {
    await alike(get('/readyz'), { status: 200, fast: false });
  });
});

describe('behind a proxy', () => {
  const from = (ip: string) => ({ 'X-Forwarded-For': ip });

  it('the client decides, not the proxy', async () => {
    await alike(get(V1, { ...bearer('elsewhere'), ...from('203.0.113.9') }), { status: 200, fast: true }, rig.proxied);
    await alike(get(V1, { ...bearer('elsewhere'), ...from('203.0.113.9, 198.51.100.1') }), { status: 403, fast: false }, rig.proxied);
    await alike(get(V1, { ...bearer('elsewhere'), ...from('203.0.113.9, 127.0.0.1') }), { status: 200, fast: true }, rig.proxied);
    await alike(get(V1, { ...bearer('shop'), ...from('2001:db8::5') }), { status: 200, fast: true }, rig.proxied);
    await alike(get(V1, bearer('shop')), { status: 403, fast: false }, rig.proxied);
    await alike(get(V1, { ...bearer('shop'), ...from('nonsense') }), { status: 403, fast: false }, rig.proxied);
    await alike(get(V1, { ...bearer('all'), ...from('nonsense') }), { status: 200, fast: true }, rig.proxied);
    await alike(get(dropin('elsewhere'), from('203.0.113.9')), { status: 200, fast: true }, rig.proxied);
    const twice = `${get(V1, { ...bearer('elsewhere'), ...from('198.51.100.1') }).slice(0, -2)}X-Forwarded-For: 203.0.113.9\r\n\r\n`;
    await alike(twice, { status: 200, fast: false }, rig.proxied);
  });

  it('a stranger cannot speak for others', async () => {
    await alike(get(V1, { ...bearer('elsewhere'), ...from('203.0.113.9') }), { status: 403, fast: false });
  });
});

describe('what changes is seen with the next request', () => {
  it('the rate of a key', async () => {
    const text = get(V1, bearer('limited'));
    for (let call = 0; call < 5; call += 1) {
      const { fast, app, wasFast } = await rig.both(text);
      expect([fast.status, fast.raw, wasFast]).toEqual([200, app.raw, true]);
    }
    const refused = await rig.both(text);
    expect([refused.fast.status, refused.fast.raw, refused.wasFast]).toEqual([429, refused.app.raw, false]);
    expect((await rig.both(get(dropin('limited')))).fast.body).toContain('45009');
  });

  it('a key that expires', async () => {
    await alike(get(V1, bearer('short')), { status: 200, fast: true });
    await alike(get(dropin('short')), { status: 200, fast: true });
    await rig.pass(60_000);
    await alike(get(V1, bearer('short')), { status: 401, fast: false });
    expect((await alike(get(dropin('short')), { status: 200, fast: false })).body).toContain('40125');
  });

  it('a key whose networks, accounts or scopes change, and that is revoked', async () => {
    const { record, key: text } = await rig.keys.create({ name: 'changing', scopes: ['credential:read'], accounts: ['*'] }, 'test');
    const read = get(V1, { Authorization: `Bearer ${text}` });
    const allowed = async (isAllowed: boolean, status: number) => {
      // The first look after a change asks the store.
      await rig.keys.find(text);
      await alike(read, { status, fast: isAllowed });
      await alike(get(dropin(text)), { status: 200, fast: isAllowed });
    };
    await allowed(true, 200);
    await rig.keys.update(record.id, { cidrs: ['203.0.113.0/24'] }, 'test');
    await allowed(false, 403);
    await rig.keys.update(record.id, { cidrs: ['127.0.0.1/32'] }, 'test');
    await allowed(true, 200);
    await rig.keys.update(record.id, { accounts: ['wxother'] }, 'test');
    await allowed(false, 404);
    await rig.keys.update(record.id, { accounts: ['wxshop'], scopes: ['sign'] }, 'test');
    await allowed(false, 403);
    await rig.keys.update(record.id, { scopes: ['credential:read'] }, 'test');
    await allowed(true, 200);
    await rig.keys.revoke(record.id, 'test');
    const { fast } = await rig.both(read);
    expect(fast.status).toBe(401);
    await allowed(false, 401);
  });

  it('an account that is disabled, enabled, changes its mode, and is removed', async () => {
    const { accounts, upstream } = rig;
    await accounts.create({ id: 'wxgone', platform: 'official-account', appId: 'wxgone', secrets: ['s'] }, 'test');
    const read = get('/v1/accounts/wxgone/token', bearer('all'));
    const warm = async () => {
      await rig.both(read);
      await rig.both(get(dropin('all', 'wxgone')));
    };
    await warm();
    await alike(read, { status: 200, fast: true });
    await alike(get(dropin('all', 'wxgone')), { status: 200, fast: true });
    await accounts.update('wxgone', { enabled: false }, 'test');
    await alike(read, { status: 409, fast: false });
    await alike(get(dropin('all', 'wxgone')), { status: 200, fast: false });
    // By another process: this one's memory still has the credential when it hears of it.
    await accounts.update('wxgone', { enabled: true }, 'test');
    await warm();
    await alike(read, { status: 200, fast: true });
    await rig.elsewhere.update('wxgone', { enabled: false }, 'test');
    accounts.drop('wxgone');
    await alike(read, { status: 409, fast: false });
    await alike(get(dropin('all', 'wxgone')), { status: 200, fast: false });
    await accounts.update('wxgone', { enabled: true }, 'test');
    await warm();
    const before = await alike(read, { status: 200, fast: true });
    await accounts.update('wxgone', { mode: 'classic' }, 'test');
    const { issues } = upstream;
    await warm();
    expect(upstream.issues).toBe(issues + 1);
    const after = await alike(read, { status: 200, fast: true });
    expect(JSON.parse(after.body).value).not.toBe(JSON.parse(before.body).value);
    await accounts.remove('wxgone', 'test');
    await alike(read, { status: 404, fast: false });
    await alike(get(dropin('all', 'wxgone')), { status: 200, fast: false });
  });

  it.each(['wxshop', 'wxclassic'])('the life of the credential of %s, second by second to its end', async (account) => {
    const read = get(`/v1/accounts/${account}/token`, bearer('all'));
    const text = get(dropin('all', account));
    rig.upstream.failing = false;
    await rig.pass(7_200_000);
    await rig.both(read);
    rig.upstream.failing = true;
    const states = new Set<string>();
    const lives: number[] = [];
    const step = async (ms: number) => {
      await rig.pass(ms);
      const answer = await alike(read, { status: 200, fast: true });
      await alike(text, { status: 200, fast: true });
      const { state, expires_in } = JSON.parse(answer.body) as { state: string; expires_in: number };
      states.add(state);
      lives.push(expires_in);
    };
    for (const ms of [0, 1, 998, 1, 1, 59_999, 3_600_000, 2_500_000, 450_000, 300_000, 280_000, 5_000]) await step(ms);
    expect(states).toEqual(new Set(['fresh', 'due']));
    expect(lives).toEqual([...lives].sort((a, b) => b - a));
    await rig.pass(60_000);
    await alike(read, { status: 503, fast: false });
    await alike(text, { status: 200, fast: false });
    rig.upstream.failing = false;
    await rig.pass(60_000);
    await rig.both(read);
    await alike(read, { status: 200, fast: true });
  });

  it('a credential that was refreshed', async () => {
    const read = get(V1, bearer('all'));
    const before = JSON.parse((await alike(read, { status: 200, fast: true })).body) as { generation: number; value: string };
    await rig.pass(40_000);
    const account = await rig.accounts.require('wxshop');
    await rig.keeper.refresh(rig.catalog.target(account, null), 5000);
    const after = JSON.parse((await alike(read, { status: 200, fast: true })).body) as { generation: number; value: string };
    expect(after.generation).toBe(before.generation + 1);
    expect(after.value).not.toBe(before.value);
  });
});
