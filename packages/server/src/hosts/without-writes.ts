/**
 * A store that takes no writes while this node must not work with it: later code has changed its schema, or another
 * master key seals it. Reads go on, and memory serves; whoever wants to change something hears why not.
 */

import type { ZhongkongError } from '../core/errors.ts';
import type { CredentialStore, Directory, DueQueue, Store } from '../core/store.ts';
import { withMethods } from './port-methods.ts';

type Method = keyof CredentialStore | keyof DueQueue | keyof Directory;

const WRITES: ReadonlySet<string> = new Set<Method>([
  ...(['acquire', 'write', 'schedule', 'removeAll', 'claim'] as const),
  ...(['putAccount', 'removeAccount', 'putKey', 'appendAudit', 'pruneAudit', 'putSetting'] as const),
]);

/** `refusal`: what a write is refused with; null = it may go on. */
export function withoutWrites(store: Store, refusal: () => ZhongkongError | null): Store {
  const guard = <T extends object>(port: T): T =>
    withMethods(port, (name, method) => {
      if (!WRITES.has(name)) return method;
      return (...args) => {
        const refused = refusal();
        return refused ? Promise.reject(refused) : method(...args);
      };
    });
  return { ...store, credentials: guard(store.credentials), directory: guard(store.directory), due: guard(store.due) };
}
