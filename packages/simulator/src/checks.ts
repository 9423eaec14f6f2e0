/**
 * The checks of a call that proves itself by an AppSecret, one function each, run in the order of the
 * knob `checkOrder`. Each returns 0 or the errcode. Only "appid before grant_type" was ever observed;
 * the rest of the order is assumed.
 */
import type { Context } from './endpoints/endpoint.ts';
import { ipInRanges } from './ip.ts';
import type { CheckName } from './knobs.ts';
import { type Account, type AccountStatus, riskRefusal, settled } from './state/account.ts';
import { limitFor } from './state/quota.ts';

/** What a call says about itself; `grantType` is compared with `wantedGrant`. */
export interface Claim {
  readonly appid: string | undefined;
  readonly secret: string | undefined;
  readonly grantType?: string | undefined;
  readonly wantedGrant: string;
}

const STATUS_CODE: Readonly<Record<AccountStatus, number>> = { normal: 0, token_forbidden: 50004, account_frozen: 50007 };

type Check = (context: Context, claim: Claim, account: Account) => number;

const secretMatches: Check = ({ now }, { secret }, account) =>
  secret === account.secret || (account.prevSecret !== null && secret === account.prevSecret && now < account.prevSecretUntil) ? 0 : 40125;

const whitelisted: Check = ({ call, now }, _claim, account) => {
  const list = settled(account.whitelist, now);
  return list === null || ipInRanges(call.clientIp, list) ? 0 : 40164;
};

/** Checks that look into an account pass while the account is not known: `appid_known` speaks for them. */
const CHECKS: Readonly<Record<Exclude<CheckName, 'appid_present' | 'appid_known' | 'grant_type' | 'secret_present'>, Check>> = {
  secret_match: secretMatches,
  frozen: ({ now }, _claim, account) => (settled(account.frozen, now) ? 40243 : 0),
  account_status: (_context, _claim, account) => STATUS_CODE[account.status],
  whitelist: whitelisted,
  risk: ({ call, now, world }, _claim, account) => riskRefusal(account, call.clientIp, now, world.knobs.pendingRiskCode),
  minute_quota: ({ call, now, world }, _claim, account) =>
    account.quota.minuteRefusal(call.path, limitFor(call.path, world.knobs, account.limits, account.sandbox), now),
  day_quota: ({ call, now, world }, _claim, account) =>
    account.quota.dayRefusal(
      call.path,
      limitFor(call.path, world.knobs, account.limits, account.sandbox),
      now,
      world.knobs.dayOffsetMinutes,
    ),
};

/** Sets `context.account` and runs the checks, all of them or only those named. */
export function refusalOfClaim(context: Context, claim: Claim, only?: ReadonlySet<CheckName>): number {
  const account = claim.appid ? context.world.directory.find(claim.appid) : null;
  context.account = account;
  for (const name of context.world.knobs.checkOrder) {
    if (only && !only.has(name)) continue;
    const errcode = one(name, context, claim, account);
    if (errcode !== 0) return errcode;
  }
  return 0;
}

function one(name: CheckName, context: Context, claim: Claim, account: Account | null): number {
  switch (name) {
    case 'appid_present':
      return claim.appid ? 0 : 41002;
    case 'appid_known':
      return account ? 0 : 40013;
    case 'grant_type':
      return claim.grantType === claim.wantedGrant ? 0 : 40002;
    case 'secret_present':
      return claim.secret ? 0 : 41004;
    default:
      return account ? CHECKS[name](context, claim, account) : 0;
  }
}
