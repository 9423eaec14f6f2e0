/**
 * Looks at a request's headers once, without making objects of them, for the few that the fast path must know.
 *
 * A header that could change the answer in a way the fast path does not know of makes the request "not plain".
 */

import type { IncomingMessage } from 'node:http';

/** One instance is used for all requests: nothing in the fast path is asynchronous. */
export interface PlainHeaders {
  authorization: string;
  host: string;
  forwardedFor: string | undefined;
}

/** What the URL parser of the app takes without a second look: names and IPv4 with an optional port. */
const PLAIN_HOST = /^[a-z0-9._-]+(?::\d{1,5})?$/;

/** Fills `into`; false when the request is not plain. */
export function readPlainHeaders(request: IncomingMessage, into: PlainHeaders): boolean {
  if (request.method !== 'GET' || request.httpVersionMinor !== 1 || request.httpVersionMajor !== 1) return false;
  const { rawHeaders } = request;
  into.authorization = '';
  into.host = '';
  into.forwardedFor = undefined;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] as string;
    // By length first: most headers are none of these, and comparing costs more than this whole loop.
    switch (name.length) {
      case 4:
        if (name !== 'Host' && name.toLowerCase() !== 'host') break;
        if (into.host !== '') return false;
        into.host = rawHeaders[i + 1] as string;
        break;
      case 13:
        if (name !== 'Authorization' && name.toLowerCase() !== 'authorization') break;
        if (into.authorization !== '') return false;
        into.authorization = rawHeaders[i + 1] as string;
        break;
      case 14:
        if (name.toLowerCase() === 'content-length') return false;
        break;
      case 15:
        if (name.toLowerCase() !== 'x-forwarded-for') break;
        if (into.forwardedFor !== undefined) return false;
        into.forwardedFor = rawHeaders[i + 1] as string;
        break;
      case 17:
        if (name.toLowerCase() === 'transfer-encoding') return false;
        break;
      default:
    }
  }
  return into.host !== '';
}

export const isPlainHost = (host: string): boolean => PLAIN_HOST.test(host);
