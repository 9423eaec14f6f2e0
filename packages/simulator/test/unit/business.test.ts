/** The business calls: what each says to a good call, to a bad one, and to an account of another kind. */
import { describe, expect, it } from 'vitest';
import type { AccountInput } from '../../src/index.ts';
import { APPID, createBench, SECRET } from '../bench.ts';

function opened(platform: NonNullable<AccountInput['platform']>) {
  const bench = createBench();
  bench.control.putAccount(APPID, { platform });
  const access_token = bench.stable().json.access_token as string;
  return { ...bench, access_token };
}

describe('user/info', () => {
  it('answers an official account; 40003 without openid; 48001 to a mini program', () => {
    const { ask, access_token, control } = opened('official-account');
    const info = (query: Record<string, string>) => ask('GET', '/cgi-bin/user/info', { query: { access_token, ...query } }).json;
    expect(info({ openid: 'oX' })).toMatchObject({ subscribe: 1, openid: 'oX' });
    expect(info({}).errcode).toBe(40003);
    control.putAccount(APPID, { platform: 'mini-program' });
    expect(info({ openid: 'oX' })).toMatchObject({ errcode: 48001, errmsg: expect.stringMatching(/^api unauthorized rid: /) });
  });
});

describe('message/custom/send', () => {
  it('answers ok; 40003 without touser; 40008 without msgtype; 44002 and 47001 for the body', () => {
    const { ask, access_token } = opened('official-account');
    const send = (more: { json?: unknown; body?: string }) =>
      ask('POST', '/cgi-bin/message/custom/send', { query: { access_token }, ...more });
    expect(send({ json: { touser: 'oX', msgtype: 'text', text: { content: '你好' } } }).text).toBe('{"errcode":0,"errmsg":"ok"}');
    expect(send({ json: { msgtype: 'text' } }).json.errcode).toBe(40003);
    expect(send({ json: { touser: 'oX' } }).json.errcode).toBe(40008);
    expect([send({}).json.errcode, send({ body: '{' }).json.errcode]).toEqual([44002, 47001]);
  });

  it('looks at the token before the body', () => {
    expect(createBench().ask('POST', '/cgi-bin/message/custom/send', { query: { access_token: 'x' } }).json.errcode).toBe(40001);
  });
});

describe('media/upload', () => {
  const part = (name: string) => `--B\r\nContent-Disposition: form-data; name="${name}"; filename="a.png"\r\n\r\nPNG\r\n--B--\r\n`;
  const form = { 'content-type': 'multipart/form-data; boundary=B' };

  it('takes a part named media', () => {
    const { ask, access_token } = opened('mini-program');
    const query = { access_token, type: 'image' };
    const upload = (body: string, headers: Record<string, string> = form) => ask('POST', '/cgi-bin/media/upload', { query, body, headers });
    expect(upload(part('media')).json).toMatchObject({ type: 'image', media_id: expect.stringMatching(/^[\w-]{64}$/) });
    expect(upload(part('media'), { 'content-type': 'multipart/form-data; boundary="B"' }).json.media_id).toBeTruthy();
    expect(upload(part('file')).json.errcode).toBe(41005);
  });

  it('answers HTTP 412 to a malformed form, 40004 to an unknown type', () => {
    const { ask, access_token } = opened('mini-program');
    const upload = (body: string, type = 'image', headers: Record<string, string> = form) =>
      ask('POST', '/cgi-bin/media/upload', { query: { access_token, type }, body, headers });
    expect(upload(part('media').slice(0, 40)).status).toBe(412);
    expect(upload(part('media'), 'image', { 'content-type': 'application/json' }).status).toBe(412);
    expect(upload(part('media'), 'gif').json.errcode).toBe(40004);
  });
});

describe('getwxacodeunlimit', () => {
  it('answers a picture to a good token and JSON to a bad one', () => {
    const { ask, access_token } = opened('mini-program');
    const code = (token: string, json: unknown) => ask('POST', '/wxa/getwxacodeunlimit', { query: { access_token: token }, json });
    const good = code(access_token, { scene: 'a=1' });
    expect(good.headers).toMatchObject({ 'Content-Type': 'image/jpeg', 'Content-Length': '4096' });
    expect(good.outcome.kind === 'reply' && [...good.outcome.body.subarray(0, 2)]).toEqual([0xff, 0xd8]);
    expect(code('forged', { scene: 'a=1' })).toMatchObject({ status: 200, json: { errcode: 40001 } });
    expect(code(access_token, {}).json.errcode).toBe(40097);
    expect(code(access_token, { scene: 'x'.repeat(33) }).json.errcode).toBe(40169);
  });
});

describe('sns/jscode2session', () => {
  it('exchanges a code once, needs no token, is under no whitelist', () => {
    const { ask, control } = createBench();
    control.putAccount(APPID, { whitelist: [] });
    const session = (more: Record<string, string> = {}) =>
      ask('GET', '/sns/jscode2session', {
        query: { appid: APPID, secret: SECRET, js_code: 'code1', grant_type: 'authorization_code', ...more },
      }).json;
    expect(session()).toEqual({ session_key: expect.stringMatching(/^[\w+/]{22}==$/), openid: expect.stringMatching(/^o[\w-]{27}$/) });
    expect(session()).toMatchObject({ errcode: 40163, errmsg: expect.stringMatching(/^code been used, rid: /) });
    expect(session({ js_code: '!' }).errcode).toBe(40029);
    expect(session({ js_code: '' }).errcode).toBe(41008);
    expect(session({ secret: 'x' }).errcode).toBe(40125);
    expect(session({ grant_type: 'client_credential' }).errcode).toBe(40002);
    control.putAccount(APPID, { platform: 'official-account' });
    expect(session({ js_code: 'code2' }).errcode).toBe(48001);
  });
});

describe('every business call', () => {
  it('answers 48001 on paths that the account may not call, and keeps to its limits', () => {
    const { ask, access_token, control } = opened('official-account');
    const path = '/cgi-bin/getcallbackip';
    const call = () => ask('GET', path, { query: { access_token } }).json.errcode;
    control.putAccount(APPID, { unauthorized_paths: [path] });
    expect(call()).toBe(48001);
    control.putAccount(APPID, { unauthorized_paths: [], limits: { [path]: { minute: 1 } } });
    expect([call(), call()]).toEqual([undefined, 45011]);
  });

  it('uses quota when it succeeds; when refused only by knob', () => {
    const { ask, access_token, control } = opened('official-account');
    const path = '/cgi-bin/user/info';
    const info = (openid: string) => ask('GET', path, { query: { access_token, openid } }).json.errcode;
    control.putAccount(APPID, { limits: { [path]: { day: 2 } } });
    expect([info(''), info(''), info('oX')]).toEqual([40003, 40003, undefined]);
    control.setKnobs({ failedCallsCount: true });
    expect([info(''), info('oX')]).toEqual([40003, 45009]);
  });

  it('counts what it accepts and what it rejects, by errcode', () => {
    const { ask, access_token, control, classic, use } = opened('official-account');
    const evicted = classic().json.access_token;
    classic();
    classic();
    for (const token of [access_token, access_token, evicted, evicted, evicted]) use(token);
    ask('GET', '/cgi-bin/user/info', { query: { access_token } });
    expect(control.account(APPID).counters.business).toEqual({ accepted: 2, rejected: { 40001: 3, 40003: 1 } });
    use('forged');
    expect(control.state().strangers.business).toEqual({ accepted: 0, rejected: { 40001: 1 } });
  });
});
