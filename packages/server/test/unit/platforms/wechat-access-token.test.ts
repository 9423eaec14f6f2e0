// The access_token's two chains: what is asked, how answers are read, and that no nonsense ever passes for a token.
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Catalog, type Chain, type IssueOutcome } from '../../../src/core/kind.ts';
import { plannedRefreshAt } from '../../../src/core/policy.ts';
import type { UpstreamReply } from '../../../src/core/upstream.ts';
import { KINDS } from '../../../src/platforms/index.ts';
import { accessToken } from '../../../src/platforms/wechat/access-token.ts';
import { seededRandom } from '../../helpers/plain.ts';

const { stable, classic } = accessToken.chains as { readonly stable: Chain; readonly classic: Chain };
const TOKEN = '63_dEhPvJ4lq0vXkYhs-2xv_Gx9wC1nL0VbT7oQeRzU5mKjI3yA8sWfDgHnBcZpXtMqOuLiEyJrSaNvKw';
const RID = '64d20329-254dc72d-4b59c863';

const reply = (body: unknown, status = 200): UpstreamReply => ({
  status,
  text: typeof body === 'string' ? body : JSON.stringify(body),
  dateMs: null,
});
const parse = (body: unknown, status?: number): IssueOutcome => stable.parseIssue(reply(body, status));
const failure = (body: unknown, status?: number) => {
  const outcome = parse(body, status);
  return outcome.ok ? expect.unreachable('taken for a token') : { answered: outcome.answered, ...outcome.failure };
};

const ACCOUNTS = 100_000;

describe('what is declared', () => {
  test('the three platforms, stable by default', () => {
    const catalog = new Catalog(KINDS);
    expect(accessToken.platforms).toEqual(['official-account', 'mini-program', 'mini-game']);
    for (const platform of accessToken.platforms) expect(catalog.modes(platform)).toEqual(['stable', 'classic']);
  });

  test('when each chain refreshes, for a life of 7200 s', () => {
    const left = ({ policy }: Chain, unit: number) => (7_200_000 - plannedRefreshAt(policy, 0, 7_200_000, unit)) / 1000;
    expect([left(stable, 0), left(stable, 1)]).toEqual([295, 235]);
    expect([left(classic, 0), left(classic, 1)]).toEqual([900, 960]);
    expect(stable.policy).toMatchObject({ type: 'stable-window', windowMs: 300_000 });
    expect(classic.policy).toMatchObject({ type: 'rotate-with-grace', graceMs: 300_000 });
  });

  /** Most of them in one minute, for each time that all have been refreshed since they were added. */
  function busiestMinutes({ policy }: Chain, addedWithinMs: number, rounds: number): readonly number[] {
    const random = seededRandom(1);
    let issuedAt = Float64Array.from({ length: ACCOUNTS }, (_, n) => (n * addedWithinMs) / ACCOUNTS);
    return Array.from({ length: rounds }, () => {
      issuedAt = issuedAt.map((at) => plannedRefreshAt(policy, at, at + 7_200_000, random.unit()));
      const perMinute = new Map<number, number>();
      for (const at of issuedAt) perMinute.set(Math.floor(at / 60_000), (perMinute.get(Math.floor(at / 60_000)) ?? 0) + 1);
      return Math.max(...perMinute.values());
    });
  }

  test.each([['stable', stable] as const, ['classic', classic] as const])(
    '%s: accounts added within an hour never come due faster than they were added, in a day and more',
    (_, chain) => {
      const added = ACCOUNTS / 60;
      for (const busiest of busiestMinutes(chain, 3_600_000, 14)) expect(busiest / added).toBeLessThan(1.1);
    },
  );

  test.each([['stable', stable] as const, ['classic', classic] as const])(
    '%s: accounts added all at once drift apart by themselves',
    (_, chain) => {
      const [first = 0, ...later] = busiestMinutes(chain, 1, 14);
      expect(first / ACCOUNTS).toBeGreaterThan(0.9);
      expect((later[0] ?? 0) / ACCOUNTS).toBeLessThan(0.8);
      expect((later.at(-1) ?? 0) / ACCOUNTS).toBeLessThan(0.4);
    },
  );

  test("WeChat's limits", () => {
    expect(stable.limits).toMatchObject({ issuesPerDay: 500_000, callsPerMinute: 10_000, forcedPerDay: 20, forcedLeakReserve: 4 });
    expect(stable.limits.forcedSpacingMs).toBeGreaterThanOrEqual(30_000);
    expect(classic.limits.issuesPerDay).toBe(2000);
    expect([stable.forcible, classic.forcible]).toEqual([true, false]);
    for (const { limits } of [stable, classic]) expect(limits.scheduledReserve).toBeGreaterThan(100);
  });

  test('the requests', () => {
    const input = { appId: 'wx1', secret: 's', force: false };
    expect(stable.issue(input)).toEqual({
      upstream: 'wechat',
      method: 'POST',
      path: '/cgi-bin/stable_token',
      json: { grant_type: 'client_credential', appid: 'wx1', secret: 's', force_refresh: false },
    });
    expect(stable.issue({ ...input, force: true }).json).toMatchObject({ force_refresh: true });
    expect(classic.issue(input)).toEqual({
      upstream: 'wechat',
      method: 'GET',
      path: '/cgi-bin/token',
      query: { grant_type: 'client_credential', appid: 'wx1', secret: 's' },
    });
    expect(classic.probe?.request('T')).toEqual({
      upstream: 'wechat',
      method: 'GET',
      path: '/cgi-bin/get_api_domain_ip',
      query: { access_token: 'T' },
    });
  });
});

