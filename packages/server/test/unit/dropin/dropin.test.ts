import { beforeEach, describe, expect, test } from 'vitest';
import { tokenAnswer } from '../../../src/dropin/answers.ts';
import { ADMIN, type Answered, appIdOf, away, createWorld, refusal, reply, secretOf, START, type World } from '../http/world.ts';

const APP = appIdOf(1);
const RID = /^[0-9a-f]{8}-[0-7][0-9a-f]{7}-[0-7][0-9a-f]{7}$/;
let world: World;
let key: string;

beforeEach(async () => {
  world = await createWorld();
  await world.addAccount(APP);
  key = await world.addKey();
});

const query = (fields: Record<string, string>) => `/cgi-bin/token?${new URLSearchParams({ grant_type: 'client_credential', ...fields })}`;
const classic = (secret: string, appid = APP, ip?: string | null) =>
  world.call('GET', query({ appid, secret }), ip === undefined ? {} : { ip });
const stable = (secret: string, more: object = {}, appid = APP) =>
  world.call('POST', '/cgi-bin/stable_token', { json: { grant_type: 'client_credential', appid, secret, ...more } });

/** WeChat's form: 200, its Content-Type, errcode and errmsg in this order, the text, and a rid of ours that the log has too. */
function expectWechatError({ status, headers, text, json }: Answered, errcode: number, words: string): void {
  expect(json?.errcode).toBe(errcode);
  expect(status).toBe(200);
  expect(headers.get('content-type')).toBe('application/json; encoding=utf-8');
  const [, said, rid] = /^(.*) rid: (\S+)$/.exec(json.errmsg) ?? [];
  expect(said).toBe(words);
  expect(rid).toMatch(RID);
  expect(text).toBe(JSON.stringify({ errcode, errmsg: json.errmsg }));
  // The second of the request's arrival, and the drop-in answers within three.
  expect(world.clock.wall() / 1000 - Number.parseInt((rid ?? '').slice(0, 8), 16)).toBeLessThan(3);
  expect(world.logged.at(-1)).toMatchObject({ requestId: rid, errcode, status: 200, surface: 'dropin' });
}

describe('a token', () => {
  test('in WeChat’s wire form, by both endpoints, with the key in the secret slot', async () => {
    for (const answer of [await classic(key), await stable(key)]) {
      expect(answer.status).toBe(200);
      expect(answer.text).toBe(`{"access_token":"${world.wechat.issued[0]}","expires_in":7200}`);
      expect(Object.fromEntries(answer.headers)).toEqual({
        'content-type': 'application/json; encoding=utf-8',
        'cache-control': 'no-store',
      });
    }
    expect(world.wechat.issued).toHaveLength(1);
  });

  test('whatever Content-Type the SDK sends with its JSON, or none', async () => {
    const body = JSON.stringify({ grant_type: 'client_credential', appid: APP, secret: key, force_refresh: false });
    for (const type of ['application/json; charset=utf-8', 'application/x-www-form-urlencoded', 'text/plain', '']) {
      const { json } = await world.call('POST', '/cgi-bin/stable_token', { body, headers: { 'content-type': type } });
      expect(json.access_token).toBe(world.wechat.issued[0]);
    }
  });

  test('by POST to the classic endpoint: in the query, as a form or as JSON', async () => {
    const fields = { grant_type: 'client_credential', appid: APP, secret: key };
    const answers = [
      await world.call('POST', query({ appid: APP, secret: key })),
      await world.call('POST', '/cgi-bin/token', { body: String(new URLSearchParams(fields)) }),
      await world.call('POST', '/cgi-bin/token', { json: fields }),
    ];
    for (const { json } of answers) expect(json.access_token).toBe(world.wechat.issued[0]);
  });

  test('with its honest life: what is left of it, as a whole number, never 0', async () => {
    await classic(key);
    await world.advance(6_899_400);
    expect((await classic(key)).json.expires_in).toBe(300);
    const { body } = tokenAnswer({ value: 'x', expiresInMs: 400 });
    expect(body).toBe('{"access_token":"x","expires_in":1}');
  });

  test('finds the one account that the key may see among several of one AppID', async () => {
    await world.addAccount(APP, { id: 'as-mini-program', platform: 'mini-program' });
    const narrow = await world.addKey({ accounts: ['as-mini-program'] });
    expect((await classic(narrow)).json.access_token).toBe(world.wechat.issued[0]);
    expect(world.logged.at(-1)).toMatchObject({ accountId: 'as-mini-program', kind: 'access_token', errcode: null });
    expectWechatError(await classic(key), 40013, 'invalid appid');
  });

  test('is found by AppID, not by id', async () => {
    await world.addAccount(appIdOf(2), { id: 'shop' });
    expect((await classic(key, appIdOf(2))).json.access_token).toBeDefined();
    expectWechatError(await classic(key, 'shop'), 40013, 'invalid appid');
  });

  test('HEAD has no body', async () => {
    const { status, text } = await world.call('HEAD', query({ appid: APP, secret: key }));
    expect([status, text]).toEqual([200, '']);
  });
});

