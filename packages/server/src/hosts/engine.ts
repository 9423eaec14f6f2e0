/**
 * The composition root: opens the store and puts every part together around it, for any host and for the CLI.
 *
 * Nothing runs by itself until `start()`; `stop()` ends what was started, in reverse order, and closes the store.
 */

import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { createApiKey } from '../access/key-format.ts';
import { ADMIN_KEY_ID, Keys } from '../access/keys.ts';
import { RateLimiter } from '../access/rate.ts';
import { nodeClock } from '../adapters/clock.ts';
import { nodeHash } from '../adapters/hash.ts';
import { createKeyDigest } from '../adapters/key-digest.ts';
import { nodeRandom } from '../adapters/random.ts';
import { createSeal } from '../adapters/seal.ts';
import { createUndiciUpstream } from '../adapters/undici-upstream.ts';
import type { Config } from '../config/schema.ts';
import { Accounts } from '../core/accounts.ts';
import type { Clock } from '../core/clock.ts';
import { EventBus } from '../core/events.ts';
import { Keeper } from '../core/keeper.ts';
import { Catalog } from '../core/kind.ts';
import { Refresher } from '../core/refresher.ts';
import type { Change, Store } from '../core/store.ts';
import { StoreTime } from '../core/store-time.ts';
import { Watcher } from '../core/watcher.ts';
import { HandedOut } from '../dropin/handed-out.ts';
import { createApp } from '../http/app.ts';
import { Alarms } from '../observe/alarms.ts';
import { AuditTrail } from '../observe/audit.ts';
import { createLogger, logAlarms, logEvents } from '../observe/log.ts';
import { createMetrics } from '../observe/metrics.ts';
import { observeRequests } from '../observe/requests.ts';
import { KINDS } from '../platforms/index.ts';
import { openStore } from '../stores/open.ts';
import { applyDeclaredAccounts } from './declared-accounts.ts';
import { every, type Loop } from './every.ts';
import { Health } from './health.ts';
import { findMasterKey } from './master-key.ts';

export const VERSION: string = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')).version;

const CATALOG = new Catalog(KINDS);

/** How long a key or account that memory knows may be believed while the store is away, ms. */
const CACHE_TTL_MS = 15 * 60_000;
/** What other processes changed is looked for this often, ms; the contract promises 5 s. */
const WATCH_MS = 2000;
const TIME_SYNC_MS = 30_000;
const PRUNE_MS = 3_600_000;
const DAY_MS = 86_400_000;
/** A drop-in call as a whole: common SDKs give up after 3 s. */
const DROPIN_DEADLINE_MS = 2500;

export interface EngineOptions {
  /** Default: the machine's. */
  readonly clock?: Clock;
}

export type Engine = Awaited<ReturnType<typeof openEngine>>;

/** Open the store and compose the parts. Throws ZhongkongError `config_invalid`, `store_unavailable` or `unseal_failed`. */
export async function openEngine(config: Config, options: EngineOptions = {}) {
  const clock = options.clock ?? nodeClock;
  const events = new EventBus();
  const store = await openStore(config.store, { now: () => clock.wall() });
  try {
    return await compose(config, clock, events, store);
  } catch (error) {
    await store.close();
    throw error;
  }
}

