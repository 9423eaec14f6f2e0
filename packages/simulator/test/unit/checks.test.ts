/** The checks of secret-based calls: which errcode wins when several things are wrong. */
import { describe, expect, it } from 'vitest';
import { APPID, createBench, HOUR, MINUTE, SECRET, START, TOKEN } from '../bench.ts';

describe('check order', () => {
  it('reports a bad appid before a missing grant_type (observed)', () => {
    expect(createBench().ask('GET', TOKEN, { query: { appid: 'wxforged' } }).json.errcode).toBe(40013);
  });

  it('goes appid, grant_type, secret, freeze, status, whitelist, risk, quota', () => {
    const { ask, control } = createBench();
    control.putAccount(APPID, {
      frozen: true,
      status: 'token_forbidden',
      whitelist: ['1.1.1.1'],
      risky_ips: ['10.0.0.0/8'],
      limits: { [TOKEN]: { day: 0, minute: 0 } },
    });
    const query: Record<string, string> = {};
    const seen: number[] = [];
    const step = (fix: () => void) => {
      seen.push(ask('GET', TOKEN, { query }).json.errcode);
      fix();
    };
    step(() => Object.assign(query, { appid: 'wxforged' }));
    step(() => Object.assign(query, { appid: APPID }));
    step(() => Object.assign(query, { grant_type: 'client_credential' }));
    step(() => Object.assign(query, { secret: 'wrong' }));
    step(() => Object.assign(query, { secret: SECRET }));
    step(() => control.putAccount(APPID, { frozen: false }));
    step(() => control.putAccount(APPID, { status: 'account_frozen' }));
    step(() => control.putAccount(APPID, { status: 'normal' }));
    step(() => control.putAccount(APPID, { whitelist: null }));
    step(() => control.putAccount(APPID, { risky_ips: [] }));
    step(() => control.putAccount(APPID, { limits: { [TOKEN]: { day: 0, minute: null } } }));
    step(() => control.putAccount(APPID, { limits: null }));
    expect(seen).toEqual([41002, 40013, 40002, 41004, 40125, 40243, 50004, 50007, 40164, 89503, 45011, 45009]);
    expect(ask('GET', TOKEN, { query }).json.access_token).toBeTruthy();
  });

  it('can be reordered by knob', () => {
    const order = ['grant_type', 'appid_present', 'appid_known', 'secret_present', 'secret_match', 'whitelist'] as const;
    const rest = ['frozen', 'account_status', 'risk', 'minute_quota', 'day_quota'] as const;
    const { ask } = createBench({ knobs: { checkOrder: [...order, ...rest] } });
    expect(ask('GET', TOKEN, { query: { appid: 'wxforged' } }).json.errcode).toBe(40002);
  });

  it('needs grant_type client_credential, in the singular', () => {
    const { classic, stable } = createBench();
    expect(classic({ grant_type: 'client_credentials' }).json).toMatchObject({
      errcode: 40002,
      errmsg: expect.stringMatching(/^invalid grant_type rid: /),
    });
    expect(stable({ grant_type: 'x' }).json.errcode).toBe(40002);
  });

  it('treats empty parameters as missing', () => {
    const { classic } = createBench();
    expect(classic({ appid: '' }).json.errmsg).toMatch(/^appid missing rid: /);
    expect(classic({ secret: '' }).json.errmsg).toMatch(/^appsecret missing rid: /);
  });
});

describe('AppSecret', () => {
  it('a reset kills the old one at once (40125), tokens live on', () => {
    const { classic, use, control } = createBench();
    const value = classic().json.access_token;
    const { secret } = control.resetSecret(APPID);
    expect(secret).toMatch(/^[0-9a-f]{32}$/);
    expect(classic().json).toMatchObject({ errcode: 40125, errmsg: expect.stringMatching(/^invalid appsecret rid: /) });
    expect(use(value)).toBe(0);
    expect(classic({ secret }).json.access_token).toBeTruthy();
  });

  it('may keep the old one for a while, by knob', () => {
    const { classic, control, advance } = createBench({ knobs: { previousSecretGraceSeconds: 60 } });
    control.resetSecret(APPID, { secret: 'b'.repeat(32) });
    advance(MINUTE - 1);
    expect(classic().json.access_token).toBeTruthy();
    advance(1);
    expect(classic().json.errcode).toBe(40125);
  });

  it('frozen: 40243 on token calls after its delay, running tokens unaffected', () => {
    const { classic, stable, use, control, advance } = createBench({ knobs: { freezeDelaySeconds: 600 } });
    const value = classic().json.access_token;
    expect(control.freezeSecret(APPID, { frozen: true }).pending.frozen).toEqual({ value: true, at: START + 10 * MINUTE });
    advance(10 * MINUTE - 1);
    expect(stable().json.access_token).toBeTruthy();
    advance(1);
    expect([classic().json.errcode, stable().json.errcode, use(value)]).toEqual([40243, 40243, 0]);
    control.freezeSecret(APPID, { frozen: false });
    advance(10 * MINUTE);
    expect(classic().json.access_token).toBeTruthy();
  });
});

