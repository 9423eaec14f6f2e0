/**
 * What a control call may say about an account, checked in full before anything is changed. On a new
 * account console edits hold at once; on an existing one they take the delay that its knob names.
 */
import { boolean, fieldsOf, integer, listOf, nullable, oneOf, type Reader, reject, text } from '../input.ts';
import { type IpRange, parseIpRange } from '../ip.ts';
import { type Knobs, type Limit, limitsReader } from '../knobs.ts';
import { type Account, type AccountStatus, edit, type Platform } from '../state/account.ts';

export interface AccountInput {
  /** Default on creation: 32 hex digits made from the seed. Changing it is the console's reset. */
  secret?: string;
  /** null (default): the account may call everything; otherwise foreign endpoints answer 48001. */
  platform?: Platform | null;
  /** `token_forbidden` answers 50004, `account_frozen` 50007 on token calls; default normal. */
  status?: AccountStatus;
  /** A test account: 200 classic fetches a day instead of 2000. */
  sandbox?: boolean;
  /** A frozen AppSecret: 40243. */
  frozen?: boolean;
  /** IPv4 addresses and CIDR ranges; null (default): switched off. */
  whitelist?: string[] | null;
  /** Addresses and ranges whose calls need the administrator's consent (89503 …). */
  risky_ips?: string[];
  /** Life of this account's tokens in seconds; null: the knob's. */
  lifetime_seconds?: number | null;
  /** Limits of this account, path → `{"day","minute"}`; null: the built-in ones. */
  limits?: Record<string, Limit> | null;
  /** Paths that answer 48001. */
  unauthorized_paths?: string[];
  /** Push address for callback/check; null: none, 40201. */
  callback_url?: string | null;
}

const ipRange: Reader<string> = (value, where) =>
  typeof value === 'string' && parseIpRange(value) ? value : reject(where, 'an IPv4 address or CIDR range without a port', value);
export const whitelistReader = nullable(listOf(ipRange));
export const secretReader: Reader<string> = (value, where) =>
  typeof value === 'string' && /^[\w-]{1,128}$/.test(value)
    ? value
    : reject(where, 'a secret of 1 to 128 letters, digits, _ and -', '(hidden)');

export const accountReader: Reader<AccountInput> = fieldsOf<AccountInput>({
  secret: secretReader,
  platform: nullable(oneOf('official-account', 'mini-program', 'mini-game')),
  status: oneOf('normal', 'token_forbidden', 'account_frozen'),
  sandbox: boolean,
  frozen: boolean,
  whitelist: whitelistReader,
  risky_ips: listOf(ipRange),
  lifetime_seconds: nullable(integer(1, 315_360_000)),
  limits: nullable(limitsReader),
  unauthorized_paths: listOf(text),
  callback_url: nullable(text),
}) as Reader<AccountInput>;

export const rangesOf = (list: readonly string[]): IpRange[] => list.map((entry) => parseIpRange(entry) as IpRange);

/** `fresh`: the account was made by this very call. Fields not named stay as they are. */
export function applyAccount(account: Account, input: AccountInput, now: number, knobs: Knobs, fresh: boolean): void {
  const { secret, frozen, whitelist } = input;
  if (secret !== undefined) setSecret(account, secret, now, knobs);
  if (frozen !== undefined) edit(account.frozen, frozen, now, fresh ? 0 : knobs.freezeDelaySeconds * 1000);
  if (whitelist !== undefined) {
    edit(account.whitelist, whitelist && rangesOf(whitelist), now, fresh ? 0 : knobs.whitelistDelaySeconds * 1000);
  }
  if (input.platform !== undefined) account.platform = input.platform;
  if (input.status !== undefined) account.status = input.status;
  if (input.sandbox !== undefined) account.sandbox = input.sandbox;
  if (input.risky_ips !== undefined) account.riskyIps = rangesOf(input.risky_ips);
  if (input.lifetime_seconds !== undefined) account.lifetimeSeconds = input.lifetime_seconds;
  if (input.limits !== undefined) account.limits = input.limits;
  if (input.unauthorized_paths !== undefined) account.unauthorizedPaths = input.unauthorized_paths;
  if (input.callback_url !== undefined) account.callbackUrl = input.callback_url;
}

/** The former secret is dead at once, unless a knob gives it a grace. */
export function setSecret(account: Account, secret: string, now: number, knobs: Knobs): void {
  if (secret === account.secret) return;
  account.prevSecret = account.secret;
  account.prevSecretUntil = now + knobs.previousSecretGraceSeconds * 1000;
  account.secret = secret;
}
