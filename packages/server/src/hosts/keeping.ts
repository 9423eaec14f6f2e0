/** The core around a store: everything that keeps, hands out and guards credentials, on Node's adapters. */

import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { Keys } from '../access/keys.ts';
import { nodeHash } from '../adapters/hash.ts';
import { nodeRandom } from '../adapters/random.ts';
import type { Config } from '../config/schema.ts';
import { Accounts } from '../core/accounts.ts';
import type { Clock } from '../core/clock.ts';
import type { EventSink } from '../core/events.ts';
import { Keeper, type KeeperDeps } from '../core/keeper.ts';
import type { Target } from '../core/kind.ts';
import { Refresher } from '../core/refresher.ts';
import type { Suspension } from '../core/standing.ts';
import type { Change, Store } from '../core/store.ts';
import type { StoreTime } from '../core/store-time.ts';
import type { Upstream } from '../core/upstream.ts';
import { Watcher } from '../core/watcher.ts';
import { CATALOG } from '../platforms/index.ts';
import type { MasterKeys } from './master-key.ts';

export interface KeepingDeps {
  readonly config: Config;
  readonly store: Store;
  readonly masterKeys: MasterKeys;
  readonly clock: Clock;
  readonly time: StoreTime;
  readonly events: EventSink;
  readonly upstream: Upstream;
  /** Why nothing may be issued now, or null. */
  readonly suspended: () => Suspension | null;
  /** As in `KeeperDeps`: what becomes of work that nobody waits for. */
  readonly background?: Pick<KeeperDeps, 'freezes' | 'defer'>;
}

export function createKeeping({ config, store, masterKeys, clock, time, events, upstream, suspended, background = {} }: KeepingDeps) {
  const { credentials, directory, due } = store;
  const { refresh } = config;
  const holder = `${hostname()}-${process.pid}-${randomBytes(4).toString('hex')}`;
  const leaseMs = refresh.leaseSeconds * 1000;
  const { cacheSize } = refresh;
  const graceMs = refresh.storeAwayMinutes * 60_000;
  const hash = nodeHash;
  const { seal, digest, beforeSealing } = masterKeys;
  const settings = {
    upstreamDeadlineMs: refresh.upstreamTimeoutSeconds * 1000,
    leaseMs,
    reportCooldownMs: refresh.reportCooldownSeconds * 1000,
    cacheSize,
  };
  const random = nodeRandom;
  const sealing = { seal, beforeSealing };
  const sessions = { credentials, upstream, clock, time, random, hash, ...sealing, events, settings, suspended };
  const keeper = new Keeper({ ...sessions, ...background, holder });
  const wake = (target: Target) => keeper.wake(target);
  const upstreams = new Set(Object.keys(config.upstreams));
  const common = { directory, credentials, catalog: CATALOG, ...sealing, hash, time, events, cacheSize };
  const accounts = new Accounts({ ...common, upstreams, wake });
  const keys = new Keys({ directory, digest, time, events, randomBytes, declared: config.keys, cacheSize, graceMs });
  const { concurrency } = refresh;
  const refresher = new Refresher({
    ...{ due, credentials, keeper, accounts, catalog: CATALOG, clock, events, holder, leaseMs, concurrency, suspended },
  });
  const drop = (change: Change): void => {
    if (change.topic === 'account') accounts.drop(change.id);
    else if (change.topic === 'key') keys.drop(change.id);
    else keeper.drop(change.id);
  };
  const dropAll = (): void => {
    accounts.dropAll();
    keys.dropAll();
    keeper.dropAll();
  };
  return { catalog: CATALOG, keeper, accounts, keys, refresher, watcher: new Watcher({ directory, drop, dropAll }), digest };
}
