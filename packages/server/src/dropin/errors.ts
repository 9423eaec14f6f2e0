/**
 * From our errors to WeChat's: what an SDK is told in the words it knows.
 *
 * When WeChat itself refused, its own errcode and words go through; a trouble of ours is -1, which SDKs retry.
 */

import type { ErrorCode, ZhongkongError } from '../core/errors.ts';

export interface WechatError {
  readonly errcode: number;
  readonly text: string;
}

/** WeChat's own checks of the form, in WeChat's words. */
export const FORM_ERRORS = {
  require_get: { errcode: 43001, text: 'require GET method' },
  require_post: { errcode: 43002, text: 'require POST method' },
  empty_body: { errcode: 44002, text: 'empty post data' },
  bad_json: { errcode: 47001, text: 'data format error' },
  appid_missing: { errcode: 41002, text: 'appid missing' },
  bad_grant_type: { errcode: 40002, text: 'invalid grant_type' },
  secret_missing: { errcode: 41004, text: 'appsecret missing' },
} as const satisfies Record<string, WechatError>;

export type FormError = keyof typeof FORM_ERRORS;

/** A trouble of ours. */
export const BUSY: WechatError = { errcode: -1, text: 'system error' };
/** A path that WeChat has nothing at, or a URL that is none. */
export const INVALID_URL: WechatError = { errcode: 40066, text: 'invalid url' };

const MAPPED: Readonly<Record<ErrorCode, WechatError>> = {
  unauthorized: { errcode: 40125, text: 'invalid appsecret' },
  not_found: { errcode: 40013, text: 'invalid appid' },
  // Completed with the caller's address.
  ip_not_allowed: { errcode: 40164, text: 'invalid ip' },
  forbidden: { errcode: 48001, text: 'api unauthorized' },
  not_available: { errcode: 48001, text: 'api unauthorized' },
  rate_limited: { errcode: 45009, text: 'api freq out of limit' },
  refresh_budget_exhausted: { errcode: 45009, text: 'reach max api daily quota limit' },
  account_disabled: { errcode: 50002, text: 'user limited' },
  invalid_request: FORM_ERRORS.bad_json,
  unsupported_media_type: FORM_ERRORS.bad_json,
  payload_too_large: { errcode: 45002, text: 'content size out of limit' },
  method_not_allowed: FORM_ERRORS.require_get,
  conflict: BUSY,
  credential_unavailable: BUSY,
  deadline_exceeded: BUSY,
  issuing_suspended: BUSY,
  store_unavailable: BUSY,
  unseal_failed: BUSY,
  config_invalid: BUSY,
  internal: BUSY,
};

/** What to answer for `error`, and the request id that belongs behind it: WeChat's when the words are WeChat's. */
export function wechatError(error: ZhongkongError, ip: string | null, rid: string): WechatError & { readonly rid: string } {
  const { code, details } = error;
  if (code === 'ip_not_allowed') return { errcode: MAPPED[code].errcode, text: notInWhitelist(ip), rid };
  if (code === 'credential_unavailable' && details.errcode !== undefined) {
    return { errcode: details.errcode, text: withoutRid(details.errmsg ?? ''), rid: details.rid ?? rid };
  }
  return { ...MAPPED[code], rid };
}

/** WeChat's sentence about an address that is not on the whitelist; here the whitelist is the key's. */
function notInWhitelist(ip: string | null): string {
  const seen = ip ?? 'unknown';
  return `invalid ip ${seen} ipv6 ${seen.includes('.') ? `::ffff:${seen}` : seen}, not in whitelist`;
}

const withoutRid = (text: string): string => text.replace(/,? *rid: *[0-9a-f-]+ *$/i, '');