describe('a good answer', () => {
  test.each([
    ['as documented', { access_token: TOKEN, expires_in: 7200 }],
    ['with errcode 0', { errcode: 0, errmsg: 'ok', access_token: TOKEN, expires_in: 7200 }],
    ['with a field that is new', { access_token: TOKEN, expires_in: 7200, scope: 'x' }],
  ])('%s', (_, body) => {
    expect(parse(body)).toEqual({ ok: true, value: TOKEN, lifetimeMs: 7_200_000 });
  });

  test('its bounds', () => {
    const longest = 'a'.repeat(512);
    expect(parse({ access_token: longest, expires_in: 86_400 })).toEqual({ ok: true, value: longest, lifetimeMs: 86_400_000 });
    expect(parse({ access_token: 'a', expires_in: 1 })).toEqual({ ok: true, value: 'a', lifetimeMs: 1000 });
  });
});

describe('an answer after which nobody knows whether a token was issued', () => {
  const good = { access_token: TOKEN, expires_in: 7200 };
  test.each<[string, unknown, number?]>([
    ['an empty body', ''],
    ['white space', ' \r\n'],
    ['HTML', '<!DOCTYPE html><html><body>Please log in</body></html>'],
    ['XML', '<xml><errcode>0</errcode></xml>'],
    ['text', 'Bad Gateway'],
    ['JSON cut short', JSON.stringify(good).slice(0, -1)],
    ['JSON with more after it', `${JSON.stringify(good)}{}`],
    ['null', 'null'],
    ['a number', '7200'],
    ['a string', JSON.stringify(TOKEN)],
    ['an array', [good]],
    ['an empty object', {}],
    ['no access_token', { expires_in: 7200 }],
    ['errcode 0 and nothing else', { errcode: 0, errmsg: 'ok' }],
    ['an access_token that is null', { ...good, access_token: null }],
    ['an access_token that is a number', { ...good, access_token: 12 }],
    ['an access_token that is a list', { ...good, access_token: [TOKEN] }],
    ['an empty access_token', { ...good, access_token: '' }],
    ['an access_token of 513 characters', { ...good, access_token: 'a'.repeat(513) }],
    ['an access_token with a blank', { ...good, access_token: 'a b' }],
    ['an access_token with a line break', { ...good, access_token: 'a\r\nSet-Cookie: x' }],
    ['an access_token that ends in a line break', { ...good, access_token: `${TOKEN}\n` }],
    ['an access_token with an ampersand', { ...good, access_token: 'a&b=c' }],
    ['an access_token with a plus', { ...good, access_token: 'a+b' }],
    ['an access_token with a slash', { ...good, access_token: '../x' }],
    ['an access_token beyond ASCII', { ...good, access_token: '令牌' }],
    ['no expires_in', { access_token: TOKEN }],
    ['expires_in as a string', { ...good, expires_in: '7200' }],
    ['expires_in null', { ...good, expires_in: null }],
    ['expires_in true', { ...good, expires_in: true }],
    ['expires_in zero', { ...good, expires_in: 0 }],
    ['expires_in negative', { ...good, expires_in: -1 }],
    ['expires_in with a fraction', { ...good, expires_in: 7199.5 }],
    ['expires_in of more than a day', { ...good, expires_in: 86_401 }],
    ['expires_in huge', `{"access_token":"${TOKEN}","expires_in":1e400}`],
    ['an errcode beside a token', { errcode: 40001, errmsg: 'x', ...good }],
    ['an errcode as a string', { errcode: '40013', errmsg: 'invalid appid' }],
    ['an errcode that is null', { errcode: null, ...good }],
    ['two errcodes', `{"errcode":40013,"errcode":0,"access_token":"${TOKEN}","expires_in":7200}`],
    ['two tokens', `{"access_token":"a","access_token":"${TOKEN}","expires_in":7200}`],
    ['a good body under HTTP 500', good, 500],
    ['an errcode under HTTP 412', { errcode: 40013, errmsg: 'invalid appid' }, 412],
    ['a redirect', '', 302],
    ['HTTP 204', '', 204],
  ])('%s', (_, body, status) => {
    const seen = failure(body, status);
    expect(seen).toMatchObject({ answered: false, class: 'transient', message: expect.stringMatching(/^unusable answer: \S/) });
    expect(seen.errcode).toBeUndefined();
    expect(seen.message).not.toContain(TOKEN.slice(0, 8));
    expect(seen.advice.zh).toMatch(/[\u4e00-\u9fff]/);
  });

  test('any text: never a throw, and a token only out of a sane answer', () => {
    const odd = fc.oneof(fc.jsonValue(), fc.constantFrom(TOKEN, '', 'a b', 7200, 0, -1, 1.5, 86_401, '7200'));
    const mostly = <T>(value: T) => fc.oneof({ weight: 2, arbitrary: fc.constant<unknown>(value) }, { weight: 1, arbitrary: odd });
    const object = fc.record(
      { access_token: mostly(TOKEN), expires_in: mostly(7200), errcode: fc.oneof(mostly(0), fc.integer()), errmsg: odd },
      { requiredKeys: ['access_token', 'expires_in'] },
    );
    const text = fc.oneof(
      { weight: 4, arbitrary: object.map((body) => JSON.stringify(body)) },
      fc.json(),
      fc.string({ unit: 'binary' }),
      fc.tuple(object, fc.nat(80)).map(([body, at]) => JSON.stringify(body).slice(0, at)),
      fc.constantFrom('['.repeat(65_000), '{"a":'.repeat(13_000)),
    );
    const status = fc.oneof({ weight: 5, arbitrary: fc.constant(200) }, fc.integer({ min: 100, max: 999 }));
    let tokens = 0;
    fc.assert(
      fc.property(text, status, (body, code) => {
        const outcome = classic.parseIssue(reply(body, code));
        const verdict = classic.probe?.verdict(reply(body, code));
        expect(['alive', 'dead', 'unknown']).toContain(verdict);
        if (!outcome.ok) {
          expect(outcome.failure.message.length).toBeLessThanOrEqual(300);
          return;
        }
        tokens += 1;
        const sane = JSON.parse(body);
        expect(code).toBe(200);
        expect(sane.errcode ?? 0).toBe(0);
        expect(outcome.value).toBe(sane.access_token);
        expect(outcome.value).toMatch(/^[\w.~-]{1,512}$/);
        expect(outcome.lifetimeMs).toBe(sane.expires_in * 1000);
        expect(outcome.lifetimeMs).toBeGreaterThan(0);
        expect(outcome.lifetimeMs).toBeLessThanOrEqual(86_400_000);
      }),
      { numRuns: 1000 },
    );
    // Sane answers were among them, or this has looked at nothing.
    expect(tokens).toBeGreaterThan(20);
  });
});

