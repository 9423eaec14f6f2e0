/** Reads: cached for the honest lifetime, one request for all who wait, refreshed ahead, an outage bridged. */

import { describe, expect, it } from 'vitest';
import { ACCOUNT, errorOf, harness, KEY, problem, settle, wire } from './harness.ts';

const SECOND = 1000;

describe('a first read', () => {
  it('asks the server for the main kind with the key in the header only', async () => {
    const { client, at } = harness();
    const token = client.token(ACCOUNT);
    await settle();
    expect(at(0).url).toBe(`http://127.0.0.1:8700/v1/accounts/${ACCOUNT}/token`);
    expect(at(0).init).toMatchObject({ method: 'GET', redirect: 'manual', headers: { authorization: `Bearer ${KEY}` } });
    at(0).answer(200, wire('A', 1));
    expect(await token).toBe('A');
  });

  it('keeps a path prefix and encodes names, with the colon of component accounts readable', async () => {
    const { client, at } = harness({ url: 'https://proxy.example/zk/' });
    const reading = client.credential('comp:wx/1', 'jsapi_ticket');
    await settle();
    expect(at(0).url).toBe('https://proxy.example/zk/v1/accounts/comp:wx%2F1/credentials/jsapi_ticket');
    at(0).answer(200, wire('T', 1, { kind: 'jsapi_ticket' }));
    expect((await reading).value).toBe('T');
  });

  it('is one request for 100 concurrent callers', async () => {
    const { client, sent, at } = harness();
    const all = Promise.all(Array.from({ length: 100 }, () => client.token(ACCOUNT)));
    await settle();
    at(0).answer(200, wire('A', 1));
    expect(new Set(await all)).toEqual(new Set(['A']));
    expect(sent).toHaveLength(1);
  });

  it('gives every waiting caller the one error, and the next caller a new try after the rest', async () => {
    const { client, sent, clock, at } = harness();
    const first = Promise.all([errorOf(client.token(ACCOUNT)), errorOf(client.token(ACCOUNT))]);
    await settle();
    at(0).fail(new Error('ECONNREFUSED'));
    expect((await first).map((error) => error['code'])).toEqual(['network', 'network']);
    expect((await errorOf(client.token(ACCOUNT)))['code']).toBe('network');
    expect(sent).toHaveLength(1);
    clock.ms += SECOND;
    const again = client.token(ACCOUNT);
    await settle();
    at(1).answer(200, wire('A', 1));
    expect(await again).toBe('A');
  });
});

