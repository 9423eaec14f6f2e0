/**
 * Seals everything of the accounts and credentials anew, beside running servers and under load.
 *
 * An account is written under its revision and a credential under its lease, as anybody writes them, so no change of
 * others is lost, and whoever sealed under the former key before it was replaced here is refused when he saves after.
 * One pass touches only what is not yet under the key that seals now: it can be cut off anywhere and run again, and a
 * pass that finds nothing is the proof that nothing is left. Memory stays constant: accounts come in pages.
 */

import type { Account } from './account.ts';
import { resealRecord } from './codec.ts';
import { ZhongkongError } from './errors.ts';
import { type RotatingSeal, resealed, secretContext } from './seal.ts';
import type { CredentialStore, Directory, StoredCredential } from './store.ts';

export interface ResealDeps {
  readonly directory: Directory;
  readonly credentials: CredentialStore;
  readonly seal: RotatingSeal;
  /** Names this process in leases. */
  readonly holder: string;
}

/** What one pass met. */
export interface ResealPass {
  /** Accounts looked at. */
  readonly seen: number;
  /** Accounts and credentials sealed anew. */
  readonly accounts: number;
  readonly credentials: number;
  /** Somebody else was at it: to be looked at in another pass. */
  readonly busy: number;
  /** Accounts with something that no known key opens; left as they are. */
  readonly unopened: readonly string[];
}

/** Accounts in the air at once, and in memory. */
const PAGE = 50;
/** Two writes; a takeover's lease is left to run out, and keeps others waiting that long. */
const LEASE_MS = 10_000;
/** Named in an error at most. */
const MAX_UNOPENED = 20;

type Outcome = 'current' | 'resealed' | 'busy';

/** `progress` is told after every page. Throws what the store throws; what cannot be opened is in the result. */
export async function resealPass(deps: ResealDeps, progress: (soFar: ResealPass) => void): Promise<ResealPass> {
  let pass: ResealPass = { seen: 0, accounts: 0, credentials: 0, busy: 0, unopened: [] };
  for (let after: string | null = null; ; ) {
    const page: readonly Account[] = await deps.directory.accounts({ after, limit: PAGE });
    for (const one of await Promise.all(page.map((account) => resealOne(deps, account)))) pass = sum(pass, one);
    progress(pass);
    if (page.length < PAGE) return pass;
    after = page.at(-1)?.id ?? null;
  }
}

async function resealOne(deps: ResealDeps, account: Account): Promise<ResealPass> {
  const unopened: string[] = [];
  const tried = async (work: Promise<Outcome>): Promise<Outcome> => {
    try {
      return await work;
    } catch (error) {
      if (!(error instanceof ZhongkongError) || error.code !== 'unseal_failed') throw error;
      unopened.push(account.id);
      return 'current';
    }
  };
  const own = await tried(resealAccount(deps, account));
  const outcomes: Outcome[] = [];
  for (const stored of await deps.credentials.list(account.id)) outcomes.push(await tried(resealCredential(deps, stored)));
  return {
    seen: 1,
    accounts: own === 'resealed' ? 1 : 0,
    credentials: outcomes.filter((outcome) => outcome === 'resealed').length,
    busy: [own, ...outcomes].filter((outcome) => outcome === 'busy').length,
    unopened: unopened.slice(0, 1),
  };
}

async function resealAccount({ directory, seal }: ResealDeps, account: Account): Promise<Outcome> {
  if (account.sealedSecrets.every((sealed) => seal.isCurrent(sealed))) return 'current';
  const sealedSecrets = account.sealedSecrets.map((sealed) => resealed(seal, sealed, secretContext(account.id)));
  return (await directory.putAccount({ ...account, sealedSecrets })) === 'written' ? 'resealed' : 'busy';
}

async function resealCredential({ credentials, seal, holder }: ResealDeps, listed: StoredCredential): Promise<Outcome> {
  const { id } = listed;
  if (listed.body === null || resealRecord(id, listed.body, seal) === listed.body) return 'current';
  const acquired = await credentials.acquire(id, holder, LEASE_MS);
  if (!('lease' in acquired)) return 'busy';
  const { lease, stored } = acquired;
  // Its last holder may still be acting, and what is owed for that is not paid here: the next one must see it too.
  const release = !lease.takenOver;
  const leave = async (): Promise<void> => void (release && (await credentials.release(lease)));
  if (stored.body === null) {
    // Its account was removed meanwhile.
    await leave();
    return 'current';
  }
  try {
    const { generation, nextAttemptAt } = stored;
    const body = resealRecord(id, stored.body, seal);
    return (await credentials.write(lease, { generation, nextAttemptAt, body }, { release })) === 'committed' ? 'resealed' : 'busy';
  } catch (error) {
    await leave().catch(() => undefined);
    throw error;
  }
}

const sum = (a: ResealPass, b: ResealPass): ResealPass => ({
  seen: a.seen + b.seen,
  accounts: a.accounts + b.accounts,
  credentials: a.credentials + b.credentials,
  busy: a.busy + b.busy,
  unopened: [...a.unopened, ...b.unopened].slice(0, MAX_UNOPENED),
});
