/** A fetch whose answers the test gives, in the order it chooses, and a clock that the test moves. */

import { type Client, type ClientOptions, createClient, type FetchInit, type FetchReply } from '../../src/index.ts';

export const KEY = 'zk_test-key-that-must-never-be-seen';
export const ACCOUNT = 'wx1111111111111111';

export interface Sent {
  readonly url: string;
  readonly init: FetchInit;
  answer(status: number, body: unknown, headers?: Record<string, string>): void;
  fail(error: Error): void;
}

export interface Harness {
  readonly client: Client;
  readonly sent: Sent[];
  readonly clock: { ms: number };
  /** The request that is waiting at this place in the order of sending. */
  at(index: number): Sent;
}

export const wire = (value: string, generation: number, extra: object = {}): object => ({
  account: ACCOUNT,
  kind: 'access_token',
  value,
  expires_in: 7000,
  expires_at: '2026-01-01T00:00:00Z',
  issued_at: '2026-01-01T00:00:00Z',
  generation,
  state: 'fresh',
  ...extra,
});

export const problem = (code: string, extra: object = {}): object => ({
  type: 'about:blank',
  title: code,
  detail: 'why',
  code,
  request_id: 'r1',
  ...extra,
});

export function harness(options: Partial<ClientOptions> = {}): Harness {
  const sent: Sent[] = [];
  const clock = { ms: 0 };
  const fetch = (url: string, init: FetchInit): Promise<FetchReply> =>
    new Promise((resolve, reject) => {
      sent.push({
        url,
        init,
        answer: (status, body, headers = {}) =>
          resolve({
            status,
            headers: { get: (name) => headers[name.toLowerCase()] ?? null },
            text: () => Promise.resolve(typeof body === 'string' ? body : JSON.stringify(body)),
          }),
        fail: reject,
      });
    });
  const client = createClient({ url: 'http://127.0.0.1:8700', key: KEY, fetch, now: () => clock.ms, random: () => 0, ...options });
  const at = (index: number): Sent => {
    const found = sent[index];
    if (!found) throw new Error(`request ${index} was not sent; there are ${sent.length}`);
    return found;
  };
  return { client, sent, clock, at };
}

/** Lets everything that is ready run: more turns than any chain of promises here is long. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 50; turn += 1) await Promise.resolve();
}

/** The error of a promise that must reject. */
export async function errorOf(promise: Promise<unknown>): Promise<Record<string, unknown> & Error> {
  try {
    await promise;
  } catch (error) {
    return error as Record<string, unknown> & Error;
  }
  throw new Error('expected a rejection');
}
