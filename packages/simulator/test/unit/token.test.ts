/** GET /cgi-bin/token: each call issues; the superseded token lives on for the grace, one at most. */
import { describe, expect, it } from 'vitest';
import { APPID, createBench, DAY, HOUR, MINUTE, SECRET, START, TOKEN } from '../bench.ts';

describe('classic token', () => {
  it('issues a new token at every call, life 7200 s', () => {
    const { classic } = createBench();
    const [a, b] = [classic().json, classic().json];
    expect(a.access_token).not.toBe(b.access_token);
    expect([a.expires_in, b.expires_in]).toEqual([7200, 7200]);
  });

  it('looks like a token: prefix that grows monthly, [A-Za-z0-9_-], 136 characters', () => {
    const { classic } = createBench();
    expect(classic().json.access_token).toMatch(/^101_[\w-]{132}$/); // 36 in August 2020, 65 months later
    expect(createBench({ knobs: { tokenLength: 512, tokenPrefix: 7 } }).classic().json.access_token).toMatch(/^7_[\w-]{510}$/);
  });

  it('keeps the superseded token for 300 s, to the millisecond', () => {
    const { classic, use, advance } = createBench();
    const first = classic().json.access_token;
    advance(HOUR);
    classic();
    advance(5 * MINUTE - 1);
    expect(use(first)).toBe(0);
    advance(1);
    expect(use(first)).toBe(40001);
  });

  it('never lengthens a life: superseded near its end, a token dies at its own expiry', () => {
    const { classic, use, advance } = createBench();
    const first = classic().json.access_token;
    advance(2 * HOUR - MINUTE);
    classic();
    advance(MINUTE - 1);
    expect(use(first)).toBe(0);
    advance(1);
    expect(use(first)).toBe(42001);
  });

  it('evicts at once the one before: the third issue kills the first', () => {
    const { classic, use, control } = createBench();
    const [a, b, c] = [classic(), classic(), classic()].map((asked) => asked.json.access_token);
    expect([use(a), use(b), use(c)]).toEqual([40001, 0, 0]);
    expect([a, b, c, 'nonsense'].map((value) => control.token(value).state)).toEqual(['dead', 'grace', 'alive', 'unknown']);
  });

  it('can keep more superseded tokens, or none, by knob', () => {
    const two = createBench({ knobs: { supersededSurvivors: 2 } });
    const values = [1, 2, 3, 4].map(() => two.classic().json.access_token);
    expect(values.map(two.use)).toEqual([40001, 0, 0, 0]);
    const none = createBench({ knobs: { supersededSurvivors: 0 } });
    const [a, b] = [none.classic().json.access_token, none.classic().json.access_token];
    expect([none.use(a), none.use(b)]).toEqual([40001, 0]);
  });

  it('tells expired (42001) from superseded or unknown (40001) and absent (41001)', () => {
    const { classic, use, advance, ask } = createBench();
    const only = classic().json.access_token;
    advance(2 * HOUR - 1);
    expect(use(only)).toBe(0);
    advance(1);
    expect(use(only)).toBe(42001);
    expect(use('forged')).toBe(40001);
    expect(ask('GET', '/cgi-bin/getcallbackip').json.errcode).toBe(41001);
    expect(ask('GET', '/cgi-bin/getcallbackip', { query: { access_token: '' } }).json.errcode).toBe(41001);
  });

  it('words 40001 the long way and 42001 the short one', () => {
    const { classic, advance, ask } = createBench();
    const value = classic().json.access_token;
    const said = (access_token: string) => ask('GET', '/cgi-bin/getcallbackip', { query: { access_token } }).json.errmsg;
    expect(said('forged')).toMatch(
      /^invalid credential, access_token is invalid or not latest, could get access_token by getStableAccessToken, more details at https:\/\/mmbizurl\.cn\/s\/JtxxFh33r rid: /,
    );
    advance(3 * HOUR);
    expect(said(value)).toMatch(/^access_token expired rid: /);
  });

  it('allows 2000 issues a day (200 for a test account), then 45009, until 00:00 +08:00', () => {
    const { classic, advance, control } = createBench();
    for (let i = 0; i < 2000; i++) expect(classic().json.errcode).toBeUndefined();
    expect(classic().json).toMatchObject({ errcode: 45009, errmsg: expect.stringMatching(/^reach max api daily quota limit rid: /) });
    advance(12 * HOUR - 1);
    expect(classic().json.errcode).toBe(45009);
    advance(1);
    expect(classic().json.access_token).toBeTruthy();
    control.putAccount(APPID, { sandbox: true });
    advance(DAY);
    for (let i = 0; i < 200; i++) expect(classic().json.errcode).toBeUndefined();
    expect(classic().json.errcode).toBe(45009);
  });

  it('does not count refused calls against the quota, unless the knob says so', () => {
    const { classic, control } = createBench();
    control.putAccount(APPID, { limits: { [TOKEN]: { day: 2 } } });
    classic({ secret: 'wrong' });
    classic({ secret: 'wrong' });
    expect(classic().json.access_token).toBeTruthy();
    control.setKnobs({ failedCallsCount: true });
    classic({ secret: 'wrong' });
    expect(classic().json.errcode).toBe(45009);
  });

  it('a refused fetch changes no token', () => {
    const { classic, use, control } = createBench();
    const value = classic().json.access_token;
    classic({ secret: 'wrong' });
    classic({ grant_type: 'client_credentials' });
    expect(use(value)).toBe(0);
    expect(control.account(APPID).classic.previous).toEqual([]);
  });

  it('gives the same tokens for the same seed whatever others do, and others for another seed', () => {
    const [a, b, c] = [createBench({ seed: 1 }), createBench({ seed: 1, autoAccounts: true }), createBench({ seed: 2 })];
    b.classic({ appid: 'wx00000000000000ff', secret: '0123456789abcdef0123456789abcdef' });
    b.classic({ secret: 'wrong' });
    const value = a.classic().json.access_token;
    expect(b.classic().json.access_token).toBe(value);
    expect(c.classic().json.access_token).not.toBe(value);
  });

  it('decodes parameters and takes the first of two', () => {
    const { ask } = createBench();
    const query = `grant_type=client%5Fcredential&appid=${APPID}&appid=wxother&secret=${SECRET}`;
    expect(ask('GET', TOKEN, { query }).json.access_token).toBeTruthy();
    expect(START % DAY).toBe(4 * HOUR); // the quota-day test above relies on it
  });
});
