/**
 * The composition root: opens the store and puts every part together around it, for any host and for the CLI.
 *
 * Nothing runs by itself until `start()`; `stop()` ends what was started, in reverse order, and closes the store.
 */

import { randomBytes } from 'node:crypto';
import { createApiKey } from '../access/key-format.ts';
import { ADMIN_KEY_ID } from '../access/keys.ts';
import { RateLimiter } from '../access/rate.ts';
import { nodeClock } from '../adapters/clock.ts';
import { nodeHash } from '../adapters/hash.ts';
import { nodeRandom } from '../adapters/random.ts';
import { createUndiciUpstream } from '../adapters/undici-upstream.ts';
import type { Config } from '../config/schema.ts';
import type { Clock } from '../core/clock.ts';
import { ZhongkongError } from '../core/errors.ts';
import { EventBus } from '../core/events.ts';
import { readStanding } from '../core/standing.ts';
import type { Store } from '../core/store.ts';
import { StoreTime } from '../core/store-time.ts';
import { HandedOut } from '../dropin/handed-out.ts';
import { createApp } from '../http/app.ts';
import { observeRequests } from '../observe/requests.ts';
import { openStore } from '../stores/open.ts';
import { storePlace } from '../stores/place.ts';
import { applyDeclaredAccounts } from './declared-accounts.ts';
import { ByRequest, PRUNE_MS, WATCH_MS } from './by-request.ts';
import { every, type Loop } from './every.ts';
import { Health, LOOK_MS, withAlarms } from './health.ts';
import { createKeeping, type KeepingDeps } from './keeping.ts';
import { withoutLost } from './lost-values.ts';
import { openMasterKeys } from './master-key.ts';
import { createObserving } from './observing.ts';
import { refuseUnlessOurs, StandingWatch } from './standing-watch.ts';
import { VERSION } from './version.ts';
import { watchedStore } from './watched-store.ts';
import { withoutWrites } from './without-writes.ts';

const TIME_SYNC_MS = 30_000;
const DAY_MS = 86_400_000;
/** A drop-in call as a whole: common SDKs give up after 3 s. */
const DROPIN_DEADLINE_MS = 2500;

export interface EngineOptions {
  /** Default: the machine's. */
  readonly clock?: Clock;
  /** Default: `openStore`, by the scheme of the option `store`. Tests bring one whose clock they move. */
  readonly openStore?: typeof openStore;
  /** What becomes of work that nobody waits for; default: it runs by itself. Without `start()`, see `by-request.ts`. */
  readonly background?: KeepingDeps['background'];
}

export type Engine = Awaited<ReturnType<typeof openEngine>>;

/** Open the store and compose the parts. Throws ZhongkongError `config_invalid`, `store_unavailable` or `unseal_failed`. */
export async function openEngine(config: Config, options: EngineOptions = {}) {
  const clock = options.clock ?? nodeClock;
  const store = await (options.openStore ?? openStore)(config.store, { now: () => clock.wall() });
  try {
    return await compose(config, clock, store, options.background);
  } catch (error) {
    await store.close();
    throw error;
  }
}

