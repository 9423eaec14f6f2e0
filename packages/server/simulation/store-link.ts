/**
 * A process's connection to the shared store: latency, failures, lost answers, late effects around the memory store.
 *
 * Every call is one step of the store (that is what a transaction is), taken when the request arrives or just before
 * the answer does. A failure leaves the caller not knowing which: the step was taken, or was not, or will be.
 */

import type { Acquired, CredentialStore, Directory, DueQueue, LeaseGrant, Store } from '../src/core/store.ts';
import { credentialKey } from '../src/core/credential.ts';
import { ZhongkongError } from '../src/core/errors.ts';
import type { Dice } from './dice.ts';
import { type CallName, never, type Process } from './process.ts';
import type { Scheduler } from './scheduler.ts';
import type { StoreMutations } from './mutations.ts';

/** How the store fares now. */
export interface StoreWeather {
  /** Nobody reaches it. */
  out: boolean;
  /** Share of calls that fail. */
  failing: number;
  /** Usual latency, ms. */
  latencyMs: number;
}

export interface StoreLinkDeps {
  readonly process: Process;
  readonly store: Store;
  readonly scheduler: Scheduler;
  readonly dice: Dice;
  readonly weather: StoreWeather;
  readonly leaseMs: number;
  readonly mutations: StoreMutations;
  /** A call failed; `what` names it for the trace. */
  readonly failed: (what: string) => void;
}

/** What a driver waits before it gives a call up, ms. */
const DRIVER_TIMEOUT_MS = 8000;

export class StoreLink {
  readonly credentials: CredentialStore;
  readonly directory: Directory;
  readonly due: DueQueue;
  /** Leases given to this process and not given back: until when, virtual ms. */
  readonly leases = new Map<string, { readonly fence: number; readonly until: number }>();
  readonly #deps: StoreLinkDeps;

  constructor(deps: StoreLinkDeps) {
    this.#deps = deps;
    const { leaseMs, mutations } = deps;
    const credentials = mutations.credentials(deps.store.credentials);
    const due = mutations.due(deps.store.due);
    const { directory } = deps.store;
    const call = <T>(name: CallName, work: () => Promise<T>): Promise<T> => this.#call(name, work);
    this.credentials = {
      now: () => call('other', () => credentials.now()),
      read: (id) => call('read', () => credentials.read(id)),
      list: (account) => call('other', () => credentials.list(account)),
      acquire: async (id, holder, durationMs) => {
        const until = deps.scheduler.now + Math.min(durationMs, leaseMs);
        const got = await call('acquire', () => credentials.acquire(id, holder, Math.min(durationMs, leaseMs)));
        if ('lease' in got) this.#hold(got, until);
        return got;
      },
      write: async (lease, next, options) => {
        const outcome = await call('write', () => credentials.write(lease, next, options));
        if (options.release || outcome === 'stale') this.#drop(lease);
        return outcome;
      },
      release: async (lease) => {
        await call('release', () => credentials.release(lease));
        this.#drop(lease);
      },
      schedule: (id, at) => call('other', () => credentials.schedule(id, at)),
      removeAll: (account) => call('other', () => credentials.removeAll(account)),
    };
    this.due = {
      claim: async (holder, durationMs, limit) => {
        const until = deps.scheduler.now + Math.min(durationMs, leaseMs);
        const claimed = await call('claim', () => due.claim(holder, Math.min(durationMs, leaseMs), limit));
        for (const one of claimed) this.#hold(one, until);
        return claimed;
      },
      nextDueAt: () => call('other', () => due.nextDueAt()),
    };
    this.directory = {
      account: (id) => call('other', () => directory.account(id)),
      accountsByAppId: (id) => call('other', () => directory.accountsByAppId(id)),
      accounts: (page) => call('other', () => directory.accounts(page)),
      countAccounts: () => call('other', () => directory.countAccounts()),
      putAccount: (account) => call('other', () => directory.putAccount(account)),
      removeAccount: (id) => call('other', () => directory.removeAccount(id)),
      key: (id) => call('other', () => directory.key(id)),
      keyByDigest: (digest) => call('other', () => directory.keyByDigest(digest)),
      keys: (page) => call('other', () => directory.keys(page)),
      putKey: (key) => call('other', () => directory.putKey(key)),
      appendAudit: (entries) => call('other', () => directory.appendAudit(entries)),
      audit: (query) => call('other', () => directory.audit(query)),
      pruneAudit: (olderThan) => call('other', () => directory.pruneAudit(olderThan)),
      changes: (cursor, limit) => call('other', () => directory.changes(cursor, limit)),
      setting: (name) => call('other', () => directory.setting(name)),
      putSetting: (name, expected, value) => call('other', () => directory.putSetting(name, expected, value)),
    };
  }

  #hold({ lease }: Acquired, until: number): void {
    this.leases.set(credentialKey(lease.id), { fence: lease.fence, until });
  }

  #drop(lease: LeaseGrant): void {
    const key = credentialKey(lease.id);
    if (this.leases.get(key)?.fence === lease.fence) this.leases.delete(key);
  }

  #call<T>(name: CallName, work: () => Promise<T>): Promise<T> {
    const { process, dice, weather } = this.#deps;
    if (process.dead) return never();
    const before = process.trap === null ? null : process.spring(name, 'before');
    if (before?.what === 'crash') {
      process.crash();
      return never();
    }
    if (before) process.freeze(before.pauseMs);
    // What leaves a frozen process leaves when it goes on, into the weather of then.
    if (process.frozen) return new Promise((resolve) => process.after(0, () => resolve(this.#call(name, work))));
    if (weather.out || process.storeCut || (weather.failing > 0 && dice.chance(weather.failing))) return this.#fail(name, work);
    const latencyMs = weather.latencyMs * (0.5 + dice.unit());
    if (process.trap !== null) {
      const after = process.spring(name, 'after');
      if (after) {
        return new Promise((resolve) => {
          const done = work();
          process.after(latencyMs, () => resolve(done));
          if (after.what === 'crash') process.crash();
          else process.freeze(after.pauseMs);
        });
      }
    }
    return new Promise((resolve) => {
      if (dice.chance(0.5)) {
        const done = work();
        process.after(latencyMs, () => resolve(done));
      } else {
        process.after(latencyMs, () => resolve(work()));
      }
    });
  }

  #fail<T>(name: CallName, work: () => Promise<T>): Promise<T> {
    const { process, scheduler, dice, weather } = this.#deps;
    const unreachable = weather.out || process.storeCut;
    const fate = unreachable ? dice.pick(['refused', 'timeout'] as const) : dice.pick(['refused', 'answer lost', 'late'] as const);
    const failsIn = fate === 'refused' ? dice.between(1, 50) : dice.between(100, DRIVER_TIMEOUT_MS);
    process.storeFailedAt = scheduler.now;
    this.#deps.failed(`${name}: ${fate}`);
    if (fate === 'answer lost') scheduler.after(weather.latencyMs, null, () => void work());
    if (fate === 'late') scheduler.after(failsIn + dice.around(2000), null, () => void work());
    return new Promise((_, reject) => {
      process.after(failsIn, () => {
        process.storeFailedAt = scheduler.now;
        reject(new ZhongkongError('store_unavailable', 'the store did not answer'));
      });
    });
  }
}
