/** Every fault switch, what it does to the call and what it leaves behind, and how it is limited. */
import { describe, expect, it } from 'vitest';
import type { Fault } from '../../src/index.ts';
import { APPID, createBench, HOUR, MINUTE, OTHER, read, SECRET, STABLE, TOKEN } from '../bench.ts';

function faulty(faults: Fault | Fault[]) {
  const bench = createBench({ faults });
  /** Tokens issued so far, by the endpoint. */
  const issued = () => {
    const count = bench.control.account(APPID).counters.issues[TOKEN];
    return count ? count.normal + count.forced : 0;
  };
  return { ...bench, issued };
}

describe('what never comes back', () => {
  it('drop before: nothing happened at WeChat', () => {
    const { classic, issued } = faulty({ fault: 'drop', count: 1 });
    expect([classic().outcome.kind, issued()]).toEqual(['drop', 0]);
    expect(classic().json.access_token).toBeTruthy();
  });

  it('drop after: the token is rotated, the reply lost; two of them evict the served one', () => {
    const { classic, use, issued, control } = faulty([]);
    const served = classic().json.access_token;
    control.setFaults({ fault: 'drop', when: 'after', count: 2 });
    expect([classic().outcome.kind, issued(), use(served)]).toEqual(['drop', 2, 0]);
    control.clearFaults();
    control.setFaults({ fault: 'drop', when: 'after', count: 1, path: TOKEN });
    expect([classic().outcome.kind, issued(), use(served)]).toEqual(['drop', 3, 40001]);
  });

  it('hang before and after', () => {
    const { classic, issued } = faulty([
      { fault: 'hang', count: 1 },
      { fault: 'hang', when: 'after', count: 1, skip: 1 },
    ]);
    expect([classic().outcome.kind, issued()]).toEqual(['hang', 0]);
    expect([classic().outcome.kind, issued()]).toEqual(['hang', 1]);
  });

  it('cut: promises the whole length, stops after so many bytes', () => {
    const { classic, issued } = faulty({ fault: 'cut', bytes: 20 });
    const { outcome, headers, text } = classic();
    expect(outcome).toMatchObject({ kind: 'reply', cutAt: 20 });
    expect([headers['Content-Length'], issued()]).toEqual([String(text.length), 1]);
  });
});

