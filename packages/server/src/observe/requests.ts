/**
 * What becomes of each answered request: numbers, and a line in the log when it is worth one.
 *
 * Reads that went well are `debug`: a busy server makes thousands a second. Refusals are `info`, our own trouble `warn`.
 */

import type { Logger } from 'pino';
import type { Metrics } from './metrics.ts';

/** One answered request, without query string, header or body. */
export interface AnsweredRequest {
  readonly requestId: string;
  readonly surface: 'v1' | 'dropin';
  readonly method: string;
  /** The pattern that matched, never the path. */
  readonly route: string;
  readonly status: number;
  readonly ms: number;
  readonly ip: string | null;
  readonly keyId: string | null;
  readonly accountId: string | null;
  /** The kind of the credential that was handed out, or null. */
  readonly kind: string | null;
  readonly code: string | null;
  /** WeChat's number in an answer of the drop-in. */
  readonly errcode: number | null;
}

export function observeRequests(logger: Logger, metrics: Metrics): (request: AnsweredRequest) => void {
  return (request) => {
    const { requestId, surface, method, route, status, ms, ip, keyId, accountId, kind, code, errcode } = request;
    metrics.countRequest(method, route, status);
    if (kind !== null && code === null) metrics.readCell(surface, kind).count += 1;
    const level = status >= 500 || errcode === -1 ? 'warn' : code !== null || errcode !== null || status >= 400 ? 'info' : 'debug';
    if (!logger.isLevelEnabled(level)) return;
    const fields = { event: 'request', request_id: requestId, method, route, status, ms, ip, key_id: keyId, account: accountId };
    logger[level]({ ...fields, kind, code, errcode }, `${method} ${route} ${status}`);
  };
}