async function compose(config: Config, clock: Clock, events: EventBus, store: Store) {
  const { credentials, directory, due } = store;
  const masterKey = await findMasterKey(config, directory);
  const digest = createKeyDigest(masterKey);
  const time = new StoreTime(clock, () => credentials.now(), events);
  await time.sync();
  const { refresh } = config;
  const holder = `${hostname()}-${process.pid}-${randomBytes(4).toString('hex')}`;
  const leaseMs = refresh.leaseSeconds * 1000;
  const upstream = createUndiciUpstream({ bases: config.upstreams, egressProxy: config.egressProxy });
  const hash = nodeHash;
  const seal = createSeal({ current: masterKey });
  const keeper = new Keeper({
    credentials,
    upstream,
    clock,
    time,
    random: nodeRandom,
    hash,
    seal,
    events,
    holder,
    settings: {
      upstreamDeadlineMs: refresh.upstreamTimeoutSeconds * 1000,
      leaseMs,
      reportCooldownMs: refresh.reportCooldownSeconds * 1000,
      cacheSize: refresh.cacheSize,
    },
  });
  const accounts = new Accounts({
    directory,
    credentials,
    catalog: CATALOG,
    seal,
    hash,
    time,
    events,
    cacheSize: refresh.cacheSize,
    wake: (target) => keeper.wake(target),
  });
  const keys = new Keys({
    directory,
    digest,
    time,
    events,
    randomBytes,
    declared: config.keys,
    cacheSize: refresh.cacheSize,
    cacheTtlMs: CACHE_TTL_MS,
  });
  const refresher = new Refresher({
    due,
    credentials,
    keeper,
    accounts,
    catalog: CATALOG,
    clock,
    events,
    holder,
    leaseMs,
    concurrency: refresh.concurrency,
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
  const watcher = new Watcher({ directory, drop, dropAll });
  // The first round only finds out where "now" is; before anything is cached, so that nothing is missed.
  await watcher.poll();
  const health = new Health(events);
  const limiter = new RateLimiter(() => clock.monotonic());
  const handedOut = new HandedOut();
  const loops: Loop[] = [];

  const now = () => time.now();
  const logger = createLogger({ level: config.log.level });
  const alarms = new Alarms({ bus: events, now });
  const metrics = createMetrics({
    bus: events,
    alarms,
    version: VERSION,
    now,
    accountCount: () => directory.countAccounts(),
    nextDueAt: () => due.nextDueAt(),
    inFlight: () => refresher.inFlight,
  });
  logEvents(events, logger);
  logAlarms(alarms, logger);
  const auditTrail = new AuditTrail({ bus: events, alarms, directory, clock, now });

  const app = createApp({
    keeper,
    accounts,
    keys,
    catalog: CATALOG,
    directory,
    credentials,
    limiter,
    time,
    health: () => health.report(),
    metrics: () => metrics.text(),
    events,
    options: {
      docsPublic: config.docs.public,
      acceptAppSecret: config.dropin.acceptAppSecret,
      readDeadlineMs: refresh.readTimeoutSeconds * 1000,
      dropinDeadlineMs: DROPIN_DEADLINE_MS,
      version: VERSION,
      store: config.store.slice(0, config.store.indexOf(':')),
    },
    requestId: () => randomBytes(8).toString('hex'),
    log: observeRequests(logger, metrics),
    handedOut,
    wall: () => clock.wall(),
    unit: () => nodeRandom.unit(),
  });

  return {
    config,
    events,
    catalog: CATALOG,
    store,
    clock,
    time,
    keeper,
    accounts,
    keys,
    refresher,
    upstream,
    limiter,
    health,
    alarms,
    app,
    /** What the Node host needs to answer the hottest reads from memory. */
    fast: { keys, accounts, catalog: CATALOG, keeper, limiter, handedOut, time, readCell: metrics.readCell },

    /** Write what the configuration declares: its accounts and its admin key. */
    async applyConfig(): Promise<void> {
      await applyDeclaredAccounts({ accounts, directory, digest }, config.accounts ?? []);
      if (config.adminKey !== null) await keys.putAdmin(config.adminKey, 'config');
    },

    /** The first admin key of an installation that has none, to be shown once; null when there is one already. */
    async createFirstAdminKey(): Promise<string | null> {
      if (config.adminKey !== null || (await keys.get(ADMIN_KEY_ID)) !== null) return null;
      const key = createApiKey(randomBytes);
      await keys.putAdmin(key, 'system');
      return key;
    },

    /** Keep credentials fresh and this node's memory honest, until stopped. */
    start(): void {
      refresher.start();
      const during = (name: string) => (error: unknown) => health.storeTrouble(name, error);
      loops.push(every(WATCH_MS, async () => health.storeContact(await watcher.poll()), during('reading changes')));
      loops.push(every(TIME_SYNC_MS, async () => health.storeContact(await time.sync()), during('reading the time')));
      const prune = () => directory.pruneAudit(time.now() - config.retention.auditDays * DAY_MS);
      loops.push(every(PRUNE_MS, async () => void (await prune()), during('pruning the audit trail')));
      health.started();
    },

    /** No new refreshes; what is in the air lands and is stored. */
    async stop(): Promise<void> {
      health.draining();
      await Promise.all(loops.map((loop) => loop.stop()));
      await refresher.stop();
      await keeper.drain();
      await auditTrail.stop();
      await upstream.close();
      await store.close();
    },
  };
}
