/** Quota resets and queries, rid/get, address lists, callback/check. */
import { describe, expect, it } from 'vitest';
import { APPID, createBench, DAY, OTHER, SECRET, STABLE, START, TOKEN } from '../bench.ts';

const CLEAR = '/cgi-bin/clear_quota';
const V2 = '/cgi-bin/clear_quota/v2';

function opened(knobs = {}) {
  const bench = createBench({ knobs });
  /** A POST with the running stable token. */
  const post = (path: string, json: unknown) =>
    bench.ask('POST', path, { query: { access_token: bench.stable().json.access_token }, json }).json;
  return { ...bench, post };
}

describe('clear_quota', () => {
  it('opens the day again for classic fetches and stable forces', () => {
    const { post, control, classic, stable, advance } = opened();
    control.putAccount(APPID, { limits: { [TOKEN]: { day: 1 } } });
    classic();
    for (let i = 0; i < 20; i++, advance(30_000)) stable({ force_refresh: true });
    expect([classic().json.errcode, stable({ force_refresh: true }).json.errcode]).toEqual([45009, 45009]);
    expect(post(CLEAR, { appid: APPID })).toEqual({ errcode: 0, errmsg: 'ok' });
    const running = stable().json.access_token;
    expect(classic().json.access_token).toBeTruthy();
    const forced = stable({ force_refresh: true }).json;
    expect(forced.access_token).toMatch(/^\d+_/);
    expect(forced.access_token).not.toBe(running);
  });

  it('wants the appid of the token', () => {
    const { post, control } = opened();
    control.putAccount(OTHER);
    expect(post(CLEAR, { appid: OTHER }).errcode).toBe(40013);
    expect(post(CLEAR, {}).errcode).toBe(41002);
  });

  it('v2 needs no token and reads body or query; both forms share ten clears a month, then 48006', () => {
    const { ask, post, advance } = opened();
    const v2 = () => ask('POST', V2, { json: { appid: APPID, appsecret: SECRET } }).json;
    for (let i = 0; i < 4; i++) expect(v2()).toEqual({ errcode: 0, errmsg: 'ok' });
    for (let i = 0; i < 3; i++) expect(ask('POST', V2, { query: { appid: APPID, appsecret: SECRET } }).json.errcode).toBe(0);
    for (let i = 0; i < 3; i++) expect(post(CLEAR, { appid: APPID }).errcode).toBe(0);
    expect(v2()).toMatchObject({
      errcode: 48006,
      errmsg: expect.stringMatching(/^forbid to clear quota because of reaching the limit rid/),
    });
    advance(16 * DAY); // 2026-01-31 12:00 +08:00
    expect(v2().errcode).toBe(48006);
    advance(DAY);
    expect(v2().errcode).toBe(0);
  });

  it('v2 checks appid and appsecret', () => {
    const { ask } = opened();
    const code = (json: unknown) => ask('POST', V2, { json }).json.errcode;
    expect([code({}), code({ appid: 'wxno' }), code({ appid: APPID }), code({ appid: APPID, appsecret: 'no' })]).toEqual([
      41002, 40013, 41004, 40125,
    ]);
    expect(ask('POST', V2, { body: 'x' }).json.errcode).toBe(47001);
  });
});