describe('what WeChat itself checks of the form', () => {
  const good = { grant_type: 'client_credential', appid: APP, secret: 'k' };
  const post = (body: string) => world.call('POST', '/cgi-bin/stable_token', { body });

  test.each<[string, () => Promise<Answered>, number, string]>([
    ['a wrong method on token', () => world.call('PUT', '/cgi-bin/token'), 43001, 'require GET method'],
    ['GET on stable_token', () => world.call('GET', '/cgi-bin/stable_token'), 43002, 'require POST method'],
    ['DELETE on stable_token', () => world.call('DELETE', '/cgi-bin/stable_token'), 43002, 'require POST method'],
    ['no body', () => post(''), 44002, 'empty post data'],
    ['no JSON', () => post('appid=x'), 47001, 'data format error'],
    ['JSON, but no object', () => post('[1]'), 47001, 'data format error'],
    ['JSON null', () => post('null'), 47001, 'data format error'],
    ['a body of 1 MB', () => post('x'.repeat(1_000_000)), 45002, 'content size out of limit'],
    ['no appid', () => post(JSON.stringify({ ...good, appid: undefined })), 41002, 'appid missing'],
    ['an empty appid', () => post(JSON.stringify({ ...good, appid: '' })), 41002, 'appid missing'],
    ['nothing at all', () => world.call('GET', '/cgi-bin/token'), 41002, 'appid missing'],
    ['a wrong grant_type', () => post(JSON.stringify({ ...good, grant_type: 'x' })), 40002, 'invalid grant_type'],
    ['no grant_type', () => world.call('GET', `/cgi-bin/token?appid=${APP}&secret=x`), 40002, 'invalid grant_type'],
    ['no secret', () => post(JSON.stringify({ ...good, secret: null })), 41004, 'appsecret missing'],
    ['a secret that is a number', () => post(JSON.stringify({ ...good, secret: 1 })), 40125, 'invalid appsecret'],
    ['the secret twice', () => world.call('GET', `${query({ appid: APP, secret: 'x' })}&secret=y`), 40125, 'invalid appsecret'],
    [
      'grant_type twice',
      () => world.call('GET', `${query({ appid: APP, secret: 'x' })}&grant_type=client_credential`),
      40002,
      'invalid grant_type',
    ],
  ])('%s', async (_, ask, errcode, words) => {
    expectWechatError(await ask(), errcode, words);
    expect(world.wechat.sent).toHaveLength(0);
  });

  test('the appid twice', async () => {
    expectWechatError(await world.call('GET', `${query({ appid: APP, secret: key })}&appid=${APP}`), 40013, 'invalid appid');
  });
});

