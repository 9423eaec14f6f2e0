/**
 * Every credential of a store, each under a lease of ours: whoever is at one finishes and commits first, and from then
 * on the store itself lets nobody else issue it, whatever version it runs and whatever it has heard.
 *
 * A lease that we take over from a holder that may only be paused is passed on as one that ran out, so that whoever has
 * the row next looks after what that holder may still do. So is one that a run of before already had: it did not say.
 */

import type { CredentialId } from '../../core/credential.ts';
import type { ArchivedCredential, CredentialStore, Store } from '../../core/store.ts';
import type { Pace } from './pace.ts';

/** Rows of one page. */
export const PAGE = 500;
/** For as long as anybody will ask, ms: a hundred years. */
export const FOR_EVER_MS = 100 * 365 * 86_400_000;
/** How often a lease that somebody has is asked for, ms. */
const AGAIN_MS = 100;

export interface Holding {
  readonly store: Store;
  readonly holder: string;
  readonly durationMs: number;
  readonly pace: Pace;
  /** Throws `conflict` once the operator wants an end, or another process changed the store's standing. */
  readonly assertOurs: () => Promise<void>;
}

/** In pages, in the order of their ids; those that somebody was at come last. */
export async function* holdAll(holding: Holding): AsyncGenerator<readonly ArchivedCredential[]> {
  const { store, holder, pace, assertOurs } = holding;
  let busy: CredentialId[] = [];
  for (let after: CredentialId | null = null; ; ) {
    await assertOurs();
    const page = await store.archive.credentials(after, PAGE);
    const now = await store.credentials.now();
    const held = await Promise.all(page.map(async (row) => (isHeldBy(row, holder, now) ? abandoned(row, holder) : hold(holding, row.id))));
    busy.push(...page.flatMap(({ id }, index) => (held[index] ? [] : [id])));
    yield held.filter((row) => row !== null);
    if (page.length < PAGE) break;
    after = page.at(-1)?.id ?? null;
  }
  while (busy.length > 0) {
    await pace.sleep(AGAIN_MS);
    await assertOurs();
    const held = await Promise.all(busy.map((id) => hold(holding, id)));
    busy = busy.filter((_, index) => held[index] === null);
    yield held.filter((row) => row !== null);
  }
}

/** Every credential of a copy that nobody else has: leases that ran when it was made are nobody's any more. */
export async function* asTheyAre(store: Store, holder: string): AsyncGenerator<readonly ArchivedCredential[]> {
  for (let after: CredentialId | null = null; ; ) {
    const page = await store.archive.credentials(after, PAGE);
    yield page.map((row) => (row.lease === null ? row : abandoned(row, holder)));
    if (page.length < PAGE) return;
    after = page.at(-1)?.id ?? null;
  }
}

/** Waits for whoever is at it. */
export async function holdWhenFree(holding: Holding, id: CredentialId): Promise<void> {
  const { store, holder, durationMs, pace, assertOurs } = holding;
  for (;;) {
    const got = await store.credentials.acquire(id, holder, durationMs);
    // Nobody but us holds anything for years.
    if ('lease' in got || got.heldUntil > Date.now() + FOR_EVER_MS / 2) return;
    await pace.sleep(AGAIN_MS);
    await assertOurs();
  }
}

/** Null while somebody else has its lease. */
async function hold({ store, holder, durationMs }: Holding, id: CredentialId): Promise<ArchivedCredential | null> {
  const got = await store.credentials.acquire(id, holder, durationMs);
  if (!('lease' in got)) return null;
  return got.lease.takenOver ? abandoned(got.stored, holder) : { ...got.stored, lease: null };
}

const isHeldBy = ({ lease }: ArchivedCredential, holder: string, now: number): boolean =>
  lease !== null && lease.holder === holder && lease.until > now;

type Stored = Awaited<ReturnType<CredentialStore['list']>>[number];

export const abandoned = (stored: Stored, holder: string): ArchivedCredential => ({ ...stored, lease: { holder, until: 1 } });

/**
 * Lets go of every row that `holder` has: it goes on as after a takeover. Only of what has not run out, for that alone is
 * sure to be nobody else's until it is written.
 */
export async function endAll(store: Store, holder: string): Promise<void> {
  const now = await store.credentials.now();
  for (let after: CredentialId | null = null; ; ) {
    const page = await store.archive.credentials(after, PAGE);
    const ours = page.filter((row) => isHeldBy(row, holder, now));
    if (ours.length > 0) await store.archive.put({ credentials: ours.map((row) => abandoned(row, holder)) });
    if (page.length < PAGE) return;
    after = page.at(-1)?.id ?? null;
  }
}
