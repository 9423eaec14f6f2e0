/**
 * What a request's path may look like, and whose it is: ours or WeChat's.
 *
 * Nothing is matched before a path passed here, so no two parts can understand one path differently.
 */

/** First segments that are ours for ever; every other path is in WeChat's shape. */
const RESERVED = new Set(['v1', 'console', 'callbacks', 'gateway', 'metrics', 'docs', 'openapi.json', 'healthz', 'readyz']);

/** `//`, dot segments, encoded slashes, encoded dots that make dot segments, backslashes, null bytes. */
const REFUSED = /\/\/|\\|%2f|%5c|%00|\0|(?:^|\/)(?:\.|%2e){1,2}(?:\/|$)/i;

/** Whether a raw request target (path and query as they came over the wire) is refused before matching. */
export function refusedPath(rawTarget: string): boolean {
  return !rawTarget.startsWith('/') || REFUSED.test(pathOf(rawTarget));
}

/** Whether a path is ours; then its errors are problem details, else they have WeChat's shape. */
export function isReserved(rawTarget: string): boolean {
  const [, first = ''] = /^[/\\]+([^/\\]*)/.exec(pathOf(rawTarget)) ?? [];
  return RESERVED.has(first);
}

function pathOf(rawTarget: string): string {
  const [path = ''] = rawTarget.split(/[?#]/, 1);
  return path;
}
