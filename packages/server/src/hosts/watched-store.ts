/** A store whose failures are noticed wherever they happen. It adds nothing else: every call goes through as it is. */

import type { Store } from '../core/store.ts';
import { withMethods } from './port-methods.ts';

type Notice = (during: string, error: unknown) => void;

export function watchedStore(store: Store, failed: Notice): Store {
  return {
    ...store,
    credentials: watched(store.credentials, failed),
    directory: watched(store.directory, failed),
    due: watched(store.due, failed),
    ping: () => store.ping(),
    close: () => store.close(),
  };
}

/** `during` is the name of the port's method. */
function watched<T extends object>(port: T, failed: Notice): T {
  return withMethods(port, (name, method) => (...args) => {
    const result = method(...args);
    if (result instanceof Promise) result.catch((error: unknown) => failed(`${name} of the store`, error));
    return result;
  });
}
