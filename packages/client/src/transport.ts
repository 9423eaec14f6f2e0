/**
 * One request to the server: deadline, key in the header, answer checked before anyone believes it.
 *
 * Every failure comes out as a ZhongkongClientError; a body that is not the server's never becomes a credential.
 */

import { ZhongkongClientError } from './errors.ts';
import type { Settings } from './options.ts';
import type { FetchReply, Report } from './types.ts';

/** A credential on the wire, checked. */
export interface WireCredential {
  readonly account: string;
  readonly kind: string;
  readonly value: string;
  readonly generation: number;
  readonly state: 'fresh' | 'due' | 'suspect';
  readonly expiresInMs: number;
}

export interface WireReport extends WireCredential {
  readonly outcome: Report['outcome'];
  readonly retryAfter: number | null;
}

/** No credential of any platform lives longer; a larger number is a mistake. */
const MAX_LIFE_SECONDS = 31 * 24 * 3600;
const STATES: readonly string[] = ['fresh', 'due', 'suspect'];
const OUTCOMES: readonly string[] = ['superseded', 'alive', 'refreshed', 'cooling_down', 'unverified'];

type Json = Record<string, unknown>;

const isText = (value: unknown): value is string => typeof value === 'string' && value !== '';
const isCount = (value: unknown, max: number): value is number =>
  Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= max;
const whole = (value: unknown): number | undefined => (Number.isSafeInteger(value) ? (value as number) : undefined);
const text = (value: unknown): string | undefined => (isText(value) ? value : undefined);

function parse(body: string): Json | null {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : null;
  } catch {
    return null;
  }
}

const badAnswer = (status: number, what: string): ZhongkongClientError =>
  new ZhongkongClientError('bad_answer', `the server's answer ${what}; is the url a Zhongkong server's?`, { status });

/** An error answer. Only one with our `code` is the server's own word; a proxy's 404 must not look like a refusal. */
function failure(status: number, body: Json | null, reply: FetchReply): ZhongkongClientError {
  const header = Number(reply.headers.get('retry-after') ?? Number.NaN);
  const retryAfter = whole(body?.['retry_after']) ?? (isCount(header, 86_400) ? header : undefined);
  if (!isText(body?.['code'])) {
    return new ZhongkongClientError('bad_answer', `HTTP ${status} without a Zhongkong error in it; is the url right?`, {
      status,
      retryAfter,
    });
  }
  const detail = text(body['detail']) ?? text(body['title']) ?? 'refused';
  return new ZhongkongClientError(body['code'], `${body['code']}: ${detail}`, {
    status,
    retryAfter,
    errcode: whole(body['errcode']),
    requestId: text(body['request_id']),
  });
}

function readCredential(status: number, body: Json): WireCredential {
  const { account, kind, value, generation, state, expires_in: expiresIn } = body;
  if (!isText(account) || !isText(kind) || !isText(value)) throw badAnswer(status, 'lacks the account, kind or value');
  if (!isCount(expiresIn, MAX_LIFE_SECONDS)) throw badAnswer(status, 'has no plausible expires_in');
  if (!isCount(generation, Number.MAX_SAFE_INTEGER)) throw badAnswer(status, 'has no plausible generation');
  if (!isText(state) || !STATES.includes(state)) throw badAnswer(status, 'has an unknown state');
  return { account, kind, value, generation, state: state as WireCredential['state'], expiresInMs: expiresIn * 1000 };
}

export class Transport {
  readonly #settings: Settings;

  constructor(settings: Settings) {
    this.#settings = settings;
  }

  async read(path: string, minTtl: number): Promise<WireCredential> {
    const { status, body } = await this.#request('GET', minTtl > 0 ? `${path}?min_ttl=${minTtl}` : path);
    return readCredential(status, body);
  }

  async report(path: string, value: string): Promise<WireReport> {
    const { status, body } = await this.#request('POST', path, JSON.stringify({ value }));
    const { outcome } = body;
    if (!isText(outcome) || !OUTCOMES.includes(outcome)) throw badAnswer(status, 'has an unknown outcome');
    return { ...readCredential(status, body), outcome: outcome as Report['outcome'], retryAfter: whole(body['retry_after']) ?? null };
  }

  async #request(method: string, path: string, body?: string): Promise<{ status: number; body: Json }> {
    const { base, key, fetch, timeoutMs } = this.#settings;
    const abort = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    // Raced as well as aborted: a fetch that ignores its signal still cannot hold a caller.
    const deadline = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        reject(new ZhongkongClientError('timeout', `no complete answer from the server within ${timeoutMs} ms`));
        abort.abort();
      }, timeoutMs);
    });
    const exchange = async (): Promise<{ status: number; body: Json }> => {
      const reply = await fetch(`${base}${path}`, {
        method,
        headers: {
          authorization: `Bearer ${key}`,
          accept: 'application/json',
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body }),
        // A redirect would carry the key elsewhere.
        redirect: 'manual',
        signal: abort.signal,
      });
      const json = parse(await reply.text());
      if (reply.status !== 200) throw failure(reply.status, json, reply);
      if (!json) throw badAnswer(reply.status, 'is not JSON');
      return { status: reply.status, body: json };
    };
    try {
      return await Promise.race([exchange(), deadline]);
    } catch (thrown) {
      if (thrown instanceof ZhongkongClientError) throw thrown;
      // An unexpected runtime may print headers in its errors: then its error stays out.
      const safe = !String(thrown instanceof Error ? `${thrown.message}${String(thrown.cause)}` : thrown).includes(key);
      throw new ZhongkongClientError('network', 'the server could not be reached', safe ? { cause: thrown } : {});
    } finally {
      clearTimeout(timer);
    }
  }
}
