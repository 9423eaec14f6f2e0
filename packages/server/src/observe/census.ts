/**
 * What this node last saw of each credential, counted from events: the numbers behind the gauges.
 *
 * Knows only credentials that this process touched; another node's are that node's to count. Of more than 100,000
 * accounts it knows those that were seen last, for what it knows of one takes some 500 bytes.
 */

import { BoundedMap } from '../core/bounded-map.ts';
import type { CredentialId } from '../core/credential.ts';
import type { CoreEvent, CredentialState, EventBus } from '../core/events.ts';

export interface Seen {
  readonly id: CredentialId;
  state: CredentialState;
  /** End of its own life, epoch ms; 0 = this process made no issue of it. */
  expiresAt: number;
  generation: number;
}

const MOST_ACCOUNTS = 100_000;

export class Census {
  /** By account, then by kind and chain: an account that goes takes all its credentials along. */
  readonly #seen: BoundedMap<Map<string, Seen>>;

  constructor(bus: EventBus, mostAccounts = MOST_ACCOUNTS) {
    this.#seen = new BoundedMap(mostAccounts);
    bus.on((event) => this.#note(event));
  }

  *all(): Iterable<Seen> {
    for (const credentials of this.#seen.values()) yield* credentials.values();
  }

  byState(): ReadonlyMap<CredentialState, number> {
    const counts = new Map<CredentialState, number>();
    for (const { state } of this.all()) counts.set(state, (counts.get(state) ?? 0) + 1);
    return counts;
  }

  #note(event: CoreEvent): void {
    if (event.type === 'credential.state') this.#of(event.id).state = event.to;
    if (event.type === 'credential.committed')
      Object.assign(this.#of(event.id), { expiresAt: event.expiresAt, generation: event.generation });
    if (event.type === 'account.changed' && (event.change === 'removed' || !event.account.enabled)) this.#seen.delete(event.account.id);
  }

  #of(id: CredentialId): Seen {
    let credentials = this.#seen.get(id.account);
    if (!credentials) this.#seen.set(id.account, (credentials = new Map()));
    const name = `${id.kind} ${id.chain}`;
    let seen = credentials.get(name);
    if (!seen) credentials.set(name, (seen = { id, state: 'missing', expiresAt: 0, generation: 0 }));
    return seen;
  }
}
