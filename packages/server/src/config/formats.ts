/**
 * The forms that option values have: each a zod schema that says in plain words what it wants.
 *
 * A message completes the sentence "<option> …", in both languages (`both.ts`). It never quotes the value; `mistakes.ts`
 * does.
 */

import ipaddr from 'ipaddr.js';
import { z } from 'zod';
import { APP_SECRET, APP_SECRET_FORM } from '../core/account.ts';
import { splitNetwork } from '../core/ip-spelling.ts';
import { isShared, STORE_FORMS, splitStoreUrl, storeUrlFault } from '../core/store-url.ts';
import { both } from './both.ts';

const text = (error: string) => z.string({ error: (issue) => (issue.input === undefined ? both('is required', '必填') : error) });

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
  const error = both(`must be a whole number from ${min} to ${max}`, `应为 ${min} 到 ${max} 的整数`);
  return z.int({ error }).min(min, { error }).max(max, { error });
};

export const flag = () => z.boolean({ error: both('must be true or false', '应为 true 或 false') });

export const oneOf = <const T extends readonly string[]>(values: T) =>
  z.enum(values, { error: both(`must be one of ${values.join(', ')}`, `应为 ${values.join('、')} 之一`) });

/** A path: any text that can be one. */
export const file = () => matching(/^[^\0]{1,4096}$/, both('must be the path of a file', '应为文件路径'));

export interface Listen {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
}

const LISTEN = both(
  'must be HOST:PORT, e.g. 127.0.0.1:8700 or [::1]:8700, with a port from 0 to 65535',
  '应为 HOST:PORT，如 127.0.0.1:8700 或 [::1]:8700，端口为 0 到 65535',
);

/** `HOST:PORT`, an IPv6 host in brackets. */
export const listen = () =>
  parsed<Listen>(LISTEN, (value) => {
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

/** An address or a network, as a CIDR; read as those read it who judge calls by it. */
export const cidr = () =>
  parsed<string>(both('must be an IP address or a CIDR, e.g. 10.0.0.0/8', '应为 IP 地址或 CIDR，如 10.0.0.0/8'), (value) => {
    const parts = splitNetwork(value);
    if (parts === null || !ipaddr.isValid(parts.address)) return null;
    const length = ipaddr.parse(parts.address).kind() === 'ipv4' ? 32 : 128;
    const bits = parts.bits ?? length;
    return bits > length ? null : `${parts.address}/${bits}`;
  });

const url = (value: string): URL => {
  const parsedUrl = new URL(value);
  if (parsedUrl.hash !== '' || parsedUrl.search !== '') throw new Error('only an origin');
  return parsedUrl;
};
const hostOf = ({ hostname }: URL): string => hostname.replace(/^\[|\]$/g, '');
const withoutUser = ({ username, password }: URL): boolean => username === '' && password === '';
const hasNoPath = ({ pathname }: URL): boolean => pathname === '/' || pathname === '';

const UPSTREAM = both(
  'must be https://HOST[:PORT] (http:// only for loopback), without a path',
  '应为 https://HOST[:PORT]（仅回环地址可用 http://），不带路径',
);

/** Where a platform's API is: an origin without a path, https unless it is this machine. */
export const upstream = () =>
  parsed<string>(UPSTREAM, (value) => {
    const base = url(value);
    const safe = base.protocol === 'https:' || (base.protocol === 'http:' && isLoopback(hostOf(base)));
    return safe && withoutUser(base) && hasNoPath(base) ? base.origin : null;
  });

const PUBLIC_URL = both(
  'must be an http:// or https:// URL without user, parameters or path',
  '应为 http:// 或 https:// 地址，不带用户名、参数和路径',
);

export const publicUrl = () =>
  parsed<string>(PUBLIC_URL, (value) => {
    const base = url(value);
    return /^https?:$/.test(base.protocol) && withoutUser(base) && hasNoPath(base) ? base.origin : null;
  });

export const httpProxy = () =>
  parsed<string>(both('must be http://[USER:PASSWORD@]HOST:PORT', '应为 http://[USER:PASSWORD@]HOST:PORT'), (value) => {
    const base = url(value);
    return /^https?:$/.test(base.protocol) && hasNoPath(base) ? value : null;
  });

/** With its scheme in lower case. */
export const store = () =>
  text(both(`must be ${STORE_FORMS.en}`, `应为 ${STORE_FORMS.zh}`)).transform((value, context): string => {
    const fault = storeUrlFault(value);
    const parts = splitStoreUrl(value);
    if (fault === null && parts) return `${parts.scheme}:${parts.rest}`;
    const message = both(`must be ${STORE_FORMS.en} (${fault?.en})`, `应为 ${STORE_FORMS.zh}（${fault?.zh}）`);
    context.addIssue({ code: 'custom', message });
    return z.NEVER;
  });

/** The path of the database file, or null when the store is no file of this machine. */
export function databaseFile(storeUrl: string): string | null {
  if (!storeUrl.startsWith('sqlite:')) return null;
  return storeUrl.slice('sqlite:'.length);
}

/** The store lives in this process or a file beside it: it has no other users, and can make its keys by itself. */
export const isEmbedded = (storeUrl: string): boolean => !isShared(storeUrl);

const MASTER_KEY = both(
  'must be the base64 of 32 bytes, as "openssl rand -base64 32" prints it, or several, separated by commas or white space',
  '应为 32 字节的 base64，可用 openssl rand -base64 32 生成；多个之间用逗号或空白分隔',
);

export const masterKey = () =>
  parsed<string>(MASTER_KEY, (value) => {
    const keys = value.split(/[\s,]+/).filter((key) => key !== '');
    const isKey = (key: string): boolean => {
      const bytes = Buffer.from(key, 'base64');
      return bytes.length === 32 && bytes.toString('base64') === key;
    };
    return keys.length > 0 && keys.every(isKey) ? value : null;
  });

/** An API key of the operator's own making. */
export const apiKey = () =>
  matching(/^[A-Za-z0-9_.-]{24,128}$/, both('must be 24 to 128 of A-Z a-z 0-9 _ . -', '应为 24 到 128 个字符，仅限 A-Z a-z 0-9 _ . -'));

export const cronSecret = () =>
  matching(
    /^[\x21-\x7e]{16,256}$/,
    both('must be 16 to 256 printable characters without spaces', '应为 16 到 256 个可见 ASCII 字符，不含空格'),
  );

/** The one or two AppSecrets of an account are told as one: see `SECRETS`. */
export const appSecret = () => matching(APP_SECRET, SECRETS);

export const SECRETS = both(
  `must be an AppSecret (${APP_SECRET_FORM.en}), or two as [first, fallback]; digits alone need quotes in YAML`,
  `应为 AppSecret（${APP_SECRET_FORM.zh}），或写成 [first, fallback] 两个；纯数字的值在 YAML 中要加引号`,
);

/** RFC 3339 with an offset, as epoch ms. */
export const instant = () =>
  parsed<number>(both('must be a time like 2027-01-31T00:00:00Z', '应为 2027-01-31T00:00:00Z 这样的时间'), (value) => {
    if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(value)) return null;
    const at = Date.parse(value);
    return Number.isNaN(at) ? null : at;
  });