describe('who may', () => {
  test.each<[string, (w: World) => Promise<string>, number, string]>([
    ['an unknown key', async () => `zk_${'0'.repeat(40)}`, 40125, 'invalid appsecret'],
    ['a text that is no key', async () => 'x', 40125, 'invalid appsecret'],
    ['a null byte', async () => `zk_${'\0'.repeat(40)}`, 40125, 'invalid appsecret'],
    ['10,000 characters', async () => 'x'.repeat(10_000), 40125, 'invalid appsecret'],
    ['the real AppSecret', async () => secretOf(APP), 40125, 'invalid appsecret'],
    ['an admin key', async () => ADMIN, 40125, 'invalid appsecret'],
    [
      'a revoked key',
      async (w) => {
        const made = await w.keys.create({ name: 'gone', scopes: ['credential:read'], accounts: ['*'] }, 'test');
        await w.keys.revoke(made.record.id, 'test');
        return made.key;
      },
      40125,
      'invalid appsecret',
    ],
    [
      'an expired key',
      async (w) => {
        const made = await w.addKey({ expiresAt: START + 1000 });
        await w.advance(1000);
        return made;
      },
      40125,
      'invalid appsecret',
    ],
    ['another network', (w) => w.addKey({ cidrs: ['10.0.0.0/8'] }), 40164, 'invalid ip 192.0.2.1 ipv6 ::ffff:192.0.2.1, not in whitelist'],
    ['another scope', (w) => w.addKey({ scopes: ['metrics'] }), 48001, 'api unauthorized'],
    ['another kind', (w) => w.addKey({ kinds: ['jsapi_ticket'] }), 48001, 'api unauthorized'],
    ['a sealed key', (w) => w.addKey({ sealed: true }), 48001, 'api unauthorized'],
    ['another account', (w) => w.addKey({ accounts: ['other'] }), 40013, 'invalid appid'],
  ])('%s', async (_, make, errcode, words) => {
    const secret = await make(world);
    expectWechatError(await classic(secret), errcode, words);
    expectWechatError(await stable(secret), errcode, words);
    expectWechatError(await stable(secret, { force_refresh: true }), errcode, words);
    expect(world.wechat.sent).toHaveLength(0);
  });

  test('the key is checked before the account', async () => {
    expectWechatError(await classic('unknown-key-of-24-characters', 'nobody'), 40125, 'invalid appsecret');
    for (const appid of ['nobody', 'a b', 'a\0b', 'x'.repeat(10_000), '中控']) {
      expectWechatError(await classic(key, appid), 40013, 'invalid appid');
    }
  });

  test('an address that nobody knows, and one of IPv6, in WeChat’s words', async () => {
    const narrow = await world.addKey({ cidrs: ['10.0.0.0/8'] });
    expectWechatError(await classic(narrow, APP, null), 40164, 'invalid ip unknown ipv6 unknown, not in whitelist');
    expectWechatError(await classic(narrow, APP, '2001:db8::1'), 40164, 'invalid ip 2001:db8::1 ipv6 2001:db8::1, not in whitelist');
    expect((await classic(narrow, APP, '10.1.2.3')).json.access_token).toBeDefined();
  });

  test('more calls a minute than the key has', async () => {
    const slow = await world.addKey({ callsPerMinute: 1 });
    expect((await classic(slow)).json.access_token).toBeDefined();
    expectWechatError(await classic(slow), 45009, 'api freq out of limit');
  });

  test('asking for foreign accounts spends calls, too', async () => {
    const slow = await world.addKey({ callsPerMinute: 2 });
    await classic(slow, 'nobody');
    await classic(slow, 'nobody');
    expectWechatError(await classic(slow), 45009, 'api freq out of limit');
  });
});

