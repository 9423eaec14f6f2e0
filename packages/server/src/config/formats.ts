/**
 * The forms that option values have: each a zod schema that says in plain words what it wants.
 *
 * A message completes the sentence "<option> …": it starts with "must". It never quotes the value; `mistakes.ts` does.
 */

import ipaddr from 'ipaddr.js';
import { z } from 'zod';

const text = (error: string) => z.string({ error: (issue) => (issue.input === undefined ? 'is required' : error) });

/** A text that `read` turns into a value; `null` from it, or an exception, means that it is malformed. */
function parsed<T>(error: string, read: (value: string) => T | null) {
  return text(error).transform((value, context): T => {
    let result: T | null;
    try {
      result = read(value);
    } catch {
      result = null;
    }
    if (result !== null) return result;
    context.addIssue({ code: 'custom', message: error });
    return z.NEVER;
  });
}

export const matching = (pattern: RegExp, error: string) => text(error).regex(pattern, { error });

export const integer = (min: number, max: number) => {
  const error = `must be a whole number from ${min} to ${max}`;
  return z.int({ error }).min(min, { error }).max(max, { error });
};

export const flag = () => z.boolean({ error: 'must be true or false' });

export const oneOf = <const T extends readonly string[]>(values: T) => z.enum(values, { error: `must be one of ${values.join(', ')}` });

/** A path: any text that can be one. */
export const file = () => matching(/^[^\0]{1,4096}$/, 'must be the path of a file');

export interface Listen {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
}

/** `HOST:PORT`, an IPv6 host in brackets. */
export const listen = () =>
  parsed<Listen>('must be HOST:PORT, e.g. 127.0.0.1:8700 or [::1]:8700, with a port from 0 to 65535', (value) => {
    const [, bracketed, plain, digits] = /^(?:\[([^\]]+)\]|([A-Za-z0-9.-]+)):(\d{1,5})$/.exec(value) ?? [];
    const host = bracketed ?? plain;
    const port = Number(digits);
    if (host === undefined || port > 65535) return null;
    if (bracketed !== undefined && !ipaddr.IPv6.isValid(bracketed)) return null;
    // A host of digits and dots only is meant to be an address.
    if (/^[0-9.]+$/.test(host) && !ipaddr.IPv4.isValidFourPartDecimal(host)) return null;
    return { host, port };
  });

/** Whether only this machine can reach it. */
export function isLoopback(host: string): boolean {
  if (host === 'localhost') return true;
  return ipaddr.isValid(host) && ipaddr.process(host).range() === 'loopback';
}

/** An address or a network, as a CIDR. */
export const cidr = () =>
  parsed<string>('must be an IP address or a CIDR, e.g. 10.0.0.0/8', (value) => {
    const [address = '', bits, ...rest] = value.split('/');
    if (rest.length > 0 || (!ipaddr.IPv4.isValidFourPartDecimal(address) && !ipaddr.IPv6.isValid(address))) return null;
    if (bits === undefined) return `${address}/${ipaddr.parse(address).kind() === 'ipv4' ? 32 : 128}`;
    return /^\d{1,3}$/.test(bits) && ipaddr.isValidCIDR(value) ? value : null;
  });

const url = (value: string): URL => {
  const parsedUrl = new URL(value);
  if (parsedUrl.hash !== '' || parsedUrl.search !== '') throw new Error('only an origin');
  return parsedUrl;
};
const hostOf = ({ hostname }: URL): string => hostname.replace(/^\[|\]$/g, '');
const withoutUser = ({ username, password }: URL): boolean => username === '' && password === '';
const hasNoPath = ({ pathname }: URL): boolean => pathname === '/' || pathname === '';

/** Where a platform's API is: an origin without a path, https unless it is this machine. */
export const upstream = () =>
  parsed<string>('must be https://HOST[:PORT] (http:// only for loopback), without a path', (value) => {
    const base = url(value);
    const safe = base.protocol === 'https:' || (base.protocol === 'http:' && isLoopback(hostOf(base)));
    return safe && withoutUser(base) && hasNoPath(base) ? base.origin : null;
  });

export const publicUrl = () =>
  parsed<string>('must be an http:// or https:// URL without user, parameters or path', (value) => {
    const base = url(value);
    return /^https?:$/.test(base.protocol) && withoutUser(base) && hasNoPath(base) ? base.origin : null;
  });

export const httpProxy = () =>
  parsed<string>('must be http://[USER:PASSWORD@]HOST:PORT', (value) => {
    const base = url(value);
    return /^https?:$/.test(base.protocol) && hasNoPath(base) ? value : null;
  });

/** A file of this machine. SQLite's own `:memory:` would be a second word for `memory:`. */
const SQLITE = /^sqlite:(?!:memory:$)[^\0]+$/;
/** URL schemes of stores that other machines can share; opening them is `stores/open.ts`'s affair. */
const SHARED = /^(?:postgres|postgresql|mysql|mariadb|redis|rediss):\/\/./i;

export const store = () =>
  parsed<string>('must be sqlite:PATH, memory:, postgres://…, mysql://… or redis://…', (value) =>
    value === 'memory:' || SQLITE.test(value) || SHARED.test(value) ? value : null,
  );

/** The path of the database file, or null when the store is no file of this machine. */
export function databaseFile(storeUrl: string): string | null {
  if (!storeUrl.startsWith('sqlite:')) return null;
  return storeUrl.slice('sqlite:'.length);
}

/** The store lives in this process or a file beside it: it has no other users, and can make its keys by itself. */
export const isEmbedded = (storeUrl: string): boolean => !SHARED.test(storeUrl);

export const masterKey = () =>
  parsed<string>('must be the base64 of 32 bytes, as "openssl rand -base64 32" prints it', (value) => {
    const bytes = Buffer.from(value, 'base64');
    return bytes.length === 32 && bytes.toString('base64') === value ? value : null;
  });

/** An API key of the operator's own making. */
export const apiKey = () => matching(/^[A-Za-z0-9_.-]{24,128}$/, 'must be 24 to 128 of A-Z a-z 0-9 _ . -');

export const appSecret = () =>
  matching(/^[\x21-\x7e]{1,256}$/, 'must be a text of 1 to 256 printable characters without spaces (in YAML, put it in quotes)');

/** RFC 3339 with an offset, as epoch ms. */
export const instant = () =>
  parsed<number>('must be a time like 2027-01-31T00:00:00Z', (value) => {
    if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(value)) return null;
    const at = Date.parse(value);
    return Number.isNaN(at) ? null : at;
  });
