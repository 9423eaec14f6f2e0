/** The small parts: bounded memory, clocks, parameters, options, the fetch form. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BoundedMap } from '../../src/bounded.ts';
import { dayOf, monthOf } from '../../src/calendar.ts';
import { AUTO_SECRET, createSimulator, createVirtualClock, createWallClock } from '../../src/index.ts';
import { ipInRanges, parseIpRange } from '../../src/ip.ts';
import { queryParam } from '../../src/params.ts';
import { APPID, createBench, SECRET, TOKEN } from '../bench.ts';

describe('BoundedMap', () => {
  it('keeps the newest entries and tells what it drops', () => {
    const dropped: string[] = [];
    const map = new BoundedMap<number>(2, (key) => dropped.push(key));
    for (const [i, key] of ['a', 'b', 'b', 'c'].entries()) map.put(key, i);
    expect([map.size, map.has('a'), map.get('b'), map.get('c'), dropped]).toEqual([2, false, 1, 3, ['a']]);
  });

  it('drops old entries from the oldest on, full or not', () => {
    for (const capacity of [3, 4, 100]) {
      const map = new BoundedMap<number>(capacity);
      for (let i = 0; i < 5; i++) map.put(`k${i}`, i);
      map.dropWhile((value) => value < 4);
      expect([map.size, map.get('k4')]).toEqual([1, 4]);
      map.put('k5', 5);
      expect(map.size).toBe(2);
    }
  });

  it('of capacity 0 holds nothing', () => {
    const map = new BoundedMap<number>(0);
    map.put('a', 1);
    expect(map.size).toBe(0);
  });
});

describe('clocks', () => {
  it('the virtual one stands still; both advance by whole milliseconds only', () => {
    const clock = createVirtualClock(1000);
    clock.advance(5);
    expect(clock.now()).toBe(1005);
    expect(() => clock.advance(-1)).toThrow(RangeError);
    expect(() => clock.advance(0.5)).toThrow(RangeError);
  });

  it('the wall clock never goes back, even when the system is set back', () => {
    let system = 10_000;
    const clock = createWallClock(() => system);
    clock.advance(1000);
    expect(clock.now()).toBe(11_000);
    system = 4000;
    expect(clock.now()).toBe(11_000);
    system = 10_001;
    expect(clock.now()).toBe(11_001);
  });
});

describe('calendar', () => {
  it('days and months begin at 00:00 +08:00', () => {
    const midnight = Date.UTC(2026, 0, 31, 16);
    expect(dayOf(midnight, 480) - dayOf(midnight - 1, 480)).toBe(1);
    expect(monthOf(midnight, 480) - monthOf(midnight - 1, 480)).toBe(1);
  });
});

describe('queryParam', () => {
  it('agrees with URLSearchParams on well-formed queries', () => {
    const pairs = fc.array(fc.tuple(fc.constantFrom('a', 'ab', 'access_token', 'b'), fc.string()), { maxLength: 6 });
    fc.assert(
      fc.property(pairs, fc.constantFrom('a', 'ab', 'b', 'access_token'), (list, name) => {
        const params = new URLSearchParams(list);
        expect(queryParam(params.toString(), name) ?? null).toBe(params.get(name));
      }),
    );
  });

  it('takes a broken escape as it is', () => {
    expect(queryParam('a=%zz', 'a')).toBe('%zz');
    expect([queryParam('a', 'a'), queryParam('ab=1', 'a'), queryParam('', 'a')]).toEqual(['', undefined, undefined]);
  });
});

describe('IP ranges', () => {
  it.each(['1.2.3.4:80', '1.2.3', '1.2.3.4/33', '1.2.3.4/', '::1', '1.2.3.256', ''])('%s is none', (text) => {
    expect(parseIpRange(text)).toBeNull();
  });

  it('an IPv6 caller is in no range', () => {
    const all = parseIpRange('0.0.0.0/0');
    expect(all && [ipInRanges('::1', [all]), ipInRanges('9.9.9.9', [all])]).toEqual([false, true]);
  });
});

describe('options', () => {
  it('wrong knobs are refused by name', () => {
    expect(() => createSimulator({ knobs: { lifetimeSeconds: 0 } })).toThrow(/^knobs\.lifetimeSeconds: expected an integer from 1/);
    // @ts-expect-error an unknown knob
    expect(() => createSimulator({ knobs: { life: 1 } })).toThrow(/^knobs\.life: expected a known field/);
  });

  it('autoAccounts: every well-formed AppID exists, others do not', () => {
    const { classic } = createBench({ autoAccounts: true, accounts: {} });
    expect(classic({ appid: 'wx00000000000000aa', secret: AUTO_SECRET }).json.access_token).toBeTruthy();
    expect(classic({ appid: 'wx00000000000000ag', secret: AUTO_SECRET }).json.errcode).toBe(40013);
    const own = createBench({ autoAccounts: { secret: 'mine' }, accounts: {} });
    expect(own.classic({ appid: 'wx00000000000000aa', secret: 'mine' }).json.access_token).toBeTruthy();
  });

  it('two simulators share nothing', () => {
    const [a, b] = [createBench(), createBench()];
    const value = a.classic().json.access_token;
    expect(b.control.token(value).state).toBe('unknown');
  });
});

describe('fetch', () => {
  const url = `https://api.weixin.qq.com${TOKEN}?grant_type=client_credential&appid=${APPID}&secret=${SECRET}`;

  it('answers a Request, with the address given', async () => {
    const { sim, control } = createBench();
    const response = await sim.fetch(new Request(url));
    expect(response.headers.get('content-type')).toBe('application/json; encoding=utf-8');
    expect(await response.json()).toMatchObject({ expires_in: 7200 });
    control.putAccount(APPID, { whitelist: ['1.1.1.1'] });
    expect(await (await sim.fetch(new Request(url), { ip: '::ffff:1.1.1.1' })).json()).toMatchObject({ expires_in: 7200 });
    expect(await (await sim.fetch(new Request(url))).json()).toMatchObject({ errcode: 40164 });
    const body = JSON.stringify({ grant_type: 'client_credential', appid: APPID, secret: SECRET });
    const posted = new Request('https://api.weixin.qq.com/cgi-bin/stable_token', { method: 'POST', body });
    expect(await (await sim.fetch(posted, { ip: '1.1.1.1' })).json()).toMatchObject({ expires_in: 7200 });
  });

  it('breaks as a network does: drop rejects, hang ends with the signal, cut errors midway', async () => {
    const { sim, control } = createBench({ faults: { fault: 'drop' } });
    await expect(sim.fetch(new Request(url))).rejects.toMatchObject({ name: 'TypeError', cause: { code: 'ECONNRESET' } });
    control.setFaults({ fault: 'cut', bytes: 10 });
    const cut = await sim.fetch(new Request(url));
    await expect(cut.text()).rejects.toMatchObject({ cause: { code: 'ECONNRESET' } });
    control.setFaults({ fault: 'hang' });
    const caller = new AbortController();
    const hanging = sim.fetch(new Request(url, { signal: caller.signal }));
    caller.abort(new Error('gave up'));
    await expect(hanging).rejects.toThrow('gave up');
  });
});
