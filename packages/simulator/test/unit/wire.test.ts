/** The wire form that holds for every endpoint: status, headers, body, rid. */
import { describe, expect, it } from 'vitest';
import { RidLog } from '../../src/rid.ts';
import { APPID, createBench, SECRET, START, TOKEN } from '../bench.ts';

const RID = / rid: ([0-9a-f]{8})-([0-7][0-9a-f]{7})-([0-7][0-9a-f]{7})$/;

describe('wire form', () => {
  it('answers business errors with HTTP 200, compact JSON, errcode before errmsg', () => {
    const { classic } = createBench();
    const refused = classic({ appid: 'wx0000000000000000' });
    expect(refused.status).toBe(200);
    expect(refused.text).toMatch(/^\{"errcode":40013,"errmsg":"invalid appid rid: [0-9a-f-]{26}"\}$/);
  });

  it('is as long as the documented sample of a whitelist refusal: 133 bytes', () => {
    const { control, classic } = createBench();
    control.putAccount(APPID, { whitelist: ['1.1.1.1'] });
    const refused = classic({}, '101.226.140.194');
    expect(refused.json.errmsg).toMatch(/^invalid ip 101\.226\.140\.194 ipv6 ::ffff:101\.226\.140\.194, not in whitelist rid: /);
    expect(refused.headers['Content-Length']).toBe('133');
  });

  it('sends Date, Content-Type with encoding=utf-8 and Content-Length, in this order, and nothing else', () => {
    const { classic } = createBench();
    const { outcome, text } = classic();
    expect(outcome.kind === 'reply' && outcome.headers).toEqual([
      ['Date', 'Thu, 15 Jan 2026 04:00:00 GMT'],
      ['Content-Type', 'application/json; encoding=utf-8'],
      ['Content-Length', String(text.length)],
    ]);
  });

  it('counts Content-Length in bytes, not characters', () => {
    const { control, classic } = createBench();
    control.putAccount(APPID, { frozen: true });
    const { headers, text } = classic();
    expect(text).toContain('冻结');
    expect(headers['Content-Length']).toBe(String(new TextEncoder().encode(text).length));
  });

  it('moves the Date header with the clock', () => {
    const { classic, advance } = createBench();
    advance(90_000);
    expect(classic().headers.Date).toBe('Thu, 15 Jan 2026 04:01:30 GMT');
  });

  it('puts a rid behind a blank on cgi-bin and behind a comma on sns', () => {
    const { ask } = createBench();
    expect(ask('GET', TOKEN, { query: {} }).json.errmsg).toMatch(/^appid missing rid: /);
    expect(ask('GET', '/sns/jscode2session', { query: { appid: 'wxno' } }).json.errmsg).toMatch(/^invalid appid, rid: /);
  });

  it('makes rids of the Unix second and two padded numbers below 2^31', () => {
    const log = new RidLog('seed', 10);
    for (let i = 0; i < 2000; i++) {
      const groups = RID.exec(` rid: ${log.next(START + i * 1000)}`);
      expect(groups && Number.parseInt(groups[1] as string, 16)).toBe(START / 1000 + i);
    }
    expect(log.next(0x64f69b23 * 1000 + 999)).toMatch(/^64f69b23-/); // 2023-09-05T03:06:11Z, a field sample
  });

  it('carries no errcode in a token, and errcode 0 in a ticket', () => {
    const { classic, ask } = createBench();
    const token = classic();
    expect(Object.keys(token.json)).toEqual(['access_token', 'expires_in']);
    const ticket = ask('GET', '/cgi-bin/ticket/getticket', { query: { access_token: token.json.access_token, type: 'jsapi' } });
    expect(ticket.text).toMatch(/^\{"errcode":0,"errmsg":"ok","ticket":"[\w-]{86}","expires_in":7200\}$/);
  });

  it('reads the token from the query only: a header or a body is not looked at', () => {
    const { classic, ask } = createBench();
    const value = classic().json.access_token as string;
    const path = '/cgi-bin/get_api_domain_ip';
    expect(ask('GET', path, { headers: { authorization: `Bearer ${value}` } }).json.errcode).toBe(41001);
    expect(ask('GET', path, { json: { access_token: value } }).json.errcode).toBe(41001);
    expect(ask('GET', path, { query: { access_token: value } }).json.ip_list).toContain('101.226.103.0/25');
  });

  it('answers an unknown path with 40066 invalid url', () => {
    expect(createBench().ask('GET', '/cgi-bin/nowhere').json).toMatchObject({ errcode: 40066 });
    expect(createBench().ask('GET', '/cgi-bin//token').json.errmsg).toMatch(/^invalid url rid: /);
  });

  it('refuses wrong methods with 43001 and 43002', () => {
    const { ask } = createBench();
    expect(ask('POST', TOKEN, { json: {} }).json).toMatchObject({
      errcode: 43001,
      errmsg: expect.stringMatching(/^require GET method rid/),
    });
    expect(ask('GET', '/cgi-bin/stable_token').json).toMatchObject({
      errcode: 43002,
      errmsg: expect.stringMatching(/^require POST method rid/),
    });
  });

  it('answers plain http by default; 43003 by knob', () => {
    const { ask, control } = createBench();
    expect(ask('GET', TOKEN, { query: {} }).json.errcode).toBe(41002);
    control.setKnobs({ requireHttps: true });
    expect(ask('GET', TOKEN, { query: {} }).json.errcode).toBe(43003);
    expect(ask('GET', TOKEN, { query: {}, secure: true }).json.errcode).toBe(41002);
  });

  it('takes a chunked body by default; HTTP 412 by knob', () => {
    const { ask, control } = createBench();
    const chunked = {
      json: { appid: APPID, secret: SECRET, grant_type: 'client_credential' },
      headers: { 'transfer-encoding': 'chunked' },
    };
    expect(ask('POST', '/cgi-bin/stable_token', chunked).json.access_token).toBeTruthy();
    control.setKnobs({ rejectChunkedBodies: true });
    expect(ask('POST', '/cgi-bin/stable_token', chunked).status).toBe(412);
  });

  it('takes the text of an error from the knob errmsg', () => {
    const { classic } = createBench({ knobs: { errmsg: { '40125': 'invalid appsecret, view more at http://t.cn/RAEkdVq' } } });
    expect(classic({ secret: 'x' }).json.errmsg).toMatch(/^invalid appsecret, view more at http:\/\/t\.cn\/RAEkdVq rid: /);
  });
});