describe('IP whitelist', () => {
  it('takes addresses and ranges, and guards token calls only', () => {
    const { classic, ask, control } = createBench();
    control.putAccount(APPID, { whitelist: ['101.226.103.0/25', '8.8.8.8'] });
    const value = classic({}, '101.226.103.127').json.access_token;
    expect(classic({}, '8.8.8.8').json.access_token).toBeTruthy();
    expect(classic({}, '101.226.103.128').json.errcode).toBe(40164);
    expect(ask('GET', '/cgi-bin/getcallbackip', { query: { access_token: value }, ip: '9.9.9.9' }).json.errcode).toBeUndefined();
  });

  it('an empty list lets nobody in; null switches the check off', () => {
    const { classic, control } = createBench();
    control.editWhitelist(APPID, { whitelist: [] });
    expect(classic().json.errcode).toBe(40164);
    control.editWhitelist(APPID, { whitelist: null });
    expect(classic().json.access_token).toBeTruthy();
  });

  it('a console edit of an existing account waits, a new account is ready at once', () => {
    const { classic, control, advance } = createBench({
      knobs: { whitelistDelaySeconds: 300, freezeDelaySeconds: 600 },
      accounts: { [APPID]: { secret: SECRET, whitelist: ['10.0.0.1'] } },
    });
    expect(classic({}, '9.9.9.9').json.errcode).toBe(40164);
    control.putAccount(APPID, { whitelist: ['1.1.1.1'], frozen: true });
    expect(classic().json.access_token).toBeTruthy();
    advance(5 * MINUTE);
    expect(classic().json.errcode).toBe(40164);
    advance(5 * MINUTE);
    expect(classic().json.errcode).toBe(40243);
  });

  it('an edit holds after its delay', () => {
    const { classic, control, advance } = createBench();
    control.editWhitelist(APPID, { whitelist: ['1.1.1.1'], delay_seconds: 300 });
    advance(5 * MINUTE - 1);
    expect(classic().json.access_token).toBeTruthy();
    advance(1);
    expect(classic().json.errcode).toBe(40164);
    expect(control.account(APPID)).toMatchObject({ whitelist: ['1.1.1.1'], pending: {} });
  });
});

describe('risky address', () => {
  const risky = () => {
    const bench = createBench();
    bench.control.putAccount(APPID, { risky_ips: ['10.0.0.1'] });
    return { ...bench, code: (ip = '10.0.0.1') => bench.classic({}, ip).json.errcode as number | undefined };
  };

  it('asks the administrator (89503), is pending (89501), then agreed', () => {
    const { code, control } = risky();
    expect([code(), code(), code('10.0.0.2')]).toEqual([89503, 89501, undefined]);
    control.answerRisk(APPID, { ip: '10.0.0.1', agree: true });
    expect([code(), code()]).toEqual([undefined, undefined]);
  });

  it('a first refusal blocks 1 h (89507), the next 24 h (89506)', () => {
    const { code, control, advance } = risky();
    code();
    control.answerRisk(APPID, { ip: '10.0.0.1', agree: false });
    advance(HOUR - 1);
    expect(code()).toBe(89507);
    advance(1);
    expect(code()).toBe(89503);
    control.answerRisk(APPID, { ip: '10.0.0.1', agree: false });
    advance(24 * HOUR - 1);
    expect(code()).toBe(89506);
    advance(1);
    expect(code()).toBe(89503);
  });

  it('says 89503 again while pending, by knob', () => {
    const { code, control } = risky();
    control.setKnobs({ pendingRiskCode: 89503 });
    expect([code(), code()]).toEqual([89503, 89503]);
  });
});