describe('the cache', () => {
  async function warmed(options = {}, extra = {}) {
    const setup = harness(options);
    const token = setup.client.token(ACCOUNT);
    await settle();
    setup.at(0).answer(200, wire('A', 1, extra));
    await token;
    return setup;
  }

  it('counts the lifetime from before the request was sent', async () => {
    const { client, clock, at, sent } = harness();
    const token = client.token(ACCOUNT);
    await settle();
    clock.ms += 10 * SECOND;
    at(0).answer(200, wire('A', 1, { expires_in: 100 }));
    await token;
    clock.ms = 79 * SECOND;
    expect(await client.token(ACCOUNT)).toBe('A');
    expect(sent).toHaveLength(1);
    clock.ms = 100 * SECOND;
    const late = client.token(ACCOUNT);
    await settle();
    expect(sent).toHaveLength(2);
    at(1).answer(200, wire('B', 2));
    expect(await late).toBe('B');
  });

  it('serves on while one background request refreshes in the last fifth', async () => {
    const { client, clock, at, sent } = await warmed();
    clock.ms = 5600 * SECOND;
    expect(await Promise.all([client.token(ACCOUNT), client.token(ACCOUNT), client.token(ACCOUNT)])).toEqual(['A', 'A', 'A']);
    expect(sent).toHaveLength(2);
    at(1).answer(200, wire('B', 2));
    await settle();
    expect(await client.token(ACCOUNT)).toBe('B');
    expect(sent).toHaveLength(2);
  });

  it('looks again soon when the server says due, and ever less often when nothing changes', async () => {
    const { client, clock, at, sent } = await warmed({}, { state: 'due' });
    const looks: number[] = [];
    while (clock.ms < 130 * SECOND) {
      clock.ms += SECOND;
      await client.token(ACCOUNT);
      await settle();
      if (sent.length <= looks.length + 1) continue;
      looks.push(clock.ms / SECOND);
      at(sent.length - 1).answer(200, wire('A', 1, { state: 'suspect' }));
      await settle();
    }
    expect(looks).toEqual([2, 6, 14, 30, 62, 122]);
  });

  it('bridges an outage to the real end, then says why', async () => {
    const { client, clock, at, sent } = await warmed();
    clock.ms = 6999 * SECOND;
    expect(await client.token(ACCOUNT)).toBe('A');
    await settle();
    at(1).answer(503, problem('store_unavailable'));
    await settle();
    expect(await client.token(ACCOUNT)).toBe('A');
    expect(sent).toHaveLength(2);
    clock.ms = 7000 * SECOND;
    const late = errorOf(client.token(ACCOUNT));
    await settle();
    at(2).answer(503, problem('store_unavailable'));
    expect(await late).toMatchObject({ code: 'store_unavailable', status: 503 });
  });

  it('rests between tries while the server is away: doubling, at most 10 s', async () => {
    const { client, clock, at, sent } = await warmed();
    clock.ms = 5600 * SECOND;
    const tries: number[] = [];
    for (const start = clock.ms; clock.ms < start + 40 * SECOND; clock.ms += 100) {
      expect(await client.token(ACCOUNT)).toBe('A');
      await settle();
      if (sent.length <= tries.length + 1) continue;
      tries.push((clock.ms - start) / SECOND);
      at(sent.length - 1).fail(new Error('ECONNREFUSED'));
      await settle();
    }
    // random() is 0, so a rest is half of 1, 2, 4, 8, 10, 10 … seconds.
    expect(tries).toEqual([0, 0.5, 1.5, 3.5, 7.5, 12.5, 17.5, 22.5, 27.5, 32.5, 37.5]);
  });

  it('honours retry_after', async () => {
    const { client, clock, at, sent } = harness();
    const refused = errorOf(client.token(ACCOUNT));
    await settle();
    at(0).answer(429, problem('rate_limited', { retry_after: 30 }));
    expect(await refused).toMatchObject({ code: 'rate_limited', retryAfter: 30 });
    clock.ms = 29 * SECOND;
    expect(await errorOf(client.token(ACCOUNT))).toMatchObject({ code: 'rate_limited' });
    expect(sent).toHaveLength(1);
  });

  it.each(['unauthorized', 'forbidden', 'ip_not_allowed', 'not_found', 'account_disabled'])('forgets what it holds on %s', async (code) => {
    const { client, clock, at } = await warmed();
    clock.ms = 5600 * SECOND;
    await client.token(ACCOUNT);
    await settle();
    at(1).answer(403, problem(code));
    await settle();
    expect(await errorOf(client.token(ACCOUNT))).toMatchObject({ code });
  });

  it("does not take a proxy's 404 for a refusal", async () => {
    const { client, clock, at } = await warmed();
    clock.ms = 5600 * SECOND;
    await client.token(ACCOUNT);
    await settle();
    at(1).answer(404, '<html>not found</html>');
    await settle();
    expect(await client.token(ACCOUNT)).toBe('A');
  });

  it('never serves an answer without life again', async () => {
    const { client, at, sent } = await warmed({}, { expires_in: 0 });
    const second = client.token(ACCOUNT);
    await settle();
    expect(sent).toHaveLength(2);
    at(1).answer(200, wire('B', 2));
    expect(await second).toBe('B');
  });

  it('keeps no more than maxEntries', async () => {
    const { client, sent, at } = harness({ maxEntries: 2 });
    for (const account of ['a', 'b', 'c']) {
      const token = client.token(account);
      await settle();
      at(sent.length - 1).answer(200, wire(account, 1, { account }));
      await token;
    }
    expect(await client.token('b')).toBe('b');
    expect(await client.token('c')).toBe('c');
    expect(sent).toHaveLength(3);
    void client.token('a');
    await settle();
    expect(sent).toHaveLength(4);
  });
});

describe('min_ttl', () => {
  it('asks the server only when too little is left, and not again at once for the same', async () => {
    const { client, clock, at, sent } = harness();
    const first = client.token(ACCOUNT, { minTtl: 60 });
    await settle();
    expect(at(0).url).toContain('?min_ttl=60');
    at(0).answer(200, wire('A', 1));
    await first;
    clock.ms = 1000 * SECOND;
    expect(await client.token(ACCOUNT, { minTtl: 6000 })).toBe('A');
    expect(sent).toHaveLength(1);
    const longer = client.token(ACCOUNT, { minTtl: 6500 });
    await settle();
    at(1).answer(200, wire('A', 1, { expires_in: 6000 }));
    expect(await longer).toBe('A');
    expect(await client.token(ACCOUNT, { minTtl: 6500 })).toBe('A');
    expect(sent).toHaveLength(2);
    clock.ms += 2 * SECOND;
    void client.token(ACCOUNT, { minTtl: 6500 });
    await settle();
    expect(sent).toHaveLength(3);
  });

  it('does not join a request that asked for less', async () => {
    const { client, at, sent } = harness();
    const plain = client.token(ACCOUNT);
    const longer = client.token(ACCOUNT, { minTtl: 600 });
    const alsoPlain = client.token(ACCOUNT);
    await settle();
    expect(sent).toHaveLength(2);
    at(1).answer(200, wire('B', 2));
    expect([await longer, await alsoPlain]).toEqual(['B', 'B']);
    // The slower, older answer changes nothing, and its caller gets what is newer.
    at(0).answer(200, wire('A', 1));
    expect(await plain).toBe('B');
    expect(await client.token(ACCOUNT)).toBe('B');
  });

  it('serves what it has when the server is away', async () => {
    const { client, clock, at } = harness();
    const first = client.token(ACCOUNT);
    await settle();
    at(0).answer(200, wire('A', 1));
    await first;
    clock.ms = 5000 * SECOND;
    const longer = client.token(ACCOUNT, { minTtl: 5000 });
    await settle();
    at(1).fail(new Error('ECONNRESET'));
    expect(await longer).toBe('A');
  });

  it.each([-1, 7201, 1.5, Number.NaN])('refuses %s', async (minTtl) => {
    const { client, sent } = harness();
    expect(await errorOf(client.token(ACCOUNT, { minTtl }))).toMatchObject({ code: 'invalid_option' });
    expect(sent).toHaveLength(0);
  });
});

