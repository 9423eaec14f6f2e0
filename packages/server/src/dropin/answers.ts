/**
 * Answers in WeChat's own shape: HTTP 200 whatever happened, compact JSON, WeChat's key order and Content-Type.
 *
 * The drop-in and the Node host's fast path both answer with what these functions make, so they are byte for byte
 * alike. `encoding=utf-8` instead of `charset=utf-8` is WeChat's, not a slip.
 */

import type { ServedCredential } from '../core/credential.ts';

/** A whole small answer. Header names are lower case; the host adds Content-Length. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

const HEADERS: Readonly<Record<string, string>> = {
  'content-type': 'application/json; encoding=utf-8',
  'cache-control': 'no-store',
};

/**
 * `{"access_token","expires_in"}`. At least 1 s: some SDKs take 0 for "not given" and assume two hours.
 */
export function tokenAnswer(served: Pick<ServedCredential, 'value' | 'expiresInMs'>): Answer {
  const expiresIn = Math.max(1, Math.floor(served.expiresInMs / 1000));
  return { status: 200, headers: HEADERS, body: JSON.stringify({ access_token: served.value, expires_in: expiresIn }) };
}

/** `{"errcode","errmsg"}` with the request's id behind the text, as WeChat writes it. */
export function errorAnswer(errcode: number, text: string, rid: string): Answer {
  return { status: 200, headers: HEADERS, body: JSON.stringify({ errcode, errmsg: `${text} rid: ${rid}` }) };
}

/**
 * A request id in WeChat's grammar: the second in hex, then two random numbers below 2^31, eight digits each.
 * `unit` gives uniform numbers in [0, 1).
 */
export function createRid(now: number, unit: () => number): string {
  const random = () => Math.floor(unit() * 0x80000000);
  return [Math.floor(now / 1000), random(), random()].map((part) => part.toString(16).padStart(8, '0')).join('-');
}
