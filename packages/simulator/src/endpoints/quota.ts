/**
 * Quota calls. clear_quota and its form without a token share ten clears per calendar month; the v2
 * documentation contradicts itself about where its fields go, so body and query are both read.
 */
import { refusalOfClaim } from '../checks.ts';
import type { CheckName } from '../knobs.ts';
import { queryParam, stringField } from '../params.ts';
import type { Account } from '../state/account.ts';
import { limitFor } from '../state/quota.ts';
import { type Answer, OK, okJson } from '../wire.ts';
import type { Context, Endpoint } from './endpoint.ts';

const BY_SECRET: ReadonlySet<CheckName> = new Set(['appid_present', 'appid_known', 'secret_present', 'secret_match']);

function clear({ world: { knobs }, now }: Context, account: Account): Answer | number {
  if (account.quota.clearsInMonth(now, knobs.dayOffsetMinutes) >= knobs.clearsPerMonth) return 48006;
  account.quota.clear(now, knobs.dayOffsetMinutes);
  return OK;
}

function clearByToken(context: Context): Answer | number {
  const account = context.account as Account;
  const appid = stringField(context.json, 'appid');
  if (!appid) return 41002;
  return appid === account.id ? clear(context, account) : 40013;
}

function clearBySecret(context: Context): Answer | number {
  const { call, json } = context;
  const read = (name: string) => stringField(json, name) ?? queryParam(call.query, name);
  const [appid, secret] = [read('appid'), read('appsecret')];
  if (appid === 47001 || secret === 47001) return 47001;
  const errcode = refusalOfClaim(context, { appid, secret, wantedGrant: '' }, BY_SECRET);
  return errcode === 0 ? clear(context, context.account as Account) : errcode;
}

/** A path without a limit shows zeros. `rate_limit` is only there when the path has a minute limit. */
function get({ world: { knobs }, endpoints, json, now, account: owner }: Context): Answer | number {
  const account = owner as Account;
  const path = json.cgi_path;
  if (typeof path !== 'string' || !path.startsWith('/')) return knobs.badCgiPathCode;
  if (path.startsWith('/sns/')) return 76022;
  const endpoint = endpoints.get(path);
  if (!endpoint) return 76021;
  if (account.platform && endpoint.platforms && !endpoint.platforms.includes(account.platform)) return 76022;
  const limit = limitFor(path, knobs, account.limits, account.sandbox);
  const used = account.quota.usedInDay(path, now, knobs.dayOffsetMinutes);
  const daily = limit.day ?? 0;
  const quota = { daily_limit: daily, used, remain: Math.max(0, daily - used) };
  const rate = limit.minute == null ? {} : { rate_limit: { call_count: limit.minute, refresh_second: 60 } };
  return okJson(JSON.stringify({ errcode: 0, errmsg: 'ok', quota, ...rate }));
}

export const quotaEndpoints: readonly Endpoint[] = [
  { path: '/cgi-bin/clear_quota', method: 'POST', body: 'json', access: 'token', run: clearByToken },
  { path: '/cgi-bin/clear_quota/v2', method: 'POST', body: 'maybe_json', access: 'secret', run: clearBySecret },
  { path: '/cgi-bin/openapi/quota/get', method: 'POST', body: 'json', access: 'token', run: get },
];
