/**
 * Reads a JSON body before a route sees it: its size, its type and its depth.
 *
 * The text goes back into the request: the library's own validation parses it, and says of malformed JSON no more
 * than that it is malformed.
 */

import type { MiddlewareHandler } from 'hono';
import { ZhongkongError } from '../core/errors.ts';
import { readBoundedBody } from '../dropin/bounded-body.ts';
import type { Env } from './environment.ts';

/** Our own bodies have three levels. */
const MAX_DEPTH = 16;

const JSON_TYPE = /^application\/json(?:; *[a-z0-9-]+=[^;]+)*$/i;

export const jsonBody: MiddlewareHandler<Env> = async (c, next) => {
  const text = await readBoundedBody(c.req.raw);
  if (text === '') throw new ZhongkongError('invalid_request', 'the body is empty; send a JSON object');
  if (!JSON_TYPE.test(c.req.header('content-type') ?? '')) {
    throw new ZhongkongError('unsupported_media_type', 'the Content-Type is not application/json');
  }
  if (isDeeper(text, MAX_DEPTH)) throw new ZhongkongError('invalid_request', `the body is nested deeper than ${MAX_DEPTH} levels`);
  c.req.bodyCache.text = Promise.resolve(text) as never;
  await next();
};

/** Whether brackets outside of strings nest deeper than `max`. */
function isDeeper(text: string, max: number): boolean {
  let depth = 0;
  let inString = false;
  for (let i = 0; i < text.length; i += 1) {
    const char = text[i];
    if (inString) {
      if (char === '\\') i += 1;
      else if (char === '"') inString = false;
    } else if (char === '"') inString = true;
    else if (char === '{' || char === '[') {
      depth += 1;
      if (depth > max) return true;
    } else if (char === '}' || char === ']') depth -= 1;
  }
  return false;
}
