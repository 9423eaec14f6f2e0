/** A database of a test's own on a real server: what the tests of both servers need of it. */

import type { Store } from '../../src/core/store.ts';

/** One plain connection. */
export interface Session {
  run(statement: string, parameters?: readonly unknown[]): Promise<readonly Record<string, unknown>[]>;
}

export interface ServerDatabase {
  readonly name: string;
  /** Of the database, with a user who may do everything in it. */
  readonly url: string;
  /** As if its store had just been made. */
  empty(): Promise<void>;
  open(serverNow?: () => number): Promise<Store>;
  session(): Promise<Session>;
  /** The server hangs up on every connection into this database but those of `session`. Says on how many. */
  hangUp(): Promise<number>;
  drop(): Promise<void>;
}

/** The error, which must be one of ours. */
export async function refusal(work: Promise<unknown>): Promise<Error & { readonly code: string }> {
  const error = await work.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (error instanceof Error && 'code' in error) return error as Error & { readonly code: string };
  throw new Error('it was not refused with one of our errors', { cause: error });
}
