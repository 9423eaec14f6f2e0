/**
 * The one error class. `code` is the server's stable code, or one of the client's own for what never got an answer.
 *
 * Neither message nor cause ever holds the API key or a credential.
 */

/** Codes that the client itself raises; all others come from the server. */
export type ClientErrorCode =
  /** A wrong option or argument; nothing was sent. */
  | 'invalid_option'
  /** No connection, or it broke. */
  | 'network'
  /** No complete answer within `timeoutMs`. */
  | 'timeout'
  /** Something answered that is not a Zhongkong server, or not what it promises. */
  | 'bad_answer';

export interface ClientErrorDetails {
  readonly status?: number | undefined;
  readonly errcode?: number | undefined;
  readonly retryAfter?: number | undefined;
  readonly requestId?: string | undefined;
  readonly cause?: unknown;
}

export class ZhongkongClientError extends Error {
  override readonly name = 'ZhongkongClientError';
  /** A `ClientErrorCode`, or the server's code: `unauthorized`, `not_found`, `credential_unavailable`, … */
  readonly code: string;
  /** HTTP status, or null when there was no answer. */
  readonly status: number | null;
  /** WeChat's errcode when the server passed one on, else null. */
  readonly errcode: number | null;
  /** Whole seconds after which trying again can help, or null. */
  readonly retryAfter: number | null;
  /** The server's id of the request, for its log. */
  readonly requestId: string | null;

  constructor(code: string, message: string, details: ClientErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.status = details.status ?? null;
    this.errcode = details.errcode ?? null;
    this.retryAfter = details.retryAfter ?? null;
    this.requestId = details.requestId ?? null;
  }
}

/** The server decided against this caller: what is cached is no longer this caller's to use. All else is an outage. */
const REFUSALS: ReadonlySet<string> = new Set([
  'unauthorized',
  'forbidden',
  'ip_not_allowed',
  'not_found',
  'account_disabled',
  'not_available',
]);

export const isRefusal = (error: ZhongkongClientError): boolean => REFUSALS.has(error.code);
