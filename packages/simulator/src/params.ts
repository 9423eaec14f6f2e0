/**
 * What a call says, read the way WeChat reads it: parameters only from the query, a JSON object only
 * from the body. No URL or URLSearchParams objects: this runs on every call of a bench.
 */

/** The first `name=` of a raw query, decoded; undefined when absent. Empty counts as present here. */
export function queryParam(query: string, name: string): string | undefined {
  let start = 0;
  while (start < query.length) {
    let end = query.indexOf('&', start);
    if (end < 0) end = query.length;
    if (query.startsWith(name, start) && (query.charCodeAt(start + name.length) === 61 || start + name.length === end)) {
      return decode(query.slice(Math.min(start + name.length + 1, end), end));
    }
    start = end + 1;
  }
  return undefined;
}

function decode(raw: string): string {
  if (!raw.includes('%') && !raw.includes('+')) return raw;
  try {
    return decodeURIComponent(raw.replaceAll('+', ' '));
  } catch {
    return raw; // a lone % is taken as it is
  }
}

const decoder = new TextDecoder('utf-8', { fatal: true });

/** The body as a JSON object, or the errcode: 44002 for nothing at all, 47001 for anything else. */
export function jsonBody(body: Uint8Array | null): Record<string, unknown> | 44002 | 47001 {
  if (body === null || body.length === 0) return 44002;
  try {
    const value: unknown = JSON.parse(decoder.decode(body));
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : 47001;
  } catch {
    return 47001;
  }
}

/** A string, or a missing one as undefined; any other type makes the body malformed (assumed). */
export function stringField(json: Record<string, unknown>, name: string): string | undefined | 47001 {
  const value = json[name];
  if (value === undefined || value === null) return undefined;
  return typeof value === 'string' ? value : 47001;
}
