/**
 * Remembers which value each key was handed last through the drop-in, for the hint `force_refresh`.
 *
 * Every path that answers a drop-in token notes it here, the Node host's fast path too: a remembered value that is
 * older than the one handed out would turn a report of the dead current into a report of its predecessor.
 */

import { BoundedMap } from '../core/bounded-map.ts';
import { credentialKey, type CredentialId, type ServedCredential } from '../core/credential.ts';

/** Pairs of key and credential remembered; some 300 bytes each. */
const DEFAULT_MAX = 20_000;

interface Handed {
  readonly generation: number;
  readonly value: string;
}

export class HandedOut {
  readonly #handed: BoundedMap<Handed>;

  constructor(max: number = DEFAULT_MAX) {
    this.#handed = new BoundedMap(max);
  }

  /** `keyId` was answered with `served`. */
  note(keyId: string, served: Pick<ServedCredential, 'id' | 'generation' | 'value'>): void {
    const slot = `${keyId} ${credentialKey(served.id)}`;
    const known = this.#handed.get(slot);
    if (known && known.generation === served.generation && known.value === served.value) return;
    this.#handed.set(slot, { generation: served.generation, value: served.value });
  }

  /** The value `keyId` got last, or null when nothing is remembered. */
  last(keyId: string, id: CredentialId): string | null {
    return this.#handed.get(`${keyId} ${credentialKey(id)}`)?.value ?? null;
  }
}
