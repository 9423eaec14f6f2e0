// What a borrower asks its lender, when it asks again, and what the lender's refusals mean to an operator.
import { describe, expect, test } from 'vitest';
import type { Chain } from '../../../src/core/kind.ts';
import { issueKillsCurrent, plannedRefreshAt } from '../../../src/core/policy.ts';
import { borrowedAccessToken } from '../../../src/platforms/borrowed/access-token.ts';
import { CATALOG } from '../../../src/platforms/index.ts';

const { borrowed } = borrowedAccessToken.chains as { readonly borrowed: Chain };
const LENDER_RID = '64d20329-254dc72d-4b59c863';

const refusal = (errcode: number, errmsg = 'text') => {
  const reply = { status: 200, text: JSON.stringify({ errcode, errmsg: `${errmsg} rid: ${LENDER_RID}` }), dateMs: null };
  const outcome = borrowed.parseIssue(reply);
  return outcome.ok ? expect.unreachable('taken for a token') : outcome;
};

describe('what is declared', () => {
  test('one platform with one mode, and the option that it cannot do without', () => {
    expect(CATALOG.modes('borrowed')).toEqual(['borrowed']);
    expect(CATALOG.neededUpstreams('borrowed')).toEqual(['borrowed']);
    expect(CATALOG.neededUpstreams('official-account')).toEqual([]);
  });

  test('the request: the key in the body, never in a URL; force says that the value does not work', () => {
    const input = { appId: 'wx1', secret: 'zk_key', force: false };
    expect(borrowed.issue(input)).toEqual({
      upstream: 'borrowed',
      method: 'POST',
      path: '/cgi-bin/stable_token',
      json: { grant_type: 'client_credential', appid: 'wx1', secret: 'zk_key', force_refresh: false },
    });
    expect(borrowed.issue({ ...input, force: true }).json).toMatchObject({ force_refresh: true });
  });

  test('nothing that is asked kills a value', () => {
    expect(borrowed.forcible).toBe(false);
    expect(issueKillsCurrent(borrowed.policy, borrowed.forcible)).toBe(false);
  });

  test('two keys: the second one is tried when the first is refused, as while one is being replaced', () => {
    expect(borrowed.tryFallbackSecret(refusal(40125).failure)).toBe(true);
    expect(borrowed.tryFallbackSecret(refusal(48001).failure)).toBe(false);
  });
});

describe('when it asks again', () => {
  const askedAfter = (lifeSeconds: number, unit = 0) => plannedRefreshAt(borrowed.policy, 0, lifeSeconds * 1000, unit) / 1000;

  test('every five minutes, while a value has long to live', () => {
    expect([askedAfter(7200), askedAfter(7200, 1)]).toEqual([300, 280]);
  });

  test('before a stable or a classic lender has handed over for good, however late in a value it came', () => {
    for (let life = 1; life <= 7200; life += 1) {
      for (const unit of [0, 0.999]) {
        const left = life - askedAfter(life, unit);
        // A life of 10 s is what a lender in doubt tells: half of it has to be left, and 5 s have to pass.
        expect(left).toBeGreaterThanOrEqual(life >= 10 ? Math.min(life / 2, 200) : 0);
        expect(life - left).toBeGreaterThanOrEqual(Math.min(life, 5));
      }
    }
  });
});

describe("the lender's refusals", () => {
  test.each([
    [40125, 'config', /API key/],
    [40013, 'config', /AppID/],
    [48001, 'config', /credential:read/],
    [50002, 'account', /disabled/],
    [45009, 'rate-minute', /calls per minute/],
    [-1, 'transient', /lender/],
  ])('%i: %s, told of the lender and the key', (errcode, failureClass, advice) => {
    const { answered, failure } = refusal(errcode);
    expect(answered).toBe(true);
    expect(failure).toMatchObject({ class: failureClass, errcode, rid: LENDER_RID, retryWithinMs: 60_000 });
    expect(failure.advice.en).toMatch(advice);
    expect(failure.advice.zh).toMatch(/出借方/);
    // What a person would do about WeChat's own code of the same number is wrong here.
    expect(failure.advice.en).not.toMatch(/mp\.weixin|Copy it again/);
  });

  test('an address that is refused is named, and not taken for the one that WeChat sees of us', () => {
    const { failure } = refusal(40164, 'invalid ip 203.0.113.9 ipv6 ::ffff:203.0.113.9, not in whitelist');
    expect(failure.class).toBe('network-acl');
    expect(failure.advice.en).toContain('203.0.113.9');
    expect(failure.advice.zh).toContain('203.0.113.9');
    expect(failure.egressIp).toBeUndefined();
    expect(refusal(40164, 'no address').failure.advice.en).not.toContain('{ip}');
  });

  test("a code of WeChat's own sends to the lender, with what is to be done there, and no day is waited out", () => {
    const { failure } = refusal(40243);
    expect(failure.advice.en).toMatch(/^WeChat refuses the lender\. At the lender: ./);
    expect(refusal(45009).failure.class).toBe('rate-minute');
  });

  test('what no Zhongkong answers is unusable, and points at the option', () => {
    const outcome = borrowed.parseIssue({ status: 200, text: '<html>login</html>', dateMs: null });
    expect(outcome).toMatchObject({ ok: false, answered: false, failure: { class: 'transient' } });
    expect(outcome.ok || outcome.failure.advice.en).toMatch(/upstreams\.borrowed/);
  });
});
