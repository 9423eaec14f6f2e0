/**
 * The simulator's own request and reply, free of any host: the fetch adapter and the Node host both
 * translate to them, so both answer byte for byte the same, and the hot path builds no Request object.
 */
export interface Call {
  readonly method: string;
  /** Path without query, e.g. `/cgi-bin/token`. */
  readonly path: string;
  /** Raw query without `?`, maybe empty. */
  readonly query: string;
  /** Header by lower-case name. */
  header(name: string): string | undefined;
  /** The whole body; null when there is none. */
  readonly body: Uint8Array | null;
  /** The address WeChat sees, IPv4 in plain form. */
  readonly clientIp: string;
  readonly secure: boolean;
}

/** What an endpoint says, before the wire: errcode 0 means success. */
export interface Answer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string | Uint8Array;
  readonly errcode: number;
}

export interface Reply {
  readonly kind: 'reply';
  readonly status: number;
  /** In the order in which they are sent; `content-length` is that of the whole body. */
  readonly headers: readonly (readonly [string, string])[];
  readonly body: Uint8Array;
  /** Send only so many bytes of the body, then break the connection. */
  readonly cutAt?: number;
}

/** `drop`: the connection breaks without an answer. `hang`: it stays open and nothing ever comes. */
export type Outcome = Reply | { readonly kind: 'drop' } | { readonly kind: 'hang' };

/** Not `charset=utf-8`: WeChat writes it this way. */
export const JSON_TYPE = 'application/json; encoding=utf-8';

const encoder = new TextEncoder();
let dateSecond = Number.NaN;
let dateText = '';

/** An IMF-fixdate, kept for the second it names: toUTCString is the dearest part of a small reply. */
function httpDate(ms: number): string {
  const second = Math.floor(ms / 1000);
  if (second !== dateSecond) {
    dateSecond = second;
    dateText = new Date(second * 1000).toUTCString();
  }
  return dateText;
}

/** `dateMs` is the instant that the Date header shows; `cutAt` breaks the connection after so many bytes. */
export function replyOf(answer: Answer, dateMs: number, cutAt?: number): Reply {
  const body = typeof answer.body === 'string' ? encoder.encode(answer.body) : answer.body;
  const headers = [
    ['Date', httpDate(dateMs)],
    ['Content-Type', answer.contentType],
    ['Content-Length', String(body.length)],
  ] as const;
  const reply = { kind: 'reply', status: answer.status, headers, body } as const;
  return cutAt === undefined ? reply : { ...reply, cutAt };
}

/** Success in JSON: `body` is already compact text in WeChat's key order. */
export const okJson = (body: string): Answer => ({ status: 200, contentType: JSON_TYPE, body, errcode: 0 });
export const OK: Answer = okJson('{"errcode":0,"errmsg":"ok"}');

/** The error form: HTTP 200, errcode first, errmsg second. */
export const errorJson = (errcode: number, errmsg: string): Answer => ({
  status: 200,
  contentType: JSON_TYPE,
  body: `{"errcode":${errcode},"errmsg":${JSON.stringify(errmsg)}}`,
  errcode,
});
