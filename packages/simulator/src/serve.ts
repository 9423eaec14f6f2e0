/**
 * One call from request to answer, faults aside: find the endpoint, check method, token and body, run
 * it, put text and rid to a refusal, count. Order: path → https → method → token → body → 48001 →
 * quota → the endpoint's own arguments; for secret-based calls path → https → method → body → checks.ts.
 * Synchronous from start to end, so two calls can never interleave.
 */
import type { Context, Endpoint } from './endpoints/endpoint.ts';
import { ENDPOINTS } from './endpoints/index.ts';
import { ERRMSG } from './errors.ts';
import { mappedIp } from './ip.ts';
import { jsonBody, queryParam } from './params.ts';
import { refusalOf } from './state/chain.ts';
import type { IssueEffects } from './state/issuer.ts';
import { limitFor } from './state/quota.ts';
import { type Answer, type Call, errorJson } from './wire.ts';
import type { World } from './world.ts';

export const NO_EFFECTS: IssueEffects = Object.freeze({});

export function serve(world: World, call: Call, effects: IssueEffects = NO_EFFECTS): Answer {
  const context: Context = { world, endpoints: ENDPOINTS, call, now: world.clock.now(), effects, account: null, json: {} };
  const endpoint = ENDPOINTS.get(call.path);
  const result = endpoint ? enter(endpoint, context) : world.knobs.unknownPathCode;
  const answer = typeof result === 'number' ? refuse(world, call, result, context.account?.id ?? null, context.now) : result;
  const counters = context.account?.counters ?? world.strangers;
  counters.call(endpoint ? call.path : 'unknown path', answer.errcode); // unknown paths must not grow the map
  if (endpoint?.access === 'token') counters.business(answer.errcode);
  return answer;
}

function enter(endpoint: Endpoint, context: Context): Answer | number {
  const { world, call } = context;
  if (world.knobs.requireHttps && !call.secure) return 43003;
  if (world.knobs.rejectChunkedBodies && call.header('transfer-encoding')) return CHUNKED;
  if (call.method !== endpoint.method) return endpoint.method === 'GET' ? 43001 : 43002;
  if (endpoint.access === 'token') {
    const errcode = checkToken(context);
    if (errcode !== 0) return errcode;
  }
  const errcode = readBody(endpoint, context);
  if (errcode !== 0) return errcode;
  return endpoint.access === 'token' ? business(endpoint, context) : endpoint.run(context);
}

const CHUNKED: Answer = { status: 412, contentType: 'text/plain', body: '', errcode: 412 };

/** Only the query counts: a token in a header or the body is not looked at. */
function checkToken(context: Context): number {
  const { world, call, now } = context;
  const value = queryParam(call.query, 'access_token');
  if (!value) return 41001;
  const token = world.issuer.lookup(value);
  context.account = token ? world.directory.peek(token.account) : null;
  return refusalOf(token, now);
}

function readBody(endpoint: Endpoint, context: Context): number {
  const { body } = context.call;
  const optional = endpoint.body === 'maybe_json' && (body === null || body.length === 0);
  if (endpoint.body === 'none' || optional) return 0;
  if (endpoint.body === 'raw') return body === null || body.length === 0 ? 44002 : 0;
  const json = jsonBody(body);
  if (typeof json === 'number') return json;
  context.json = json;
  return 0;
}

/** Rights and quota of a call that came with a good token; accepted calls use the quota. */
function business(endpoint: Endpoint, context: Context): Answer | number {
  const { world, call, now, account } = context;
  if (!account) return 40001;
  const { knobs } = world;
  if (account.platform && endpoint.platforms && !endpoint.platforms.includes(account.platform)) return 48001;
  if (account.unauthorizedPaths.includes(call.path)) return 48001;
  const limit = limitFor(call.path, knobs, account.limits, account.sandbox);
  const errcode =
    account.quota.minuteRefusal(call.path, limit, now) || account.quota.dayRefusal(call.path, limit, now, knobs.dayOffsetMinutes);
  const result = errcode === 0 ? endpoint.run(context) : errcode;
  if (typeof result !== 'number' || knobs.failedCallsCount) account.quota.use(call.path, now, knobs.dayOffsetMinutes);
  return result;
}

const decoder = new TextDecoder();
const BODY_BYTES = 1024; // of a request body kept for rid/get

/** A refusal on the wire: text, rid in the form of its family, and the memory that rid/get reads. */
export function refuse(world: World, call: Call, errcode: number, account: string | null, now: number, errmsg?: string): Answer {
  const text = errmsg ?? world.knobs.errmsg[String(errcode)] ?? ERRMSG[errcode] ?? 'unknown error';
  const filled = text.replace('{ip}', call.clientIp).replace('{ipv6}', mappedIp(call.clientIp));
  const rid = world.rids.next(now);
  const answer = errorJson(errcode, `${filled}${call.path.startsWith('/sns/') ? ',' : ''} rid: ${rid}`);
  const body = call.body ? decoder.decode(call.body.subarray(0, BODY_BYTES)) : '';
  const response = answer.body as string;
  world.rids.remember(rid, { account, at: now, query: call.query, body, response, clientIp: call.clientIp }, world.knobs.ridDays);
  return answer;
}