describe('orders of replies', () => {
  /** Two requests in the air: the older without min_ttl, the newer with it. */
  async function twoInTheAir() {
    const setup = harness();
    const results = [setup.client.token(ACCOUNT), setup.client.token(ACCOUNT, { minTtl: 600 })];
    await settle();
    return { ...setup, results };
  }

  it.each([
    { older: 1, newer: 2, order: [0, 1], stays: 'newer' },
    { older: 1, newer: 2, order: [1, 0], stays: 'newer' },
    { older: 2, newer: 1, order: [0, 1], stays: 'older' },
    { older: 2, newer: 1, order: [1, 0], stays: 'older' },
  ])('the higher generation stays: $older then $newer, answered $order', async ({ older, newer, order, stays }) => {
    const { client, at, results, sent } = await twoInTheAir();
    const answers = [wire('older', older), wire('newer', newer)];
    for (const index of order) {
      at(index).answer(200, answers[index]);
      await settle();
    }
    await Promise.all(results);
    expect(await client.token(ACCOUNT)).toBe(stays);
    expect(sent).toHaveLength(2);
  });

  it('a failure of the slower request leaves the credential of the faster one', async () => {
    const { client, at, results } = await twoInTheAir();
    at(1).answer(200, wire('B', 2));
    await settle();
    at(0).answer(401, problem('unauthorized'));
    expect(await errorOf(results[0] as Promise<string>)).toMatchObject({ code: 'unauthorized' });
    expect(await client.token(ACCOUNT)).toBe('B');
  });

  it('a lower generation is believed when it was asked for afterwards: another chain, a restored database', async () => {
    const { client, clock, at } = harness();
    const first = client.token(ACCOUNT);
    await settle();
    at(0).answer(200, wire('A', 40));
    await first;
    clock.ms = 5600 * SECOND;
    await client.token(ACCOUNT);
    await settle();
    at(1).answer(200, wire('restored', 3));
    await settle();
    expect(await client.token(ACCOUNT)).toBe('restored');
  });
});

describe('isolated requests (shareRequests: false)', () => {
  it('never lets one caller wait for the request of another, and still caches', async () => {
    const { client, at, sent } = harness({ shareRequests: false });
    const both = [client.token(ACCOUNT), client.token(ACCOUNT)];
    await settle();
    expect(sent).toHaveLength(2);
    at(1).answer(200, wire('A', 1));
    expect(await both[1]).toBe('A');
    at(0).answer(200, wire('A', 1));
    expect(await both[0]).toBe('A');
    const [one, two] = [client.token(ACCOUNT), client.token(ACCOUNT)];
    expect(one).not.toBe(two);
    expect(await Promise.all([one, two])).toEqual(['A', 'A']);
    expect(sent).toHaveLength(2);
  });

  it('refreshes in the caller that finds it due, others being served meanwhile', async () => {
    const { client, clock, at, sent } = harness({ shareRequests: false });
    const first = client.token(ACCOUNT);
    await settle();
    at(0).answer(200, wire('A', 1));
    await first;
    clock.ms = 5600 * SECOND;
    const finder = client.token(ACCOUNT);
    await settle();
    expect(await client.token(ACCOUNT)).toBe('A');
    expect(sent).toHaveLength(2);
    at(1).answer(200, wire('B', 2));
    expect(await finder).toBe('B');
  });

  it('hands a background refresh to waitUntil when there is one', async () => {
    const kept: Promise<unknown>[] = [];
    const { client, clock, at } = harness({ shareRequests: false, waitUntil: (work) => kept.push(work) });
    const first = client.token(ACCOUNT);
    await settle();
    at(0).answer(200, wire('A', 1));
    await first;
    clock.ms = 5600 * SECOND;
    expect(await client.token(ACCOUNT)).toBe('A');
    expect(kept).toHaveLength(1);
    at(1).fail(new Error('gone'));
    await expect(kept[0]).resolves.toBeUndefined();
  });

  it('gives up on a request of a process that was frozen in the middle', async () => {
    const { client, clock, at, sent } = harness({ timeoutMs: 5000 });
    const frozen = client.token(ACCOUNT);
    await settle();
    clock.ms = 3600 * SECOND;
    const thawed = client.token(ACCOUNT);
    await settle();
    expect(sent).toHaveLength(2);
    at(1).answer(200, wire('B', 2));
    expect(await thawed).toBe('B');
    at(0).fail(new Error('the connection died in the freeze'));
    await errorOf(frozen);
    expect(await client.token(ACCOUNT)).toBe('B');
  });
});
