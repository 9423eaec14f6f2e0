/**
 * Getting the exclusive right to one credential, or learning that its holder made it unnecessary.
 *
 * Who waits looks at the credential first and asks for the lease only when the other holder has left nothing of use:
 * so a commit frees all waiters at once, and they do not queue for the lease one after the other.
 */

import type { Clock } from './clock.ts';
import type { CredentialId } from './credential.ts';
import { ZhongkongError } from './errors.ts';
import type { Random } from './random.ts';
import type { Acquired, CredentialStore, StoredCredential } from './store.ts';

/** A lease and the monotonic instant at which it ends for us, counted from before it was asked for. */
export type Held = Acquired & { readonly leaseEndsAt: number };

export interface LeaseDeps {
  readonly credentials: CredentialStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly holder: string;
  readonly settings: { readonly leaseMs: number };
}

export interface LeaseWish<Look> {
  /** Taken before the store is asked; comes back with what it says. */
  readonly look: () => Look;
  /** Whether what another holder stored meanwhile is all that was wanted. */
  readonly satisfiedBy: (stored: StoredCredential) => boolean;
  /** True ends the waiting: this node is stopping. */
  readonly givenUp: () => boolean;
}

/** Waiting for another holder: look this often, slower and slower. */
const FIRST_LOOK_MS = 50;
const SLOWEST_LOOK_MS = 1000;
/** A holder that dies frees the lease after its length; somebody else may get it first. */
const LEASES_WAITED = 2;

/** Throws `deadline_exceeded` when others kept the lease for two whole lease lengths. */
export async function acquireLease<Look>(
  deps: LeaseDeps,
  id: CredentialId,
  wish: LeaseWish<Look>,
): Promise<Held | { readonly satisfied: StoredCredential; readonly look: Look }> {
  const { credentials, clock, random, holder, settings } = deps;
  const waitUntil = clock.monotonic() + LEASES_WAITED * settings.leaseMs;
  for (let lookMs = FIRST_LOOK_MS; ; lookMs = Math.min(lookMs * 1.5, SLOWEST_LOOK_MS)) {
    const leaseEndsAt = clock.monotonic() + settings.leaseMs;
    const got = await credentials.acquire(id, holder, settings.leaseMs);
    if ('lease' in got) return { ...got, leaseEndsAt };
    if (wish.givenUp() || clock.monotonic() >= waitUntil) {
      throw new ZhongkongError('deadline_exceeded', 'another node is at this credential', { retryAfterSeconds: 1 });
    }
    await clock.sleep(lookMs * (0.75 + random.unit() / 2));
    const look = wish.look();
    const stored = await credentials.read(id);
    if (stored && wish.satisfiedBy(stored)) return { satisfied: stored, look };
  }
}
