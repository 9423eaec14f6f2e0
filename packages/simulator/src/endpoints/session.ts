/**
 * sns/jscode2session: proves itself by the AppSecret, issues no token, is under no IP whitelist.
 * Errors of the sns family put the rid behind a comma. Any well-formed code is good exactly once.
 */
import { type Claim, refusalOfClaim } from '../checks.ts';
import type { CheckName } from '../knobs.ts';
import { queryParam } from '../params.ts';
import { base64urlText, createRandom } from '../random.ts';
import { makeOpenid } from '../shapes.ts';
import type { Account } from '../state/account.ts';
import { type Answer, okJson } from '../wire.ts';
import type { Context, Endpoint } from './endpoint.ts';

const CHECKED: ReadonlySet<CheckName> = new Set(['appid_present', 'appid_known', 'grant_type', 'secret_present', 'secret_match']);
const CODE = /^[\w-]{4,128}$/;

function jscode2session(context: Context): Answer | number {
  const { world, call } = context;
  const claim: Claim = {
    appid: queryParam(call.query, 'appid'),
    secret: queryParam(call.query, 'secret'),
    grantType: queryParam(call.query, 'grant_type'),
    wantedGrant: 'authorization_code',
  };
  const errcode = refusalOfClaim(context, claim, CHECKED);
  if (errcode !== 0) return errcode;
  if (context.account?.platform === 'official-account') return 48001;
  const code = queryParam(call.query, 'js_code');
  if (!code) return 41008;
  if (!CODE.test(code)) return 40029;
  const account = context.account as Account;
  const once = `${account.id}|${code}`;
  if (world.usedCodes.has(once)) return 40163;
  world.usedCodes.put(once, true);
  const stream = `${world.seed}|${once}`;
  const sessionKey = `${base64urlText(createRandom(`${stream}|session`), 22)
    .replaceAll('-', '+')
    .replaceAll('_', '/')}==`;
  return okJson(JSON.stringify({ session_key: sessionKey, openid: makeOpenid(`${stream}|openid`) }));
}

export const sessionEndpoints: readonly Endpoint[] = [
  {
    path: '/sns/jscode2session',
    method: 'GET',
    body: 'none',
    access: 'secret',
    run: jscode2session,
  },
];
