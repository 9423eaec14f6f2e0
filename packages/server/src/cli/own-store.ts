/**
 * The configured store itself, without a server around it: for commands that work on all of a store and have to reach it
 * when no server may start on it.
 */

import { randomBytes } from 'node:crypto';
import type { Config } from '../config/schema.ts';
import type { Seal } from '../core/seal.ts';
import type { Store } from '../core/store.ts';
import { openMasterKeys } from '../hosts/master-key.ts';
import { machinePace, type Pace } from '../hosts/moving/pace.ts';
import { openStore } from '../stores/open.ts';
import { storePlace } from '../stores/place.ts';
import { startFailure } from './failure.ts';
import type { Io } from './io.ts';
import { requireStore } from './local.ts';

/** Names one run of a command, in leases and marks. */
export const newRun = (): string => randomBytes(6).toString('hex');

/** Opens `url`; what is wrong with it is wrong configuration. */
export async function openAt(url: string): Promise<Store> {
  try {
    return await openStore(url);
  } catch (error) {
    throw startFailure(error);
  }
}

/** Does `work` on the configured store, which must be there already. */
export async function withOwnStore<T>(config: Config, work: (store: Store, place: string) => Promise<T>): Promise<T> {
  requireStore(config);
  const store = await openAt(config.store);
  try {
    return await work(store, storePlace(config.store));
  } finally {
    await store.close();
  }
}

/** Of a store that was used: its master key must be the configured one. Makes none. */
export async function sealOf(config: Config, { directory }: Store): Promise<Seal> {
  try {
    return (await openMasterKeys(config, directory)).seal;
  } catch (error) {
    throw startFailure(error);
  }
}

/** Ctrl-C ends it between two pages, and what was begun is taken back. */
export async function interruptible<T>(io: Io, wrote: Pace['wrote'], work: (pace: Pace) => Promise<T>): Promise<T> {
  let stopped = false;
  const done = io.onSignals(() => {
    stopped = true;
  });
  try {
    return await work(machinePace(() => stopped, wrote));
  } finally {
    done();
  }
}
