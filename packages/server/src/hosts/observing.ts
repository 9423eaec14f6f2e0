/** Everything that listens to the core's events: log, alarms, metrics, audit trail. */

import type { Config } from '../config/schema.ts';
import type { Clock } from '../core/clock.ts';
import type { EventBus } from '../core/events.ts';
import type { Store } from '../core/store.ts';
import { Alarms } from '../observe/alarms.ts';
import { AuditTrail } from '../observe/audit.ts';
import { createLogger, logAlarms, logEvents } from '../observe/log.ts';
import { createMetrics } from '../observe/metrics.ts';
import { VERSION } from './version.ts';

export interface ObservingDeps {
  readonly config: Config;
  readonly store: Store;
  readonly events: EventBus;
  readonly clock: Clock;
  /** Store time, epoch ms. */
  readonly now: () => number;
  /** Refreshes in the air. */
  readonly inFlight: () => number;
}

export function createObserving({ config, store, events, clock, now, inFlight }: ObservingDeps) {
  const { directory, due } = store;
  const logger = createLogger({ level: config.log.level });
  const alarms = new Alarms({ bus: events, now });
  const metrics = createMetrics({
    bus: events,
    alarms,
    version: VERSION,
    now,
    accountCount: () => directory.countAccounts(),
    nextDueAt: () => due.nextDueAt(),
    inFlight,
  });
  logEvents(events, logger);
  logAlarms(alarms, logger);
  const auditTrail = new AuditTrail({ bus: events, alarms, directory, clock, now });
  return { logger, alarms, metrics, auditTrail };
}