describe('the real AppSecret', () => {
  beforeEach(async () => {
    world = await createWorld({ app: { acceptAppSecret: true } });
    await world.addAccount(APP, { secrets: [secretOf(APP), 'its-fallback-secret'] });
    await world.addAccount(appIdOf(2));
  });

  test('opens its own account where the configuration says so, the fallback too', async () => {
    expect((await classic(secretOf(APP))).json.access_token).toBe(world.wechat.issued[0]);
    expect((await stable('its-fallback-secret')).json.access_token).toBe(world.wechat.issued[0]);
    expect(world.logged.at(-1)).toMatchObject({ keyId: `appsecret:${APP}`, accountId: APP });
  });

  test('and no other', async () => {
    expectWechatError(await classic(secretOf(appIdOf(2))), 40125, 'invalid appsecret');
    expectWechatError(await classic(`${secretOf(APP)}x`), 40125, 'invalid appsecret');
    expectWechatError(await classic(secretOf(APP), 'nobody'), 40125, 'invalid appsecret');
    expectWechatError(await classic(ADMIN), 40125, 'invalid appsecret');
  });

  test('under /v1 it is no key', async () => {
    expect((await world.call('GET', `/v1/accounts/${APP}/token`, { key: secretOf(APP) })).status).toBe(401);
  });
});

describe('when there is no token', () => {
  test('and WeChat refused: its own errcode, its own words and its own rid', async () => {
    const theirs = 'invalid ip 203.0.113.9 ipv6 ::ffff:203.0.113.9, not in whitelist rid: 6a0c0000-00000002-00000003';
    world.wechat.script(() => refusal(40164, theirs));
    const { text, headers } = await classic(key);
    expect(text).toBe(JSON.stringify({ errcode: 40164, errmsg: theirs }));
    expect(headers.get('content-type')).toBe('application/json; encoding=utf-8');
    world.wechat.script(() => refusal(50002, 'user limited'));
    await world.advance(3_600_000);
    expectWechatError(await classic(key), 50002, 'user limited');
  });

  test('and WeChat is away, or talks nonsense: -1', async () => {
    world.wechat.script(away);
    expectWechatError(await classic(key), -1, 'system error');
    world.wechat.script(() => ({ status: 502, text: '<html>bad gateway</html>', dateMs: null }));
    await world.advance(60_000);
    expectWechatError(await classic(key), -1, 'system error');
  });

  test('and the account is disabled', async () => {
    await world.accounts.update(APP, { enabled: false }, 'test');
    expectWechatError(await classic(key), 50002, 'user limited');
  });

  test('and the store is away, or we are at fault: -1 with a rid that the log explains', async () => {
    world.accounts.byAppId = () => Promise.reject(new Error('the words of a driver'));
    const answer = await classic(key);
    expectWechatError(answer, -1, 'system error');
    expect(answer.text).not.toContain('driver');
    expect(world.said.find(({ type }) => type === 'internal.error')).toMatchObject({
      during: '/cgi-bin/token',
      requestId: world.logged.at(-1)?.requestId ?? '?',
    });
  });

  test('and WeChat hangs: -1 before SDKs give up; the next call finds what came of it', async () => {
    let answerAtLast: (() => void) | undefined;
    world.wechat.script(async () => {
      await new Promise<void>((resolve) => (answerAtLast = resolve));
      return reply({ access_token: 'TOKEN-at-last', expires_in: 7200 });
    });
    const asked = classic(key);
    await world.advance(2500);
    expectWechatError(await asked, -1, 'system error');
    expect(world.logged.at(-1)?.ms).toBeLessThanOrEqual(2500);
    answerAtLast?.();
    await world.advance(0);
    expect((await classic(key)).json.access_token).toBe('TOKEN-at-last');
  });

  test('and the lookup of the key hangs: -1 all the same', async () => {
    world = await createWorld({ app: { dropinDeadlineMs: 5 } });
    world.directory.keyByDigest = () => new Promise(() => undefined);
    expectWechatError(await classic('a-key-that-nobody-ever-finds'), -1, 'system error');
  });
});

