/**
 * Values that no key opens are lost: the record goes on without them, so that its next holder issues anew by the usual
 * rules. Else a credential whose key is gone would fail for ever.
 *
 * Lost is only what does not open right after the store named its keys and all of them were known here: a node that a
 * rotation has left behind finds that out instead, and touches nothing.
 */

import { BoundedMap } from '../core/bounded-map.ts';
import { decodeRecord, withoutValues } from '../core/codec.ts';
import { type CredentialId, credentialKey } from '../core/credential.ts';
import { ZhongkongError } from '../core/errors.ts';
import type { Store, StoredCredential } from '../core/store.ts';
import type { MasterKeys } from './master-key.ts';
import { type Method, withMethods } from './port-methods.ts';

/** Credentials that are told of once: each is read again and again until it is issued anew. */
const MAX_TOLD = 10_000;

/** The store, with lost values left out of what it gives; `tell` hears of each once. */
export function withoutLost(store: Store, keys: Pick<MasterKeys, 'seal' | 'follow'>, tell: (id: CredentialId) => void): Store {
  const told = new BoundedMap<string>(MAX_TOLD);
  const opens = ({ id, body }: StoredCredential): boolean => {
    try {
      // Opened, not only looked at: a value that was damaged under the right key is as lost as one whose key is gone.
      if (body !== null) decodeRecord(id, body, keys.seal);
      return true;
    } catch (error) {
      if (error instanceof ZhongkongError && error.code === 'unseal_failed') return false;
      throw error;
    }
  };
  const mended = async (stored: StoredCredential): Promise<StoredCredential> => {
    if (stored.body === null || opens(stored)) return stored;
    await keys.follow();
    if (opens(stored)) return stored;
    const key = credentialKey(stored.id);
    if (told.get(key) !== stored.body) tell(stored.id);
    told.set(key, stored.body);
    return { ...stored, body: withoutValues(stored.body) };
  };
  const { credentials, due } = store;
  return {
    ...store,
    credentials: replaced(credentials, {
      read: async (id) => {
        const stored = await credentials.read(id);
        return stored && mended(stored);
      },
      acquire: async (...wish) => {
        const got = await credentials.acquire(...wish);
        return 'lease' in got ? { ...got, stored: await mended(got.stored) } : got;
      },
    }),
    due: replaced(due, {
      claim: async (...wish) => Promise.all((await due.claim(...wish)).map(async (one) => ({ ...one, stored: await mended(one.stored) }))),
    }),
  };
}

/** The port with some of its methods replaced. */
const replaced = <T extends object>(port: T, own: Partial<T>): T =>
  withMethods(port, (name, method) => (own as Readonly<Record<string, Method>>)[name] ?? method);