describe('what comes back wrong', () => {
  const answered = (fault: Fault) => {
    const bench = faulty(fault);
    return { ...bench.classic(), issued: bench.issued() };
  };

  it('status: a gateway page, and nothing issued unless `after`', () => {
    expect(answered({ fault: 'status', status: 502 })).toMatchObject({ status: 502, headers: { 'Content-Type': 'text/html' }, issued: 0 });
    expect(answered({ fault: 'status', status: 503, when: 'after' })).toMatchObject({ status: 503, issued: 1 });
  });

  it('errcode: WeChat form with a rid, e.g. a burst of -1', () => {
    const { classic, issued } = faulty({ fault: 'errcode', errcode: -1, count: 3 });
    for (let i = 0; i < 3; i++) {
      expect(classic().text).toMatch(/^\{"errcode":-1,"errmsg":"system error rid: [0-9a-f]{8}-[0-7][0-9a-f]{7}-[0-7][0-9a-f]{7}"\}$/);
    }
    expect(issued()).toBe(0);
    expect(classic().json.access_token).toBeTruthy();
    expect(answered({ fault: 'errcode', errcode: 45009, errmsg: 'api freq out of limit', when: 'after' })).toMatchObject({
      json: { errcode: 45009, errmsg: expect.stringMatching(/^api freq out of limit rid: /) },
      issued: 1,
    });
  });

  it('html with status 200, before and after', () => {
    const page = answered({ fault: 'html' });
    expect(page).toMatchObject({ status: 200, headers: { 'Content-Type': 'text/html' }, issued: 0 });
    expect(page.text).toMatch(/^<html>/);
    expect(answered({ fault: 'html', when: 'after' }).issued).toBe(1);
  });

  it('empty, truncated, wrong type, any text', () => {
    expect(answered({ fault: 'empty', when: 'after' })).toMatchObject({ text: '', headers: { 'Content-Length': '0' }, issued: 1 });
    const short = answered({ fault: 'truncate', bytes: 30 });
    expect([short.text.length, short.headers['Content-Length'], short.outcome.kind === 'reply' && short.outcome.cutAt]).toEqual([
      30,
      '30',
      undefined,
    ]);
    expect(answered({ fault: 'body', text: '[]' })).toMatchObject({ text: '[]', status: 200, issued: 0 });
    expect(answered({ fault: 'body', text: 'x', content_type: 'text/plain', status: 418, when: 'after' })).toMatchObject({
      status: 418,
      headers: { 'Content-Type': 'text/plain' },
      issued: 1,
    });
  });

  it.each([0, -1, '7200', null, 1e15, 7200.5])('rewrite: expires_in %j', (value) => {
    const { json, issued } = answered({ fault: 'rewrite', set: { expires_in: value } });
    expect(json.expires_in).toBe(value);
    expect([json.access_token.length, issued]).toEqual([136, 1]);
  });

  it('rewrite: fields of a wrong type or missing; what is not JSON stays', () => {
    expect(answered({ fault: 'rewrite', set: { access_token: 123 } }).json.access_token).toBe(123);
    expect(Object.keys(answered({ fault: 'rewrite', remove: ['access_token'] }).json)).toEqual(['expires_in']);
    const page = createBench({
      faults: [
        { fault: 'html', when: 'after' },
        { fault: 'rewrite', set: { a: 1 } },
      ],
    }).classic();
    expect(page.text).toMatch(/^<html>/);
    const short = createBench({
      faults: [
        { fault: 'truncate', bytes: 9 },
        { fault: 'pad', bytes: 9 },
      ],
    }).classic();
    expect(short.text).toBe('{"access_');
  });

  it('pad: a huge body that is still valid JSON', () => {
    const { json, text } = answered({ fault: 'pad', bytes: 5_000_000 });
    expect(text.length).toBeGreaterThan(5_000_000);
    expect(json.access_token).toBeTruthy();
  });

  it('date_skew: only the Date header is off', () => {
    const { headers, json } = answered({ fault: 'date_skew', ms: -HOUR });
    expect(headers.Date).toBe('Thu, 15 Jan 2026 03:00:00 GMT');
    expect(json.expires_in).toBe(7200);
  });
});