describe('force_refresh', () => {
  const force = (secret = key) => stable(secret, { force_refresh: true });

  test('is no order: an alive token stays, at the price of one probe per cool-down for everybody', async () => {
    await stable(key);
    const keys = [key, await world.addKey(), await world.addKey()];
    for (const one of [...keys, ...keys]) expect((await force(one)).json.access_token).toBe(world.wechat.issued[0]);
    expect([world.wechat.issued.length, world.wechat.probes()]).toEqual([1, 1]);
    await world.advance(31_000);
    await force();
    expect([world.wechat.issued.length, world.wechat.probes()]).toEqual([1, 2]);
  });

  test('reports what the key got last: a dead token is replaced once, whoever comes', async () => {
    const others = await Promise.all(Array.from({ length: 20 }, () => world.addKey()));
    const all = [key, ...others];
    for (const one of all) await stable(one);
    world.wechat.kill(world.wechat.issued[0] ?? '');
    const answers = await Promise.all(all.map((one) => force(one)));
    expect(new Set(answers.map(({ json }) => json.access_token))).toEqual(new Set([world.wechat.issued[1]]));
    expect([world.wechat.issued.length, world.wechat.probes()]).toEqual([2, 1]);
  });

  test('from a key that still has an older token: the current one, free', async () => {
    const late = await world.addKey();
    await stable(late);
    await stable(key);
    world.wechat.kill(world.wechat.issued[0] ?? '');
    await force();
    const before = world.wechat.sent.length;
    await world.advance(31_000);
    expect((await force(late)).json.access_token).toBe(world.wechat.issued[1]);
    await world.advance(0);
    expect(world.wechat.sent.length).toBe(before);
  });

  test('and then again from the same key: now the new one is what it reports', async () => {
    await stable(key);
    world.wechat.kill(world.wechat.issued[0] ?? '');
    await force();
    world.wechat.kill(world.wechat.issued[1] ?? '');
    await world.advance(31_000);
    expect((await force()).json.access_token).toBe(world.wechat.issued[2]);
  });

  test('from a key that got nothing yet: the current token is looked at', async () => {
    await stable(key);
    world.wechat.kill(world.wechat.issued[0] ?? '');
    await world.advance(1000);
    expect((await force(await world.addKey())).json.access_token).toBe(world.wechat.issued[1]);
  });

  test('as the very first call of all: an issue, and no second look at what is seconds old', async () => {
    expect((await force()).json.access_token).toBe(world.wechat.issued[0]);
    expect([world.wechat.issued.length, world.wechat.probes()]).toEqual([1, 0]);
  });

  test('while WeChat is slow: the token we have, in time', async () => {
    await stable(key);
    world.wechat.script(() => new Promise(() => undefined));
    const asked = force();
    await world.advance(2500);
    expect((await asked).json.access_token).toBe(world.wechat.issued[0]);
  });

  test('is a boolean: anything else is no hint', async () => {
    await stable(key);
    for (const value of ['true', 1, {}, null]) await stable(key, { force_refresh: value });
    expect(world.wechat.probes()).toBe(0);
  });

  test('is also noted for tokens that the classic endpoint handed out', async () => {
    await classic(key);
    world.wechat.kill(world.wechat.issued[0] ?? '');
    expect((await force()).json.access_token).toBe(world.wechat.issued[1]);
  });
});

describe('every other path', () => {
  test.each([
    '/',
    '/favicon.ico',
    '/cgi-bin/user/info',
    '/cgi-bin/token/',
    '/CGI-BIN/token',
    '/v1x',
    '/sns/jscode2session',
    '/cgi-bin//token',
    '/cgi-bin/%2e%2e%2ftoken',
  ])('%s is no URL of WeChat’s that we serve', async (path) => {
    for (const method of ['GET', 'POST', 'DELETE']) expectWechatError(await world.call(method, path), 40066, 'invalid url');
  });

  test('reserved paths never fall into it', async () => {
    const reserved = [
      '/v1',
      '/v1/x',
      '/console',
      '/callbacks/x',
      '/gateway',
      '/metrics',
      '/docs/x',
      '/openapi.json/x',
      '/healthz/x',
      '/readyz/',
    ];
    for (const path of reserved) {
      const { headers } = await world.call('GET', path);
      expect([path, headers.get('content-type')]).toEqual([path, 'application/problem+json']);
    }
  });
});
