/**
 * Lets a request through to its route: who is calling, may they, and not too often.
 *
 * The key comes in the Authorization header and nowhere else. Nothing of the request is looked at before this.
 */

import type { Context, MiddlewareHandler } from 'hono';
import { authorize, type Want } from '../access/authorize.ts';
import { KEY_TEXT, looksMistyped } from '../access/key-format.ts';
import type { ApiKeyRecord, Scope } from '../core/api-key.ts';
import { ZhongkongError } from '../core/errors.ts';
import type { Env } from './environment.ts';

/** The caller's key, once it may do what `scope` says, for the account in the path if there is one. */
export function guard(scope: Scope): MiddlewareHandler<Env> {
  return async (c, next) => {
    const { deps, ip, trace } = c.env;
    const record = await callerOf(c);
    trace.keyId = record.id;
    const account = c.req.param('account');
    const now = deps.time.now();
    const refusal = authorize(record, { scope, ip, now, ...(account === undefined ? {} : { account }) });
    // A key that asks for accounts which are not its own has spent a call all the same.
    if (refusal && refusal.code !== 'not_found') throw refusal;
    const waitMs = deps.limiter.take(record);
    if (waitMs > 0) {
      const retryAfterSeconds = Math.max(1, Math.ceil(waitMs / 1000));
      throw new ZhongkongError('rate_limited', `more than ${record.callsPerMinute} calls a minute`, { retryAfterSeconds });
    }
    if (refusal) throw refusal;
    c.set('caller', record);
    await next();
  };
}

/** Says which route it is, for the log: the pattern, never the path. */
export function named(route: string): MiddlewareHandler<Env> {
  return async (c, next) => {
    c.env.trace.route = route;
    await next();
  };
}

/** Any valid key will do: for pages that need no scope. */
export async function requireAnyKey(c: Context<Env>): Promise<void> {
  const { deps, ip, trace } = c.env;
  const record = await callerOf(c);
  trace.keyId = record.id;
  const [scope = 'credential:read'] = record.scopes;
  const [account = ''] = record.accounts;
  const refusal = authorize(record, { scope, account, ip, now: deps.time.now() });
  if (refusal) throw refusal;
}

/** A further look when the route knows more, e.g. the credential kind. Throws. */
export function assertMay(c: Context<Env>, want: Omit<Want, 'ip' | 'now'>): void {
  const refusal = authorize(c.get('caller'), { ...want, ip: c.env.ip, now: c.env.deps.time.now() });
  if (refusal) throw refusal;
}

/** Who did it, in the words of the audit trail. */
export const actorOf = (c: Context<Env>): string => `key:${c.get('caller').id}`;

async function callerOf(c: Context<Env>): Promise<ApiKeyRecord> {
  const header = c.req.header('authorization');
  if (header === undefined) throw new ZhongkongError('unauthorized', 'there is no Authorization header');
  const [, key = ''] = /^Bearer +([^ ]+)$/i.exec(header) ?? [];
  if (!KEY_TEXT.test(key)) throw new ZhongkongError('unauthorized', 'the Authorization header holds no "Bearer" with an API key');
  const record = await c.env.deps.keys.find(key);
  if (record) return record;
  const typo = looksMistyped(key) ? 'this API key is mistyped or cut off: its checksum does not fit' : 'this API key is unknown';
  throw new ZhongkongError('unauthorized', typo);
}

/** A key in a URL ends up in logs of proxies and browsers: say so instead of using it. */
export function assertNoKeyInQuery(search: string): void {
  let text = search;
  try {
    text = decodeURIComponent(search);
  } catch {
    // Malformed escapes hide nothing from the raw text.
  }
  if (!/zk_[A-Za-z0-9]{8}/.test(text) && !/zk_[A-Za-z0-9]{8}/.test(search)) return;
  throw new ZhongkongError(
    'invalid_request',
    'there is an API key in the URL: send it as "Authorization: Bearer" instead, and replace that key, for URLs end up in logs',
  );
}
