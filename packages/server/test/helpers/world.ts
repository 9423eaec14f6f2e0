/** Some nodes on one store, one WeChat and one clock. */

import { type AccountInput, Accounts } from '../../src/core/accounts.ts';
import type { CredentialRecord, ServedCredential } from '../../src/core/credential.ts';
import { decodeRecord } from '../../src/core/codec.ts';
import { Keeper } from '../../src/core/keeper.ts';
import type { Chain, Target } from '../../src/core/kind.ts';
import { Refresher } from '../../src/core/refresher.ts';
import type { Suspension } from '../../src/core/standing.ts';
import { StoreTime } from '../../src/core/store-time.ts';
import { Watcher } from '../../src/core/watcher.ts';
import { createMemoryStore, MemoryState } from '../../src/stores/memory/index.ts';
import type { Random } from '../../src/core/random.ts';
import { START, VirtualClock } from './clock.ts';
import { EventMonitor } from './event-monitor.ts';
import { FaultyStore } from './faulty-store.ts';
import { catalog } from './kinds.ts';
import { fixedRandom, plainHash, plainSeal } from './plain.ts';
import { ScriptedUpstream } from './upstream.ts';
import { WeChatModel } from './wechat-model.ts';

export const LEASE_MS = 30_000;
export const UPSTREAM_MS = 5000;
export const COOLDOWN_MS = 30_000;

export interface WorldOptions {
  readonly mode?: 'classic' | 'stable';
  readonly random?: Random;
  readonly chain?: Partial<Chain>;
  readonly secrets?: readonly string[];
  readonly cacheSize?: number;
  /** As in `KeeperDeps`. */
  readonly freezes?: boolean;
}

export type Node = ReturnType<World['node']>;

export class World {
  readonly clock = new VirtualClock();
  readonly state = new MemoryState();
  readonly models = new Map<string, WeChatModel>();
  readonly upstream = new ScriptedUpstream(this.models, this.clock);
  readonly options: WorldOptions;
  #nodes = 0;

  private constructor(options: WorldOptions) {
    this.options = options;
  }

  /** One account `app`, stored, and no credential yet. */
  static async create(options: WorldOptions = {}): Promise<World & { readonly first: Node }> {
    const world = new World(options);
    const first = world.node();
    await world.add(first, 'app', options.secrets);
    return Object.assign(world, { first });
  }

  get model(): WeChatModel {
    const model = this.models.get('app');
    if (!model) throw new Error('no account');
    return model;
  }

  async add(node: { readonly accounts: Accounts }, id: string, secrets: readonly string[] = ['secret-1'], appId = id): Promise<void> {
    const model = new WeChatModel(() => START + this.clock.monotonic(), appId);
    model.secrets = new Set(secrets.slice(0, 1));
    this.models.set(appId, model);
    const input: AccountInput = { id, platform: 'official-account', appId, mode: this.options.mode ?? 'classic', secrets };
    await node.accounts.create(input, 'test');
  }

  /** One more process on the store. */
  node() {
    this.#nodes += 1;
    const { clock, upstream, options } = this;
    const store = createMemoryStore({ now: () => clock.wall(), state: this.state });
    const faulty = new FaultyStore(store);
    const { credentials, due } = faulty;
    const events = new EventMonitor();
    const time = new StoreTime(clock, () => credentials.now(), events);
    const kinds = catalog(options.chain);
    const cacheSize = options.cacheSize ?? 100_000;
    const holder = `node-${this.#nodes}`;
    let suspension: Suspension | null = null;
    const suspended = (): Suspension | null => suspension;
    const keeper = new Keeper({
      credentials,
      upstream,
      clock,
      time,
      random: options.random ?? fixedRandom(),
      hash: plainHash,
      seal: plainSeal,
      events,
      holder,
      suspended,
      freezes: options.freezes ?? false,
      settings: { upstreamDeadlineMs: UPSTREAM_MS, leaseMs: LEASE_MS, reportCooldownMs: COOLDOWN_MS, cacheSize },
    });
    const { directory } = store;
    const wake = (target: Target): Promise<void> => keeper.wake(target);
    const accounts = new Accounts({
      directory,
      credentials,
      catalog: kinds,
      seal: plainSeal,
      hash: plainHash,
      time,
      events,
      cacheSize,
      wake,
    });
    const refresher = new Refresher({
      due,
      credentials,
      keeper,
      accounts,
      catalog: kinds,
      clock,
      events,
      holder,
      leaseMs: LEASE_MS,
      concurrency: 64,
      suspended,
    });
    const watcher = new Watcher({
      directory,
      drop: (change) => {
        if (change.topic === 'credential') keeper.drop(change.id);
        if (change.topic === 'account') accounts.drop(change.id);
      },
      dropAll: () => {
        keeper.dropAll();
        accounts.dropAll();
      },
    });
    let running = false;
    const target = async (id = 'app'): Promise<Target> => kinds.target(await accounts.require(id), null);
    return {
      keeper,
      accounts,
      refresher,
      watcher,
      events,
      time,
      store: faulty,
      directory,
      target,
      /** What this node has heard of its store's standing. */
      suspend: (why: Suspension | null): void => {
        suspension = why;
      },
      /** Read with ten seconds of patience. */
      read: async (id = 'app', minTtlMs = 0): Promise<ServedCredential> => keeper.read(await target(id), { deadlineMs: 10_000, minTtlMs }),
      report: async (value: string) => keeper.report(await target(), value, 10_000),
      /** Do everything that is due now. */
      tick: async (): Promise<number> => {
        const claimed = await refresher.tick();
        await refresher.idle();
        return claimed;
      },
      /** The loops of a real process: the due queue, and what others changed every 2 s. */
      start: (): void => {
        running = true;
        refresher.start();
        const watch = async (): Promise<void> => {
          while (running) {
            const at = time.now();
            await watcher.poll();
            keeper.upToDate(at);
            await clock.sleep(2000);
          }
        };
        void watch();
      },
      stop: async (): Promise<void> => {
        running = false;
        await refresher.stop();
        await keeper.drain();
      },
      /** The record as the store has it, or null. */
      stored: async (id = 'app'): Promise<CredentialRecord | null> => {
        const row = await store.credentials.read((await target(id)).id);
        return row?.body ? decodeRecord(row.id, row.body, plainSeal) : null;
      },
      row: async (id = 'app') => store.credentials.read((await target(id)).id),
    };
  }
}
