/** Options, answers that are not the server's, deadlines, and the key that must not be seen. */

import { inspect } from 'node:util';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createClient, ZhongkongClientError } from '../../src/index.ts';
import { ACCOUNT, errorOf, harness, KEY, problem, settle, wire } from './harness.ts';

describe('options', () => {
  it.each([
    [{ url: 'not an address' }, 'url'],
    [{ url: 'ftp://127.0.0.1' }, 'url'],
    [{ url: 'http://user:pass@127.0.0.1' }, 'url'],
    [{ url: 'http://127.0.0.1/?key=x' }, 'url'],
    [{ key: '' }, 'key'],
    [{ key: `${KEY}\n` }, 'key'],
    [{ timeoutMs: 0 }, 'timeoutMs'],
    [{ maxEntries: 1.5 }, 'maxEntries'],
  ])('%j stops the program and names the option', (options, name) => {
    const make = () => createClient({ url: 'http://127.0.0.1', key: KEY, ...options });
    expect(make).toThrow(ZhongkongClientError);
    expect(make).toThrow(`option ${name}`);
    if ('key' in options && options.key) expect(make).not.toThrow(options.key);
  });

  it.each(['', '.', '..', 'x'.repeat(201), '\ud800'])('account %j is refused before anything is sent', async (account) => {
    const { client, sent } = harness();
    expect(await errorOf(client.token(account))).toMatchObject({ code: 'invalid_option' });
    expect(sent).toHaveLength(0);
  });
});

describe('answers', () => {
  it.each([
    ['HTML', '<html></html>'],
    ['an empty body', ''],
    ['a list', '[]'],
    ['half of it', JSON.stringify(wire('A', 1)).slice(0, 40)],
    ['no value', wire('', 1)],
    ['expires_in as text', wire('A', 1, { expires_in: '7200' })],
    ['a negative life', wire('A', 1, { expires_in: -1 })],
    ['a life of years', wire('A', 1, { expires_in: 1e9 })],
    ['an unknown state', wire('A', 1, { state: 'stale' })],
    ['no generation', wire('A', 1, { generation: undefined })],
  ])('%s is no credential', async (_, body) => {
    const { client, at } = harness();
    const failing = errorOf(client.token(ACCOUNT));
    await settle();
    at(0).answer(200, body);
    expect(await failing).toMatchObject({ name: 'ZhongkongClientError', code: 'bad_answer', status: 200 });
  });

  it('a redirect is not followed', async () => {
    const { client, at } = harness();
    const failing = errorOf(client.token(ACCOUNT));
    await settle();
    at(0).answer(302, '', { location: 'http://elsewhere.example/' });
    expect(await failing).toMatchObject({ code: 'bad_answer', status: 302 });
  });

  it("a problem becomes an error with WeChat's errcode and the request id", async () => {
    const { client, at } = harness();
    const failing = errorOf(client.token(ACCOUNT));
    await settle();
    at(0).answer(502, problem('credential_unavailable', { errcode: 40164, retry_after: 7 }));
    expect(await failing).toMatchObject({ code: 'credential_unavailable', status: 502, errcode: 40164, retryAfter: 7, requestId: 'r1' });
  });

  it('Retry-After of a proxy in front counts as well', async () => {
    const { client, at } = harness();
    const failing = errorOf(client.token(ACCOUNT));
    await settle();
    at(0).answer(503, 'busy', { 'retry-after': '9' });
    expect(await failing).toMatchObject({ code: 'bad_answer', retryAfter: 9 });
  });
});

describe('the deadline', () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  it('ends a request that fetch itself would never end, and aborts it', async () => {
    vi.useFakeTimers();
    const { client, at } = harness({ timeoutMs: 3000 });
    const failing = errorOf(client.token(ACCOUNT));
    await settle();
    await vi.advanceTimersByTimeAsync(3000);
    expect(await failing).toMatchObject({ code: 'timeout', status: null });
    expect(at(0).init.signal.aborted).toBe(true);
  });
});

describe('the key', () => {
  it('is in no error, no cause, no inspection', async () => {
    const { client, at } = harness();
    const failing = errorOf(client.token(ACCOUNT));
    await settle();
    at(0).fail(new TypeError(`Headers.append: "Bearer ${KEY}" is an invalid header value`));
    const error = await failing;
    const seen = [
      inspect(error, { depth: 9 }),
      JSON.stringify(error),
      String(error.stack),
      inspect(client, { depth: 9, showHidden: true }),
    ];
    expect(seen.join('\n')).not.toContain(KEY);
  });

  it('other causes are kept', async () => {
    const { client, at } = harness();
    const failing = errorOf(client.token(ACCOUNT));
    await settle();
    at(0).fail(new TypeError('fetch failed'));
    expect((await failing).cause).toBeInstanceOf(TypeError);
  });
});