describe('openapi/quota/get', () => {
  it('shows limit, use and rest', () => {
    const { post, classic } = opened();
    classic();
    classic();
    const path = '/cgi-bin/openapi/quota/get';
    expect(post(path, { cgi_path: TOKEN })).toEqual({ errcode: 0, errmsg: 'ok', quota: { daily_limit: 2000, used: 2, remain: 1998 } });
    expect(post(path, { cgi_path: STABLE })).toMatchObject({
      quota: { daily_limit: 500_000 },
      rate_limit: { call_count: 10_000, refresh_second: 60 },
    });
  });

  it('refuses unknown paths (76021), sns paths and foreign ones (76022), malformed ones by knob', () => {
    const { post, control } = opened({ badCgiPathCode: 76003 });
    const code = (cgi_path: string) => post('/cgi-bin/openapi/quota/get', { cgi_path }).errcode;
    expect([code('/cgi-bin/nowhere'), code('/sns/jscode2session'), code('cgi-bin/token')]).toEqual([76021, 76022, 76003]);
    control.putAccount(APPID, { platform: 'mini-program' });
    expect(post('/cgi-bin/openapi/quota/get', { cgi_path: '/cgi-bin/user/info' }).errmsg).toMatch(
      /^could not use this cgi_path，no permission rid: /,
    );
  });
});

describe('openapi/rid/get', () => {
  const path = '/cgi-bin/openapi/rid/get';
  const ridOf = (errmsg: string) => errmsg.slice(errmsg.indexOf('rid: ') + 5);

  it('tells what the failed call was, with secrets masked', () => {
    const { post, classic } = opened();
    const failed = classic({ secret: 'wrong-secret' }, '113.12.13.51');
    expect(post(path, { rid: ridOf(failed.json.errmsg) })).toEqual({
      errcode: 0,
      errmsg: 'ok',
      request: {
        invoke_time: START / 1000,
        cost_in_ms: 30,
        request_url: `grant_type=client_credential&appid=${APPID}&secret=xxxx`,
        request_body: '',
        response_body: failed.text,
        client_ip: '113.xx.xx.51',
      },
    });
  });

  it('refuses unknown (76001), malformed (76002), foreign (76003) and old ones (76004)', () => {
    const { post, control, classic, stable, advance } = opened();
    control.putAccount(OTHER, { secret: SECRET });
    const own = ridOf(classic({ secret: 'x' }).json.errmsg);
    const foreign = ridOf(classic({ appid: OTHER, secret: 'x' }).json.errmsg);
    const code = (rid: unknown) => post(path, { rid }).errcode;
    expect([code(own), code(foreign), code('nonsense'), code(7)]).toEqual([0, 76003, 76002, 76002]);
    expect(code(`${(START / 1000).toString(16)}-00000000-00000000`)).toBe(76001);
    advance(7 * DAY + 1000);
    stable();
    expect(code(own)).toBe(76004);
    control.setKnobs({ oldRidCode: 76001 });
    expect(code(own)).toBe(76001);
  });

  it('remembers no more than its capacity', () => {
    const { post, classic } = opened({ ridMemory: 2 });
    const rids = [1, 2, 3].map(() => ridOf(classic({ secret: 'x' }).json.errmsg));
    expect(rids.reverse().map((rid) => post(path, { rid }).errcode)).toEqual([0, 0, 76001]); // newest first: a refusal is remembered too
  });
});

describe('addresses', () => {
  it('lists addresses and ranges without an errcode', () => {
    const { ask, stable } = opened();
    for (const path of ['/cgi-bin/get_api_domain_ip', '/cgi-bin/getcallbackip']) {
      const { json } = ask('GET', path, { query: { access_token: stable().json.access_token } });
      expect(Object.keys(json)).toEqual(['ip_list']);
      expect(json.ip_list).toContain('101.226.103.0/25');
    }
  });

  it('callback/check: bad action 40202, bad operator 40203, nothing configured 40201', () => {
    const { post, control } = opened();
    const check = (action: string, check_operator = 'DEFAULT') => post('/cgi-bin/callback/check', { action, check_operator });
    expect([check('x').errcode, check('all', 'X').errcode, check('all').errcode]).toEqual([40202, 40203, 40201]);
    control.putAccount(APPID, { callback_url: 'https://example.com/wx' });
    expect(check('all')).toMatchObject({ dns: [{ real_operator: 'UNICOM' }], ping: [{ package_loss: '0%' }] });
    expect(Object.keys(check('dns'))).toEqual(['dns']);
  });
});