async function compose(config: Config, clock: Clock, opened: Store, background: KeepingDeps['background'] = {}) {
  const events = new EventBus();
  const time = new StoreTime(clock, () => store.credentials.now(), events);
  const now = () => time.now();
  const { standing } = await readStanding(opened.directory);
  refuseUnlessOurs(standing, storePlace(config.store));
  const watch = new StandingWatch(standing);
  const { suspended } = watch;
  const health = new Health(events, now, suspended);
  const guarded = withoutWrites({ ...opened, directory: watch.guard(opened.directory) }, () => health.refusal);
  const store = watchedStore(guarded, (during, error) => health.storeFailed(during, error));
  const { credentials, directory } = store;
  const masterKeys = await openMasterKeys(config, directory, clock);
  const observing = createObserving({ config, store, events, clock, now, inFlight: () => keeping.refresher.inFlight });
  const { alarms, metrics, auditTrail, logger } = observing;
  await time.sync();
  for (const { en, zh } of store.warnings ?? []) logger.warn({ event: 'store.warning', advice_zh: zh }, en);
  const egress = createUndiciUpstream({ bases: config.upstreams, egressProxy: config.egressProxy });
  const whole = withoutLost(store, masterKeys, (id) => events.emit({ type: 'credential.lost', id }));
  const keeping = createKeeping({
    config,
    store: whole,
    masterKeys,
    clock,
    time,
    events,
    upstream: metrics.timed(egress, clock),
    suspended,
    background,
  });
  const { catalog, keeper, accounts, keys, refresher, watcher, digest } = keeping;
  const tellStanding = (): void => {
    const suspension = suspended();
    if (suspension) {
      const { code, message, advice } = suspension;
      logger.warn({ event: 'store.suspended', cause: code, advice: advice.en, advice_zh: advice.zh }, message.en);
    }
    if (!suspension) logger.info({ event: 'store.active' }, 'credentials are issued again');
  };
  if (suspended()) tellStanding();
  const lookAround = async (): Promise<void> => {
    const at = now();
    await watcher.poll();
    if (await watch.look(opened.directory)) {
      // What was done to a whole store meanwhile is in no log of changes.
      keeper.dropAll();
      tellStanding();
    }
    keys.upToDate(at);
    // Of a store that others have taken over, nothing later is known than what was there then.
    if (!suspended()?.elsewhere) keeper.upToDate(at);
  };
  // The first round only finds out where "now" is; before anything is cached, so that nothing is missed.
  await lookAround();

  const askStore = async (): Promise<void> => {
    await store.ping();
    if (await masterKeys.follow()) {
      logger.info({ event: 'master_key.switched', key_id: masterKeys.ring.current.id }, 'sealing under another master key from now on');
    }
  };
  // A newer schema or an unknown master key: what is due is left to nodes that can do it, memory serves on.
  const lookAtStore = async (): Promise<void> => {
    refresher.paused = !(await health.look(askStore));
  };
  // Not while the store is moving, and what was moved away from is kept as it was.
  const prune = async (): Promise<void> => {
    if (suspended()?.leases !== false) await directory.pruneAudit(now() - config.retention.auditDays * DAY_MS);
  };
  const assertWorkable = async (): Promise<void> => {
    await lookAtStore();
    if (health.refusal) throw health.refusal;
  };
  const byRequest = new ByRequest({ clock, time, due: store.due, refresher, auditTrail, lookAround, assertWorkable, prune });

  const limiter = new RateLimiter(() => clock.monotonic());
  const handedOut = new HandedOut();
  const app = createApp({
    ...{ keeper, accounts, keys, catalog, directory, credentials, limiter, clock, time, events, handedOut },
    health: () => withAlarms(health.report(), alarms),
    metrics: () => metrics.text(),
    tick: () => byRequest.tick(),
    isCronSecret: (given) => config.cronSecret !== null && nodeHash.equal(given, config.cronSecret),
    options: {
      docsPublic: config.docs.public,
      acceptAppSecret: config.dropin.acceptAppSecret,
      readDeadlineMs: config.refresh.readTimeoutSeconds * 1000,
      dropinDeadlineMs: DROPIN_DEADLINE_MS,
      version: VERSION,
      store: config.store.slice(0, config.store.indexOf(':')),
    },
    requestId: () => randomBytes(8).toString('hex'),
    log: observeRequests(observing.logger, metrics),
    unit: () => nodeRandom.unit(),
  });
  const loops: Loop[] = [];
  let stopListening = (): void => undefined;

  return {
    ...{ config, events, catalog, store, clock, time, keeper, accounts, keys, health, alarms, app },
    /** What the Node host needs to answer the hottest reads from memory. */
    fast: { keys, accounts, catalog, keeper, limiter, handedOut, time, readCell: metrics.readCell },

    /** Write what the configuration declares: its accounts and its admin key. */
    async applyConfig(): Promise<void> {
      await applyDeclaredAccounts({ accounts, directory, digest }, config.accounts ?? []);
      if (config.adminKey !== null) await keys.putAdmin(config.adminKey, 'config');
    },

    /** The first admin key of an installation that has none, to be shown once; null when there is one already. */
    async createFirstAdminKey(): Promise<string | null> {
      if (config.adminKey !== null || (await keys.get(ADMIN_KEY_ID)) !== null) return null;
      const key = createApiKey(randomBytes);
      // Of nodes that start together, one makes the key and tells it.
      return (await keys.createFirstAdmin(key, 'system')) ? key : null;
    },

    /** For hosts that run only while a request is answered, in place of `start()`. */
    byRequest,

    /** Keep credentials fresh and this node's memory honest, until stopped. */
    start(): void {
      refresher.start();
      const again = (ms: number, during: string, job: () => Promise<unknown>): Loop => {
        const failed = (error: unknown): void => {
          // The store's troubles are told by health.
          if (error instanceof ZhongkongError && error.code === 'store_unavailable') return;
          events.emit({ type: 'internal.error', during, cause: error });
        };
        const loop = every(ms, async () => void (await job()), failed);
        loops.push(loop);
        return loop;
      };
      const watching = again(WATCH_MS, 'reading changes', lookAround);
      // A notice only brings the next look forward, so that one that is missed is made up for by the look itself.
      stopListening = store.notices?.listen(() => watching.soon()) ?? stopListening;
      again(TIME_SYNC_MS, 'reading the time', () => time.sync());
      again(LOOK_MS, 'asking the store', lookAtStore);
      again(PRUNE_MS, 'pruning the audit trail', prune);
      health.started();
    },

    /** No new refreshes; what is in the air lands and is stored. */
    async stop(): Promise<void> {
      health.draining();
      stopListening();
      await Promise.all(loops.map((loop) => loop.stop()));
      await refresher.stop();
      await keeper.drain();
      await auditTrail.stop();
      await egress.close();
      await store.close();
    },
  };
}
