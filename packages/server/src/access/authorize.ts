/**
 * Whether a key may do a thing: a pure function of the key's record and of what is wanted.
 *
 * Order: is the key alive → may it be used from here → has it the scope → does it cover the account and the kind →
 * may it see real values. An account outside its list is answered like one that does not exist.
 */

import type { ApiKeyRecord, Scope } from '../core/api-key.ts';
import { ZhongkongError } from '../core/errors.ts';
import { CidrList } from './cidr.ts';

export interface Want {
  readonly scope: Scope;
  /** The account it concerns. Without one, a scope of `ALL_ACCOUNTS` means the whole installation. */
  readonly account?: string;
  readonly kind?: string;
  /** The answer would hold a real credential: never for a sealed key. */
  readonly reveals?: boolean;
  /** The caller's address, or null when unknown. */
  readonly ip: string | null;
  /** Store time, epoch ms. */
  readonly now: number;
}

/** A record's lists, made ready once per record: records are immutable, a changed key is another record. */
interface Compiled {
  readonly scopes: ReadonlySet<string>;
  /** Null: all. */
  readonly accounts: ReadonlySet<string> | null;
  readonly kinds: ReadonlySet<string> | null;
  readonly networks: CidrList | null;
}

const COMPILED = new WeakMap<ApiKeyRecord, Compiled>();

function compiled(record: ApiKeyRecord): Compiled {
  let ready = COMPILED.get(record);
  if (!ready) {
    ready = {
      scopes: new Set(record.scopes),
      accounts: record.accounts.includes('*') ? null : new Set(record.accounts),
      kinds: record.kinds && new Set(record.kinds),
      networks: record.cidrs && new CidrList(record.cidrs),
    };
    COMPILED.set(record, ready);
  }
  return ready;
}

/** What these open concerns every account: a list of all, or, in metrics, labels with their ids. */
export const ALL_ACCOUNTS: ReadonlySet<Scope> = new Set(['admin', 'metrics']);

/** The account part alone: what a key does not cover does not exist for it. */
export function covers(record: ApiKeyRecord, account: string): boolean {
  const { accounts } = compiled(record);
  return accounts === null || accounts.has(account);
}

/** Null: it may. Else why not, with one of the codes unauthorized, ip_not_allowed, forbidden, not_found, not_available. */
export function authorize(record: ApiKeyRecord, want: Want): ZhongkongError | null {
  const { scopes, accounts, kinds, networks } = compiled(record);
  if (record.revokedAt !== null) return new ZhongkongError('unauthorized', 'this API key was revoked');
  if (record.expiresAt !== null && want.now >= record.expiresAt) return new ZhongkongError('unauthorized', 'this API key has expired');
  if (networks !== null && (want.ip === null || !networks.contains(want.ip))) {
    return new ZhongkongError('ip_not_allowed', `this API key may not be used from ${want.ip ?? 'an unknown address'}`);
  }
  if (!scopes.has(want.scope) && !scopes.has('admin')) {
    return new ZhongkongError('forbidden', `this API key lacks the scope ${want.scope}`);
  }
  if (want.account !== undefined) {
    if (accounts !== null && !accounts.has(want.account)) return unknownAccount();
  } else if (ALL_ACCOUNTS.has(want.scope) && accounts !== null) {
    // Otherwise an administrator of one account could make a key for all of them.
    return new ZhongkongError('forbidden', `this API key covers single accounts only, and this needs ${want.scope} for all`);
  }
  if (want.kind !== undefined && kinds !== null && !kinds.has(want.kind)) {
    return new ZhongkongError('forbidden', 'this API key does not cover this credential kind');
  }
  if (want.reveals && record.sealed) {
    return new ZhongkongError('not_available', 'a sealed API key gets no real credentials, and this version cannot seal');
  }
  return null;
}

/** One answer for an account that is not there and for one that the key may not see. */
export function unknownAccount(): ZhongkongError {
  return new ZhongkongError('not_found', 'no such account');
}
