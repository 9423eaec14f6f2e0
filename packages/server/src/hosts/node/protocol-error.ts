/**
 * Answers what never became a request: broken HTTP, headers too large, a client that drips; a `Host` that is none.
 *
 * Broken HTTP has no path to tell the API from the drop-in by, so its answer is problem+json, and the connection ends.
 */

import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { RequestError } from '@hono/node-server';
import { ERROR_ADVICE } from '../../core/errors.ts';
import { createRid, errorAnswer } from '../../dropin/answers.ts';
import { BUSY, INVALID_URL } from '../../dropin/errors.ts';
import { respond } from '../../http/respond.ts';

interface Answer {
  readonly status: number;
  readonly detail: string;
}

const ANSWERS: Readonly<Record<string, Answer>> = {
  HPE_HEADER_OVERFLOW: { status: 431, detail: 'the request line and headers are larger than 16 KiB' },
  HPE_CHUNK_EXTENSIONS_OVERFLOW: { status: 413, detail: 'chunk extensions are too large' },
  ERR_HTTP_REQUEST_TIMEOUT: { status: 408, detail: 'the request did not arrive in time' },
};
const BROKEN: Answer = { status: 500, detail: 'internal error' };
const MALFORMED: Answer = { status: 400, detail: 'this is not well-formed HTTP/1.1' };

export function answerProtocolError(error: NodeJS.ErrnoException, socket: Duplex): void {
  // Gone already, or in the middle of an answer that a second one would corrupt.
  const { _httpMessage: answering } = socket as Duplex & { _httpMessage?: { headersSent: boolean } | null };
  if (error.code === 'ECONNRESET' || !socket.writable || answering?.headersSent) {
    socket.destroy();
    return;
  }
  const { status, detail } = ANSWERS[error.code ?? ''] ?? MALFORMED;
  const body = bodyOf({ status, detail });
  const head = Object.entries({ ...HEADERS, 'content-length': Buffer.byteLength(body), connection: 'close' });
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${head.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${body}`);
}

/** The same for what the URL parser does not take, e.g. a malformed `Host` or none, and for a fault below the app. */
export function protocolErrorResponse(error: unknown): Response {
  const isRequest = error instanceof RequestError;
  const { status, detail } = isRequest
    ? { status: 400, detail: 'the Host header is missing, or it or the request target is malformed' }
    : BROKEN;
  return new Response(bodyOf({ status, detail }), { status, headers: HEADERS });
}

/** The same where paths are WeChat's. */
export function wechatProtocolErrorResponse(error: unknown): Response {
  const { errcode, text } = error instanceof RequestError ? INVALID_URL : BUSY;
  return respond(errorAnswer(errcode, text, createRid(Date.now(), Math.random)));
}

const HEADERS = { 'content-type': 'application/problem+json', 'cache-control': 'no-store' };

function bodyOf({ status, detail }: Answer): string {
  const code = status < 500 ? 'invalid_request' : 'internal';
  const advice = ERROR_ADVICE[code];
  return JSON.stringify({ type: `urn:zhongkong:error:${code}`, title: STATUS_CODES[status], status, detail, code, advice });
}
