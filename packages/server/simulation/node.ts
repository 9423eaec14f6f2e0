/**
 * One node: the product's own parts, put together around one process's ports as `hosts/` puts them together, with the
 * same loops. Nothing of the product is replaced but what touches the machine.
 */

import { authorize } from '../src/access/authorize.ts';
import { Keys } from '../src/access/keys.ts';
import { Accounts } from '../src/core/accounts.ts';
import type { ServedCredential } from '../src/core/credential.ts';
import { ZhongkongError } from '../src/core/errors.ts';
import type { EventSink } from '../src/core/events.ts';
import type { Hash } from '../src/core/hash.ts';
import { Keeper } from '../src/core/keeper.ts';
import type { Target } from '../src/core/kind.ts';
import { Refresher } from '../src/core/refresher.ts';
import type { ReportResult } from '../src/core/report.ts';
import { StoreTime } from '../src/core/store-time.ts';
import type { Upstream } from '../src/core/upstream.ts';
import { Watcher } from '../src/core/watcher.ts';
import type { Dice } from './dice.ts';
import { textHash } from './dice.ts';
import { CATALOG } from './kinds.ts';
import type { Mutation } from './mutations.ts';
import { plainHash, plainSeal } from './plain-ports.ts';
import type { Process } from './process.ts';
import type { StoreLink } from './store-link.ts';

export const LEASE_MS = 30_000;
export const UPSTREAM_DEADLINE_MS = 5000;
export const COOLDOWN_MS = 30_000;
export const WATCH_MS = 2000;
const TIME_SYNC_MS = 30_000;
const BOOT_RETRY_MS = 1000;
export const KEY_GRACE_MS = 15 * 60_000;
const READ_DEADLINE_MS = 10_000;
/** The caller's patience ends sooner than the work that it started. */
const ELECTIVE_MS = 3 * LEASE_MS;
const FOREVER_MS = 1e12;

export interface NodeDeps {
  readonly process: Process;
  readonly link: StoreLink;
  readonly upstream: Upstream;
  readonly events: EventSink;
  readonly dice: Dice;
  readonly now: () => number;
  readonly cacheSize: number;
  readonly mutation: Mutation | null;
}

export type Node = ReturnType<typeof createNode>;

