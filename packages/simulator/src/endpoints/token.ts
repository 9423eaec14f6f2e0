/**
 * The two token endpoints. Classic: every accepted call issues and supersedes. Stable: the running
 * token again until its last `stableWindowSeconds`, unless forced; forced issues are spaced and
 * counted per day. The two chains of an account never touch one another.
 */
import { type Claim, refusalOfClaim } from '../checks.ts';
import { queryParam, stringField } from '../params.ts';
import type { Account } from '../state/account.ts';
import type { IssueEffects } from '../state/issuer.ts';
import { type Answer, okJson } from '../wire.ts';
import type { World } from '../world.ts';
import type { Context, Endpoint } from './endpoint.ts';

const GRANT = 'client_credential';
export const TOKEN_PATH = '/cgi-bin/token';
export const STABLE_PATH = '/cgi-bin/stable_token';

const tokenJson = (value: string, expiresIn: number): Answer => okJson(`{"access_token":"${value}","expires_in":${expiresIn}}`);

/** The checks, and the quota of the call: accepted calls use it, refused ones only by knob. */
function admit(context: Context, claim: Claim): number {
  const { world, call, now } = context;
  const errcode = refusalOfClaim(context, claim);
  if (context.account && (errcode === 0 || world.knobs.failedCallsCount)) {
    context.account.quota.use(call.path, now, world.knobs.dayOffsetMinutes);
  }
  return errcode;
}

function classic(context: Context): Answer | number {
  const { world, call, now, effects } = context;
  const errcode = admit(context, {
    appid: queryParam(call.query, 'appid'),
    secret: queryParam(call.query, 'secret'),
    grantType: queryParam(call.query, 'grant_type'),
    wantedGrant: GRANT,
  });
  if (errcode !== 0) return errcode;
  const account = context.account as Account;
  const { token, lifetimeSeconds } = world.issuer.issueToken(account, 'classic', now, world.knobs, effects);
  account.counters.issue(TOKEN_PATH, 'normal');
  return tokenJson(token.value, lifetimeSeconds);
}

function stable(context: Context): Answer | number {
  const { world, json, now, effects } = context;
  const [appid, secret, grantType] = [stringField(json, 'appid'), stringField(json, 'secret'), stringField(json, 'grant_type')];
  const force = json.force_refresh ?? false;
  if (appid === 47001 || secret === 47001 || grantType === 47001 || typeof force !== 'boolean') return 47001;
  const errcode = admit(context, { appid, secret, grantType, wantedGrant: GRANT });
  if (errcode !== 0) return errcode;
  const account = context.account as Account;
  const outcome = stableIssue(world, account, now, force, effects);
  if (typeof outcome === 'number') return outcome;
  if (outcome.issued) account.counters.issue(STABLE_PATH, outcome.issued);
  return tokenJson(outcome.value, outcome.expiresIn);
}

export interface StableOutcome {
  readonly value: string;
  readonly expiresIn: number;
  /** null: the running token again. */
  readonly issued: 'normal' | 'forced' | null;
}

/** The stable rule itself, also what a rogue caller goes through. */
export function stableIssue(world: World, account: Account, now: number, force: boolean, effects: IssueEffects): StableOutcome | number {
  const { knobs, issuer } = world;
  const current = account.chains.stable.current;
  const tooSoon = account.lastForceAt !== null && now - account.lastForceAt < knobs.forceSpacingSeconds * 1000;
  if (force && tooSoon && knobs.forceTooSoonCode !== 0) return knobs.forceTooSoonCode;
  const overLimit = account.quota.forcedInDay(now, knobs.dayOffsetMinutes) >= knobs.forcePerDay;
  if (force && !tooSoon && overLimit && knobs.forceOverLimitCode !== 0) return knobs.forceOverLimitCode;
  const forced = force && !tooSoon && !overLimit;
  const revoked = current !== null && current.validUntil < current.expiresAt && now >= current.validUntil;
  const running =
    current !== null && current.toldUntil - now > knobs.stableWindowSeconds * 1000 && !(revoked && knobs.revokedStable === 'new');
  if (running && !forced) {
    return { value: current.value, expiresIn: Math.floor((current.toldUntil - now) / 1000), issued: null };
  }
  if (forced) {
    account.quota.useForce(now, knobs.dayOffsetMinutes);
    account.lastForceAt = now;
  }
  const { token, lifetimeSeconds } = issuer.issueToken(account, 'stable', now, knobs, effects);
  return { value: token.value, expiresIn: lifetimeSeconds, issued: forced ? 'forced' : 'normal' };
}

export const tokenEndpoints: readonly Endpoint[] = [
  { path: TOKEN_PATH, method: 'GET', body: 'none', access: 'secret', run: classic },
  { path: STABLE_PATH, method: 'POST', body: 'json', access: 'secret', run: stable },
];
