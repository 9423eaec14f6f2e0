/**
 * Errors on the wire under `/v1`: RFC 9457 problem details with our stable `code`.
 *
 * One table says which status a code has. Nothing secret gets here: messages of `ZhongkongError` never hold any, and
 * anything else that was thrown is `internal`, its cause kept for the log.
 */

import type { ApiKeyRecord } from '../core/api-key.ts';
import { type ErrorCode, ZhongkongError } from '../core/errors.ts';
import type { Answer } from '../dropin/answers.ts';

export const PROBLEMS = {
  invalid_request: { status: 400, title: 'Invalid request' },
  unauthorized: { status: 401, title: 'No valid API key' },
  forbidden: { status: 403, title: 'Not allowed for this API key' },
  ip_not_allowed: { status: 403, title: 'Not allowed from this address' },
  not_found: { status: 404, title: 'Not found' },
  method_not_allowed: { status: 405, title: 'Method not allowed' },
  conflict: { status: 409, title: 'Conflict' },
  account_disabled: { status: 409, title: 'Account disabled' },
  payload_too_large: { status: 413, title: 'Body too large' },
  unsupported_media_type: { status: 415, title: 'Not JSON' },
  rate_limited: { status: 429, title: 'Too many calls' },
  refresh_budget_exhausted: { status: 429, title: 'Issue budget used up' },
  internal: { status: 500, title: 'Internal error' },
  unseal_failed: { status: 500, title: 'Stored secrets cannot be opened' },
  config_invalid: { status: 500, title: 'Invalid configuration' },
  not_available: { status: 501, title: 'Not available in this version' },
  credential_unavailable: { status: 503, title: 'No usable credential' },
  issuing_suspended: { status: 503, title: 'Nothing is issued from this store' },
  store_unavailable: { status: 503, title: 'Store unavailable' },
  deadline_exceeded: { status: 504, title: 'Not in time' },
} as const satisfies Record<ErrorCode, { readonly status: number; readonly title: string }>;

/** The store's own words name places on the server's machine, so they are for administrators; others learn the trouble's name. */
export function forCaller(error: ZhongkongError, caller: ApiKeyRecord | undefined): ZhongkongError {
  if (error.code !== 'store_unavailable' || caller?.scopes.includes('admin')) return error;
  const { trouble } = error.details;
  return new ZhongkongError('store_unavailable', `the store cannot be used at the moment${trouble === undefined ? '' : ` (${trouble})`}`);
}

/** The answer for an error. `headers` come on top, e.g. `allow`. */
export function problemAnswer(error: ZhongkongError, requestId: string, headers: Readonly<Record<string, string>> = {}): Answer {
  const { status, title } = PROBLEMS[error.code];
  const { errcode, errmsg, rid, retryAfterSeconds } = error.details;
  const body = {
    type: `urn:zhongkong:error:${error.code}`,
    title,
    status,
    detail: error.message,
    code: error.code,
    advice: error.advice,
    // Undefined ones are left out by JSON.stringify.
    errcode,
    errmsg,
    rid,
    retry_after: retryAfterSeconds,
    request_id: requestId,
  };
  return {
    status,
    headers: {
      'content-type': 'application/problem+json',
      'cache-control': 'no-store',
      ...(status === 401 ? { 'www-authenticate': 'Bearer' } : {}),
      ...(retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) }),
      ...headers,
    },
    body: JSON.stringify(body),
  };
}
