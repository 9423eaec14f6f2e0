/** A credential store whose single calls a test can fail, lose or stop, per node. */

import { ZhongkongError } from '../../src/core/errors.ts';
import type { CredentialStore, DueQueue } from '../../src/core/store.ts';

type Method = keyof CredentialStore | keyof DueQueue;
/** `fail`: refused. `lose`: done, and the answer lost. A promise: goes on when it resolves. `answer`: done, told then. */
export type Fault = 'fail' | 'lose' | Promise<void> | { readonly answer: Promise<void> } | null;

export class FaultyStore {
  /** Asked before every call; null = nothing happens to it. */
  fault: (method: Method, args: readonly unknown[]) => Fault = () => null;
  readonly calls = new Map<Method, number>();
  readonly credentials: CredentialStore;
  readonly due: DueQueue;

  constructor(inner: { readonly credentials: CredentialStore; readonly due: DueQueue }) {
    this.credentials = this.#wrap(inner.credentials);
    this.due = this.#wrap(inner.due);
  }

  count(method: Method): number {
    return this.calls.get(method) ?? 0;
  }

  #wrap<T extends object>(inner: T): T {
    return new Proxy(inner, {
      get: (object, name) => {
        const method = name as Method;
        const real = Reflect.get(object, name) as ((...args: unknown[]) => Promise<unknown>) | undefined;
        if (typeof real !== 'function') return real;
        return async (...args: unknown[]) => {
          this.calls.set(method, this.count(method) + 1);
          const fault = this.fault(method, args);
          if (fault === 'fail') throw new ZhongkongError('store_unavailable', 'told to fail');
          if (fault instanceof Promise) await fault;
          const result = await real.apply(object, args);
          if (fault !== null && typeof fault === 'object' && 'answer' in fault) await fault.answer;
          if (fault === 'lose') throw new ZhongkongError('store_unavailable', 'told to lose the answer');
          return result;
        };
      },
    });
  }
}