export function createNode({ process, link, upstream, events, dice, now, cacheSize, mutation }: NodeDeps) {
  const { credentials, directory, due } = link;
  const holder = `${process.name}#${process.number}`;
  const hash: Hash = plainHash;
  const time = new StoreTime(process, () => credentials.now(), events);
  // The mutant believes that its leases never end; the store ends them all the same.
  const leaseMs = mutation === 'no-last-look' ? FOREVER_MS : LEASE_MS;
  const settings = { upstreamDeadlineMs: UPSTREAM_DEADLINE_MS, leaseMs, reportCooldownMs: COOLDOWN_MS, cacheSize };
  const keeper = new Keeper({ credentials, upstream, clock: process, time, random: dice, hash, seal: plainSeal, events, holder, settings });
  const wake = (target: Target): Promise<void> => keeper.wake(target);
  const accounts = new Accounts({ directory, credentials, catalog: CATALOG, seal: plainSeal, hash, time, events, cacheSize, wake });
  const digest = (key: string): string => `d-${(textHash(key) >>> 0).toString(16)}`;
  const randomBytes = (count: number): Uint8Array => dice.bytes(count);
  const keys = new Keys({ directory, digest, time, events, randomBytes, declared: [], cacheSize, graceMs: KEY_GRACE_MS });
  const refresher = new Refresher({
    ...{ due, credentials, keeper, accounts, catalog: CATALOG, clock: process, events, holder, leaseMs },
    concurrency: 64,
  });
  const watcher = new Watcher({
    directory,
    drop: (change) => {
      if (change.topic === 'account') accounts.drop(change.id);
      else if (change.topic === 'key') keys.drop(change.id);
      else keeper.drop(change.id);
    },
    dropAll: () => {
      accounts.dropAll();
      keys.dropAll();
      keeper.dropAll();
    },
  });
  let running = true;
  let ready = false;
  let inFlight = 0;
  /** Until when the work that a report, an order or a leak started may go on, per account. */
  const electiveUntil = new Map<string, number>();

  const lookAround = async (): Promise<void> => {
    const at = time.now();
    const began = now();
    await watcher.poll();
    keeper.upToDate(at);
    keys.upToDate(at);
    process.knownAt = began;
  };
  const measure = async (): Promise<void> => {
    const began = now();
    await time.sync();
    process.measuredAt = began;
  };
  const every = async (ms: number, job: () => Promise<unknown>): Promise<void> => {
    while (running) {
      await process.sleep(ms);
      if (!running) return;
      try {
        await job();
      } catch (error) {
        if (!(error instanceof ZhongkongError)) throw error;
      }
    }
  };
  const counted = async <T>(work: Promise<T>): Promise<T> => {
    inFlight += 1;
    try {
      return await work;
    } finally {
      inFlight -= 1;
    }
  };
  const electively = async <T>(account: string, work: () => Promise<T>): Promise<T> => {
    electiveUntil.set(account, now() + ELECTIVE_MS);
    return counted(work());
  };
  const targetFor = async (key: string, id: string, scope: 'credential:read' | 'credential:refresh' | 'admin'): Promise<Target> => {
    const record = keys.cached(key) ?? (await keys.find(key));
    if (!record) throw new ZhongkongError('unauthorized', 'unknown key');
    const refused = authorize(record, { scope, account: id, kind: 'access_token', ip: null, now: time.now() });
    if (refused) throw refused;
    return CATALOG.target(accounts.cached(id) ?? (await accounts.require(id)), null);
  };

  return {
    ...{ holder, process, link, keeper, accounts, keys, refresher, time },
    get ready() {
      return ready && !process.dead;
    },
    get inFlight() {
      return inFlight;
    },
    /** It may be sending because of a report, an order or a leak. */
    working: (account: string): boolean => {
      const until = electiveUntil.get(account) ?? 0;
      // What was frozen on the way goes on afterwards.
      return now() < until || (process.frozenFrom < until && now() < process.frozenUntil + ELECTIVE_MS);
    },

    /** Reach the store, find out where now is, then run the loops. */
    async boot(): Promise<void> {
      for (; running; await process.sleep(BOOT_RETRY_MS)) {
        try {
          await measure();
          await lookAround();
          break;
        } catch (error) {
          if (!(error instanceof ZhongkongError)) throw error;
        }
      }
      if (!running) return;
      ready = true;
      refresher.start();
      void every(WATCH_MS, lookAround);
      void every(TIME_SYNC_MS, measure);
    },

    /** As a read request is answered: from memory at once when it can be. */
    async serve(key: string, id: string, minTtlMs: number): Promise<ServedCredential> {
      const target = await targetFor(key, id, 'credential:read');
      return keeper.peek(target) ?? (await counted(keeper.read(target, { deadlineMs: READ_DEADLINE_MS, minTtlMs })));
    },

    async report(key: string, id: string, value: string): Promise<ReportResult> {
      const target = await targetFor(key, id, 'credential:read');
      const meant = mutation === 'no-compare' ? (keeper.peek(target)?.value ?? value) : value;
      return electively(id, () => keeper.report(target, meant, READ_DEADLINE_MS));
    },

    async order(key: string, id: string): Promise<ServedCredential> {
      const target = await targetFor(key, id, 'credential:refresh');
      return electively(id, () => keeper.refresh(target, READ_DEADLINE_MS));
    },

    async revokeLeaked(key: string, id: string) {
      const target = await targetFor(key, id, 'admin');
      return electively(id, () => keeper.revokeLeaked(target, 'leaked'));
    },

    /** As the host ends a process: no new work, what is in the air lands. */
    async stop(): Promise<void> {
      running = false;
      ready = false;
      await refresher.stop();
      await keeper.drain();
    },
  };
}
