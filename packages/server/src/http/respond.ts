/** From an answer to a Response, the one place. */

import type { Answer } from '../dropin/answers.ts';

export function respond({ status, headers, body }: Answer): Response {
  return new Response(body, { status, headers: headers as Record<string, string> });
}

/** JSON of ours that holds no credential. */
export function json(value: unknown, status = 200, headers: Readonly<Record<string, string>> = {}): Response {
  const base = { 'content-type': 'application/json', 'cache-control': 'no-store' };
  return respond({ status, headers: { ...base, ...headers }, body: JSON.stringify(value) });
}

export const noContent = (): Response => new Response(null, { status: 204, headers: { 'cache-control': 'no-store' } });