describe("WeChat's refusal", () => {
  test('is an answer: nothing was issued', () => {
    expect(failure({ errcode: 40125, errmsg: `invalid appsecret rid: ${RID}` })).toMatchObject({
      answered: true,
      class: 'config',
      errcode: 40125,
      message: `invalid appsecret rid: ${RID}`,
      rid: RID,
    });
    expect(failure({ errcode: -1, errmsg: 'system error' })).toMatchObject({ answered: true, class: 'transient', errcode: -1 });
    expect(failure({ errcode: 40001, errmsg: 'invalid credential' })).toMatchObject({ answered: true, class: 'config' });
    expect(failure({ errcode: 89507, errmsg: '' })).toMatchObject({ class: 'admin', retryAfterMs: 3_600_000 });
    expect(failure({ errcode: 12_345 })).toMatchObject({ answered: true, class: 'rejected', message: 'errcode 12345' });
    expect(failure({ errcode: 40013, errmsg: [1] })).toMatchObject({ answered: true, message: 'invalid appid' });
  });

  test('only 40125 makes the other AppSecret worth a try', () => {
    for (const chain of [stable, classic]) {
      const tries = [40125, 40001, 40013, 40164, -1, 41004].filter((errcode) => {
        const outcome = chain.parseIssue(reply({ errcode, errmsg: '' }));
        return !outcome.ok && chain.tryFallbackSecret(outcome.failure);
      });
      expect(tries).toEqual([40125]);
    }
    const nonsense = stable.parseIssue(reply('<html>'));
    expect(!nonsense.ok && stable.tryFallbackSecret(nonsense.failure)).toBe(false);
  });

  test.each([
    [40164, 'invalid ip 101.226.140.194 ipv6 ::ffff:101.226.140.194, not in whitelist rid: 64d20329-254dc72d-4b59c863', '101.226.140.194'],
    [40164, 'invalid ip 113.70.100.150, not in whitelist hint: [i50PvA0089sha6]', '113.70.100.150'],
    [40164, 'invalid ip  ipv6 2001:db8::1f, not in whitelist rid: 64d20329-254dc72d-4b59c863', '2001:db8::1f'],
    [61004, 'access clientip is not registered requestIP: 175.11.201.147 rid: 5f92a0c3-4b491949-0aa4f69d', '175.11.201.147'],
    [61004, 'access clientip is not registered requestIP: 2001:db8::1 rid: 5f92a0c3-4b491949-0aa4f69d', '2001:db8::1'],
    [40090, 'invalid request source (bad client ip) 10.0.0.1', '10.0.0.1'],
    [40090, 'invalid request source (bad client ip)', undefined],
    [40164, 'invalid ip 999.1.1.1.7, not in whitelist', undefined],
    [40013, 'invalid appid from 10.0.0.1', undefined],
  ])('%i: the address in "%s"', (errcode, errmsg, egressIp) => {
    const seen = failure({ errcode, errmsg });
    expect(seen.egressIp).toBe(egressIp);
    if (egressIp !== undefined) expect(seen.advice.en).toContain(egressIp);
    expect(seen.advice.en).not.toContain('{ip}');
  });

  test.each([
    ['invalid appid rid: 6aac005a-01bfdbee-79769285', '6aac005a-01bfdbee-79769285'],
    ['invalid appid, rid: 6aac007a-6c02c771-26bf69c4', '6aac007a-6c02c771-26bf69c4'],
    ['rid: 6aac007a-6c02c771-26bf69c4', '6aac007a-6c02c771-26bf69c4'],
    ['invalid appid rid: 6aac007a-6c02c771-26bf69c', undefined],
    ['invalid appid rid: 6AAC007A-6c02c771-26bf69c4', undefined],
    ['invalid appid hint: [xxxxxxxxxxxxxx]', undefined],
    ['rid: 6aac007a-6c02c771-26bf69c4 not found', undefined],
  ])('the rid in "%s"', (errmsg, rid) => {
    expect(failure({ errcode: 40013, errmsg }).rid).toBe(rid);
  });

  test("WeChat's texts stay as they are", () => {
    const texts = [
      'invalid credential, access_token is invalid or not latest, could get access_token by getStableAccessToken, more details at https://mmbizurl.cn/s/JtxxFh33r rid: 64d20329-254dc72d-4b59c863',
      'invalid appsecret, view more at http://t.cn/RAEkdVq hint: [xxxxxxxxxxxxxx!]',
      'invalid corpid, hint: [1589168158511234567890123], from ip: 10.0.0.1, more info at https://open.work.weixin.qq.com/devtool/query?e=40013',
      '此次调用需要管理员确认，请耐心等候',
      'could not use this cgi_path，no permission',
    ];
    for (const errmsg of texts) expect(failure({ errcode: 40013, errmsg }).message).toBe(errmsg);
  });

  test('never repeats a token or a secret, nor control characters, and ends somewhere', () => {
    const alphabet = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'];
    const secret = fc.oneof(
      fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: 32, maxLength: 32 }),
      fc.string({ unit: fc.constantFrom(...alphabet), minLength: 60, maxLength: 512 }),
    );
    const around = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('invalid credential, ', ' access_token=', "'", '"', ': '));
    fc.assert(
      fc.property(around, secret, around, (before, hidden, after) => {
        const { message } = failure({ errcode: 40001, errmsg: `${before}${hidden}${after}` });
        expect(message).not.toContain(hidden);
        expect(message).not.toMatch(/[\p{Cc}\u2028\u2029]/u);
        expect(message, 'no half of a surrogate pair').not.toMatch(/\p{Cs}/u);
      }),
    );
    expect(failure({ errcode: 40001, errmsg: '宽'.repeat(60_000) }).message).toHaveLength(300);
    expect(failure({ errcode: 40001, errmsg: `a${'🀄'.repeat(400)}` }).message).not.toMatch(/\p{Cs}/u);
    expect(failure({ errcode: 40001, errmsg: `${'a '.repeat(140)}${TOKEN}` }).message).not.toContain(TOKEN.slice(0, 10));
    expect(failure({ errcode: 40001, errmsg: 'wrong secret=abc, and "access_token":"x1"' }).message).toBe(
      'wrong secret=***, and "access_token":***"',
    );
  });
});

describe('the probe', () => {
  test.each<[string, unknown]>([
    ['alive', { ip_list: ['101.89.47.18'] }],
    ['alive', { errcode: 0, errmsg: 'ok' }],
    ['dead', { errcode: 40001, errmsg: 'invalid credential' }],
    ['dead', { errcode: 40014, errmsg: 'invalid access_token' }],
    ['dead', { errcode: 42001, errmsg: 'access_token expired' }],
    ...[45009, -1, 48001, 60020, 40013, 41001, 50002].map((errcode): [string, unknown] => ['unknown', { errcode, errmsg: '' }]),
    ['unknown', { errcode: '40001', errmsg: '' }],
    ['unknown', '<html>'],
    ['unknown', ''],
    ['unknown', []],
  ])('%s', (verdict, body) => {
    expect(stable.probe?.verdict(reply(body))).toBe(verdict);
  });

  test('is unknown under any other status', () => {
    for (const body of [{ ip_list: [] }, { errcode: 40001 }]) expect(classic.probe?.verdict(reply(body, 502))).toBe('unknown');
  });
});