describe('what is issued and then not as told', () => {
  it('lifetime: short, and says so', () => {
    const { classic, use, advance } = faulty({ fault: 'lifetime', seconds: 60, count: 1 });
    const { access_token, expires_in } = classic().json;
    advance(MINUTE - 1);
    expect([expires_in, use(access_token)]).toEqual([60, 0]);
    advance(1);
    expect(use(access_token)).toBe(42001);
    expect(classic().json.expires_in).toBe(7200);
  });

  it('expiry_skew: says 7200 and lives shorter, or longer', () => {
    const { classic, use, advance, control } = faulty({ fault: 'expiry_skew', ms: -10 * MINUTE, count: 1 });
    const short = classic().json;
    advance(110 * MINUTE);
    expect([short.expires_in, use(short.access_token)]).toEqual([7200, 42001]);
    control.setFaults({ fault: 'expiry_skew', ms: 10 * MINUTE });
    const long = classic().json;
    advance(2 * HOUR);
    expect([long.expires_in, use(long.access_token)]).toEqual([7200, 0]);
  });

  it('expiry_skew on a stable token: the told seconds count down to the told end', () => {
    const { stable, use, advance } = faulty({ fault: 'expiry_skew', ms: -90 * MINUTE, count: 1 });
    const first = stable().json.access_token;
    advance(HOUR);
    expect(stable().json).toEqual({ access_token: first, expires_in: 3600 });
    expect(use(first)).toBe(42001);
  });

  it('revoke: dies early with 40001, though nobody fetched', () => {
    const { classic, use, advance } = faulty({ fault: 'revoke', after_ms: HOUR, count: 1 });
    const value = classic().json.access_token;
    advance(HOUR - 1);
    expect(use(value)).toBe(0);
    advance(1);
    expect(use(value)).toBe(40001);
  });

  it('rogue: somebody else fetches behind each call, counted apart', () => {
    const { classic, use, control, issued } = faulty({ fault: 'rogue', count: 1, path: TOKEN });
    const value = classic().json.access_token;
    expect([control.token(value).state, issued()]).toEqual(['grace', 1]);
    expect(control.account(APPID).counters.issues[TOKEN]).toEqual({ normal: 1, forced: 0, rogue: 1 });
    control.rogue(APPID);
    expect(use(value)).toBe(40001);
  });

  it('rogue uses the quota of the account, and is not stopped by it', () => {
    const { classic, control } = faulty([]);
    control.putAccount(APPID, { limits: { [TOKEN]: { day: 2 } } });
    expect(control.rogue(APPID, { times: 3 }).values.every(Boolean)).toBe(true);
    expect(classic().json.errcode).toBe(45009);
  });

  it('rogue on the stable chain goes through the stable rule', () => {
    const { stable, control } = faulty([]);
    const value = stable().json.access_token;
    expect(control.rogue(APPID, { chain: 'stable' }).values).toEqual([value]);
    expect(control.token(value).state).toBe('alive');
    const [forced] = control.rogue(APPID, { chain: 'stable', force: true }).values;
    expect(stable().json.access_token).toBe(forced);
    expect(control.account(APPID).counters.issues[STABLE]).toEqual({ normal: 1, forced: 0, rogue: 1 });
  });

  it('rogue before the call by token: the token in hand is superseded first', () => {
    const { classic, use, control } = faulty([]);
    const value = classic().json.access_token;
    control.rogue(APPID);
    control.setFaults({ fault: 'rogue', when: 'before', count: 1 });
    expect(use(value)).toBe(40001);
  });
});

describe('latency', () => {
  it('waits before the work, or after it, by the given sleep', async () => {
    const slept: number[] = [];
    const bench = createBench({
      faults: [
        { fault: 'latency', ms: 1000, path: TOKEN },
        { fault: 'latency', ms: 50, when: 'after', path: TOKEN },
      ],
      sleep: async (ms) => {
        slept.push(ms);
        bench.advance(ms);
      },
    });
    const query = { grant_type: 'client_credential', appid: APPID, secret: SECRET };
    const { json, headers } = read(await bench.send('GET', TOKEN, { query }));
    expect(slept).toEqual([1000, 50]);
    expect(bench.control.token(json.access_token).issued_at).toBe(bench.sim.clock.now() - 50);
    expect(headers.Date).toBe('Thu, 15 Jan 2026 04:00:01 GMT');
    expect(bench.send('GET', '/cgi-bin/other')).not.toBeInstanceOf(Promise);
  });

  it('adds a random share of jitter, from the seed', async () => {
    const delays = async (seed: number) => {
      const slept: number[] = [];
      const bench = createBench({
        seed,
        faults: { fault: 'latency', ms: 100, jitter_ms: 100 },
        sleep: async (ms) => void slept.push(ms),
      });
      for (let i = 0; i < 20; i++) await bench.send('GET', TOKEN);
      return slept;
    };
    const [a, b] = [await delays(1), await delays(1)];
    expect(a).toEqual(b);
    expect(Math.min(...a)).toBeGreaterThanOrEqual(100);
    expect(Math.max(...a)).toBeLessThanOrEqual(200);
    expect(new Set(a).size).toBeGreaterThan(5);
    expect(await delays(2)).not.toEqual(a);
  });
});

