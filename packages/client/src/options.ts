/**
 * Options are read and checked once, when the client is made: a wrong one stops the program where it is written.
 * A message names the option and the value, except for the key, whose value stays out of every message.
 */

import { ZhongkongClientError } from './errors.ts';
import type { ClientOptions, FetchLike } from './types.ts';

export interface Settings {
  /** Without a slash at the end. */
  readonly base: string;
  readonly key: string;
  readonly fetch: FetchLike;
  readonly now: (() => number) | undefined;
  readonly random: () => number;
  readonly timeoutMs: number;
  readonly maxEntries: number;
  readonly shareRequests: boolean;
  readonly waitUntil: ((work: Promise<unknown>) => void) | null;
}

/** What an API key may consist of; anything else would also make `fetch` print it in its own error. */
const KEY = /^[A-Za-z0-9._~-]{8,256}$/;
const MAX_MIN_TTL_SECONDS = 7200;
const MAX_TIMEOUT_MS = 600_000;

const wrong = (message: string): ZhongkongClientError => new ZhongkongClientError('invalid_option', message);

function readUrl(url: string): string {
  let parsed: URL;
  try {
    parsed = new URL(url);
  } catch {
    throw wrong('option url: not an address such as http://127.0.0.1:8700');
  }
  if (parsed.protocol !== 'http:' && parsed.protocol !== 'https:')
    throw wrong(`option url: ${parsed.protocol} is neither http: nor https:`);
  if (parsed.username || parsed.password) throw wrong('option url: no user or password in it; the key goes into option key');
  if (parsed.search || parsed.hash) throw wrong('option url: no query and no fragment');
  return `${parsed.origin}${parsed.pathname.replace(/\/+$/, '')}`;
}

function readWhole(name: string, value: number | undefined, fallback: number, max: number): number {
  if (value === undefined) return fallback;
  if (!Number.isSafeInteger(value) || value < 1 || value > max)
    throw wrong(`option ${name}: ${value} is not a whole number from 1 to ${max}`);
  return value;
}

/** Cloudflare's runtime says so itself. There, a promise that waits for another request's I/O may never settle. */
function onWorkers(): boolean {
  const { navigator } = globalThis as { navigator?: { userAgent?: string } };
  return navigator?.userAgent === 'Cloudflare-Workers';
}

export function readOptions(options: ClientOptions): Settings {
  if (typeof options.key !== 'string' || !KEY.test(options.key)) {
    throw wrong('option key: not an API key (a copied space or line break?); its value is not shown here');
  }
  // Looked up at each call: a test or an instrumentation may replace the global later.
  const fetch = options.fetch ?? ((url, init) => globalThis.fetch(url, init));
  return {
    base: readUrl(options.url),
    key: options.key,
    fetch,
    now: options.now,
    random: options.random ?? Math.random,
    timeoutMs: readWhole('timeoutMs', options.timeoutMs, 15_000, MAX_TIMEOUT_MS),
    maxEntries: readWhole('maxEntries', options.maxEntries, 10_000, 10_000_000),
    shareRequests: options.shareRequests ?? !onWorkers(),
    waitUntil: options.waitUntil ?? null,
  };
}

export function readMinTtl(minTtl: number | undefined): number {
  if (minTtl === undefined) return 0;
  if (!Number.isSafeInteger(minTtl) || minTtl < 0 || minTtl > MAX_MIN_TTL_SECONDS) {
    throw wrong(`minTtl: ${minTtl} is not a whole number of seconds from 0 to ${MAX_MIN_TTL_SECONDS}`);
  }
  return minTtl;
}

/** An account or kind as a piece of a path. `:` stays readable, as in component accounts. */
export function readName(what: string, name: string): string {
  if (typeof name !== 'string' || name === '' || name.length > 200 || name === '.' || name === '..') {
    throw wrong(`${what}: expected 1 to 200 characters`);
  }
  try {
    return encodeURIComponent(name).replaceAll('%3A', ':');
  } catch {
    throw wrong(`${what}: not well-formed text`);
  }
}
