/** POST /cgi-bin/stable_token: the same token until the last 300 s; forced issues spaced and counted. */
import { describe, expect, it } from 'vitest';
import { APPID, createBench, DAY, HOUR, MINUTE, SECRET, STABLE } from '../bench.ts';

const SECOND = 1000;

describe('stable token', () => {
  it('repeats the running token with the remaining whole seconds', () => {
    const { stable, advance } = createBench();
    const first = stable().json;
    advance(10 * SECOND + 1);
    expect(stable().json).toEqual({ access_token: first.access_token, expires_in: 7189 });
    advance(6900 * SECOND - 10 * SECOND - 2);
    expect(stable().json).toEqual({ access_token: first.access_token, expires_in: 300 });
  });

  it('gives a new one at 300 s left, and both are good for those 300 s', () => {
    const { stable, use, advance } = createBench();
    const first = stable().json.access_token;
    advance(6900 * SECOND);
    const second = stable().json;
    expect(second.access_token).not.toBe(first);
    expect(second.expires_in).toBe(7200);
    advance(300 * SECOND - 1);
    expect([use(first), use(second.access_token)]).toEqual([0, 0]);
    advance(1);
    expect([use(first), use(second.access_token)]).toEqual([42001, 0]);
  });

  it('leaves a token alone that nobody asks to renew: expired, then a new one', () => {
    const { stable, use, advance } = createBench();
    const first = stable().json.access_token;
    advance(3 * HOUR);
    expect(use(first)).toBe(42001);
    expect(use(stable().json.access_token)).toBe(0);
  });

  it('force gives a new token, the former keeps at most 300 s', () => {
    const { stable, use, advance } = createBench();
    const first = stable().json.access_token;
    const second = stable({ force_refresh: true }).json;
    expect(second.access_token).not.toBe(first);
    expect(second.expires_in).toBe(7200);
    advance(300 * SECOND - 1);
    expect(use(first)).toBe(0);
    advance(1);
    expect(use(first)).toBe(40001);
  });

  it('two forces 30 s apart kill a leaked token at once', () => {
    const { stable, use, advance } = createBench();
    const leaked = stable().json.access_token;
    stable({ force_refresh: true });
    advance(30 * SECOND);
    stable({ force_refresh: true });
    expect(use(leaked)).toBe(40001);
  });

  it('a force within 30 s does not refresh: the running token again', () => {
    const { stable, advance } = createBench();
    const forced = stable({ force_refresh: true }).json.access_token;
    advance(30 * SECOND - 1);
    expect(stable({ force_refresh: true }).json).toEqual({ access_token: forced, expires_in: 7170 });
    advance(1);
    expect(stable({ force_refresh: true }).json.access_token).not.toBe(forced);
  });

  it('answers a too early force with an errcode by knob', () => {
    const { stable } = createBench({ knobs: { forceTooSoonCode: 45011 } });
    stable({ force_refresh: true });
    expect(stable({ force_refresh: true }).json.errcode).toBe(45011);
  });

  it('allows 20 forces a day, then 45009; normal calls go on; the next day is new', () => {
    const { stable, advance } = createBench();
    for (let i = 0; i < 20; i++) {
      expect(stable({ force_refresh: true }).json.access_token).toBeTruthy();
      advance(30 * SECOND);
    }
    expect(stable({ force_refresh: true }).json).toMatchObject({ errcode: 45009 });
    expect(stable().json.access_token).toBeTruthy();
    advance(DAY);
    expect(stable({ force_refresh: true }).json.access_token).toBeTruthy();
  });

  it('is isolated from the classic chain, both kinds are good for calls', () => {
    const { stable, classic, use } = createBench();
    const kept = stable().json.access_token;
    const values = [1, 2, 3].map(() => classic().json.access_token);
    expect(stable().json.access_token).toBe(kept);
    stable({ force_refresh: true });
    expect([use(kept), ...values.map(use)]).toEqual([0, 40001, 0, 0]);
  });

  it('allows 10 000 a minute, then 45011, and 500 000 a day, then 45009', () => {
    const { stable, advance, control } = createBench();
    for (let i = 0; i < 10_000; i++) stable();
    expect(stable().json).toMatchObject({ errcode: 45011, errmsg: expect.stringMatching(/^api minute-quota reach limit, must slower/) });
    advance(MINUTE);
    expect(stable().json.access_token).toBeTruthy();
    control.putAccount(APPID, { limits: { [STABLE]: { day: 10_001 } } }); // the day's wall, brought nearer
    expect(stable().json.errcode).toBe(45009);
  });

  it('checks the body: 44002 empty, 47001 no JSON object or a wrong type', () => {
    const { ask, stable } = createBench();
    const code = (body: string) => ask('POST', STABLE, { body }).json.errcode;
    expect(ask('POST', STABLE).json).toMatchObject({ errcode: 44002, errmsg: expect.stringMatching(/^empty post data rid: /) });
    expect(code('')).toBe(44002);
    expect(code('grant_type=client_credential')).toBe(47001);
    expect(code('[]')).toBe(47001);
    expect(ask('POST', STABLE, { body: new Uint8Array([0x7b, 0xff, 0x7d]) }).json.errcode).toBe(47001);
    expect(stable({ appid: 7 }).json.errcode).toBe(47001);
    expect(stable({ force_refresh: 'true' }).json.errcode).toBe(47001);
  });

  it('takes its fields from the body only', () => {
    const { ask } = createBench();
    const query = { grant_type: 'client_credential', appid: APPID, secret: SECRET };
    expect(ask('POST', STABLE, { query, json: {} }).json.errcode).toBe(41002);
  });

  it('repeats a token that WeChat killed early, or makes a new one, by knob', () => {
    const { stable, use, control } = createBench();
    const first = stable().json.access_token;
    control.revoke(APPID, { chain: 'stable' });
    expect(use(first)).toBe(40001);
    expect(stable().json.access_token).toBe(first);
    control.setKnobs({ revokedStable: 'new' });
    expect(use(stable().json.access_token)).toBe(0);
  });
});