describe('limits of a fault', () => {
  const hit = (bench: ReturnType<typeof createBench>, appid = APPID) => bench.classic({ appid }).json.errcode === -1;

  it('path: exact, one of several, or a prefix with *', () => {
    const bench = createBench({ faults: { fault: 'errcode', errcode: -1, path: [STABLE, '/cgi-bin/ticket/*'] } });
    expect(hit(bench)).toBe(false);
    expect(bench.stable().json.errcode).toBe(-1);
    expect(bench.ask('GET', '/cgi-bin/ticket/getticket').json.errcode).toBe(-1);
  });

  it('account: by appid in query or body, or by the access_token', () => {
    const bench = createBench({ faults: [] });
    bench.control.putAccount(OTHER, { secret: SECRET });
    const [mine, others] = [bench.classic().json.access_token, bench.classic({ appid: OTHER }).json.access_token];
    bench.control.setFaults({ fault: 'errcode', errcode: -1, account: OTHER });
    expect([hit(bench), hit(bench, OTHER), bench.use(mine), bench.use(others)]).toEqual([false, true, 0, -1]);
    expect([bench.stable().json.errcode, bench.stable({ appid: OTHER }).json.errcode]).toEqual([undefined, -1]);
  });

  it('count after skip, then it stays listed with 0 left', () => {
    const bench = createBench({ faults: { fault: 'errcode', errcode: -1, count: 2, skip: 1, name: 'burst' } });
    expect([1, 2, 3, 4].map(() => hit(bench))).toEqual([false, true, true, false]);
    expect(bench.control.faults()).toEqual([{ fault: 'errcode', errcode: -1, count: 2, skip: 1, name: 'burst', hits: 2, left: 0 }]);
  });

  it('ip, a stretch of time, a probability', () => {
    const byIp = createBench({ faults: { fault: 'errcode', errcode: -1, ip: '9.9.9.9' } });
    expect([byIp.classic({}, '9.9.9.9').json.errcode, hit(byIp)]).toEqual([-1, false]);
    const timed = createBench({ faults: { fault: 'errcode', errcode: -1, for_ms: 1000 } });
    timed.advance(999);
    expect(hit(timed)).toBe(true);
    timed.advance(1);
    expect(hit(timed)).toBe(false);
    const chance = createBench({ faults: { fault: 'errcode', errcode: -1, probability: 0.3 } });
    const hits = Array.from({ length: 1000 }, () => hit(chance)).filter(Boolean).length;
    expect(hits).toBeGreaterThan(250);
    expect(hits).toBeLessThan(350);
  });

  it('several at once add up; the first that replaces the answer wins', () => {
    const bench = createBench({
      faults: [
        { fault: 'lifetime', seconds: 600 },
        { fault: 'date_skew', ms: 1000 },
        { fault: 'status', status: 502, count: 1 },
        { fault: 'errcode', errcode: -1, count: 1 },
      ],
    });
    expect(bench.classic().status).toBe(502);
    expect(bench.classic()).toMatchObject({ json: { expires_in: 600 }, headers: { Date: 'Thu, 15 Jan 2026 04:00:01 GMT' } });
  });

  it('what strikes before WeChat works leaves nothing for what would strike after', () => {
    const { classic, issued } = faulty([
      { fault: 'drop', when: 'after' },
      { fault: 'errcode', errcode: -1 },
    ]);
    expect([classic().json.errcode, issued()]).toEqual([-1, 0]);
  });

  it('set replaces, add appends, clear removes all or by name', () => {
    const { control } = createBench({ faults: { fault: 'drop' } });
    control.addFaults({ fault: 'hang', name: 'mine' });
    expect(control.faults()).toHaveLength(2);
    expect(control.clearFaults('mine')).toEqual({ removed: 1 });
    control.setFaults([{ fault: 'empty' }]);
    expect(control.faults()).toMatchObject([{ fault: 'empty' }]);
    expect(control.clearFaults()).toEqual({ removed: 1 });
  });
});
