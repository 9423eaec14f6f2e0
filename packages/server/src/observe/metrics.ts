/**
 * Prometheus metrics, in a registry of their own.
 *
 * Series are bounded: labels are kinds, states, classes and outcomes. Labels with an account exist only while there are
 * at most 1,000 accounts. Counting a read is one addition on a plain object: the hot path touches no label lookup.
 */

import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Clock } from '../core/clock.ts';
import type { CoreEvent, EventBus, EventType } from '../core/events.ts';
import { type Upstream, UpstreamError, type UpstreamReply } from '../core/upstream.ts';
import type { Alarms } from './alarms.ts';
import { Census } from './census.ts';

export interface MetricsDeps {
  readonly bus: EventBus;
  readonly alarms: Alarms;
  readonly version: string;
  /** Store time, epoch ms. */
  readonly now: () => number;
  /** How many accounts there are; asked at each scrape. A rejection leaves the last count. */
  readonly accountCount: () => Promise<number>;
  /** Earliest instant at which a credential wants work, or null; asked at each scrape. */
  readonly nextDueAt: () => Promise<number | null>;
  /** Refreshes in the air. */
  readonly inFlight: () => number;
}

/** Reads of one sort so far. The holder adds to `count` itself. */
export interface ReadCell {
  count: number;
}

/** Above this many accounts no series has an account in it. */
const MAX_LABELLED_ACCOUNTS = 1000;

/** From a good answer on the same continent to our own deadline, seconds. */
const UPSTREAM_BUCKETS = [0.01, 0.025, 0.05, 0.1, 0.2, 0.4, 0.8, 1.5, 3, 5, 10];

export type Metrics = ReturnType<typeof createMetrics>;

export function createMetrics(deps: MetricsDeps) {
  const { bus, alarms, now } = deps;
  const registry = new Registry();
  const registers = [registry];
  const census = new Census(bus);
  const cells = new Map<string, ReadCell & { readonly labels: { surface: string; kind: string } }>();
  let accounts = 0;

  const counter = <L extends string>(name: string, help: string, labelNames: readonly L[] = []) =>
    new Counter({ name: `zhongkong_${name}`, help, labelNames, registers });
  const gauge = <L extends string>(
    name: string,
    help: string,
    labelNames: readonly L[],
    collect?: (this: Gauge<L>) => void | Promise<void>,
  ) => new Gauge({ name: `zhongkong_${name}`, help, labelNames, registers, ...(collect ? { collect } : {}) });

  collectDefaultMetrics({ register: registry });
  gauge('build_info', 'Always 1; the version is the label.', ['version']).set({ version: deps.version }, 1);

  new Counter({
    name: 'zhongkong_reads_total',
    help: 'Credentials handed out, by surface (v1, dropin) and kind.',
    labelNames: ['surface', 'kind'] as const,
    registers,
    collect() {
      this.reset();
      for (const { labels, count } of cells.values()) this.inc(labels, count);
    },
  });
  const requests = counter('http_requests_total', 'HTTP requests that went through the app, by route and status.', [
    'method',
    'route',
    'status',
  ]);
  const refreshes = counter('refreshes_total', 'Refreshes by outcome (issued, failed) and failure class.', [
    'kind',
    'outcome',
    'reason',
    'class',
  ]);
  const upstream = new Histogram({
    name: 'zhongkong_upstream_seconds',
    help: 'Upstream calls, by upstream and outcome (answered, or why not).',
    labelNames: ['upstream', 'outcome'] as const,
    buckets: UPSTREAM_BUCKETS,
    registers,
  });
  const unknownOutcomes = counter('unknown_outcomes_total', 'Issues whose answer was lost.', ['kind']);
  const foreign = counter('foreign_refreshes_total', 'Credentials that somebody else fetched.', ['kind']);
  const budget = counter('budget_exhausted_total', 'Issues not made because of a budget or a spacing.', ['kind', 'reason']);
  const reports = counter('reports_total', 'Reports of rejected values, by outcome.', ['kind', 'outcome']);
  const probes = counter('probes_total', 'Probes of current values, by verdict.', ['kind', 'verdict']);
  const takenOver = counter('leases_taken_over_total', 'Leases whose holder let them run out.', ['kind']);
  const lost = counter('leases_lost_total', 'Calls not sent because the lease would not have outlasted them.', ['kind']);
  const stale = counter('stale_commits_total', 'Commits refused because a later holder existed.', ['kind']);
  const fallbacks = counter('secret_fallbacks_total', 'Issues that needed the second AppSecret.', ['kind']);
  const storeFailures = counter('store_failures_total', 'Times the store began to fail, by what was being done.', ['during']);
  const jumps = counter('clock_jumps_total', 'Jumps of the clock by more than 5 s.');
  const internal = counter('internal_errors_total', 'Faults of ours, by what was being done.', ['during']);
  const skew = gauge('clock_skew_seconds', "WeChat's clock minus ours, last time they differed by over a minute.", []);

  gauge('accounts', 'Accounts in the directory.', [], function () {
    this.set(accounts);
  });
  gauge(
    'credentials',
    'Credentials by state, as this process last saw them; of the 100,000 accounts that it saw last.',
    ['state'],
    function () {
      this.reset();
      for (const [state, count] of census.byState()) this.set({ state }, count);
    },
  );
  gauge('alarms', 'Alarms that are up.', ['code', 'severity', 'class'], function () {
    this.reset();
    for (const alarm of alarms.active()) this.inc({ code: alarm.code, severity: alarm.severity, class: alarm.class ?? '' });
  });
  gauge('refreshes_in_flight', 'Refreshes in the air on this process.', [], function () {
    this.set(deps.inFlight());
  });
  gauge('due_lag_seconds', 'How long the oldest due credential has been waiting; 0 = nothing is late.', [], async function () {
    const dueAt = await deps.nextDueAt().catch(() => undefined);
    if (dueAt !== undefined) this.set(dueAt === null ? 0 : Math.max(0, now() - dueAt) / 1000);
  });
  gauge(
    'credential_expiry_seconds',
    'Epoch seconds at which each credential ends. Only up to 1,000 accounts.',
    ['account', 'kind', 'chain'],
    function () {
      this.reset();
      if (accounts > MAX_LABELLED_ACCOUNTS) return;
      for (const { id, expiresAt } of census.all()) if (expiresAt > 0) this.set({ ...id }, expiresAt / 1000);
    },
  );
  gauge(
    'credential_alarm',
    '1 for each credential with an alarm. Only up to 1,000 accounts.',
    ['account', 'kind', 'code', 'severity'],
    function () {
      this.reset();
      if (accounts > MAX_LABELLED_ACCOUNTS) return;
      for (const { account, kind, code, severity } of alarms.active()) if (account !== '') this.set({ account, kind, code, severity }, 1);
    },
  );

  const counted: { readonly [T in EventType]?: (event: Extract<CoreEvent, { type: T }>) => void } = {
    'credential.committed': ({ id, reason }) => refreshes.inc({ kind: id.kind, outcome: 'issued', reason, class: '' }),
    'refresh.failed': ({ id, failure }) => refreshes.inc({ kind: id.kind, outcome: 'failed', reason: '', class: failure.class }),
    'refresh.outcome_unknown': ({ id }) => unknownOutcomes.inc({ kind: id.kind }),
    'refresh.foreign': ({ id }) => foreign.inc({ kind: id.kind }),
    'refresh.budget_exhausted': ({ id, reason }) => budget.inc({ kind: id.kind, reason }),
    'credential.reported': ({ id, outcome }) => reports.inc({ kind: id.kind, outcome }),
    'credential.probed': ({ id, verdict }) => probes.inc({ kind: id.kind, verdict }),
    'lease.taken_over': ({ id }) => takenOver.inc({ kind: id.kind }),
    'lease.lost': ({ id }) => lost.inc({ kind: id.kind }),
    'commit.stale': ({ id }) => stale.inc({ kind: id.kind }),
    'secret.fallback': ({ id }) => fallbacks.inc({ kind: id.kind }),
    'store.failed': ({ during }) => storeFailures.inc({ during }),
    'clock.jumped': () => jumps.inc(),
    'clock.skewed': ({ byMs }) => skew.set(byMs / 1000),
    'internal.error': ({ during }) => internal.inc({ during }),
  };
  bus.on((event) => (counted[event.type] as ((event: CoreEvent) => void) | undefined)?.(event));

  return {
    /** The exposition text. */
    async text(): Promise<{ readonly contentType: string; readonly body: string }> {
      accounts = await deps.accountCount().catch(() => accounts);
      return { contentType: registry.contentType, body: await registry.metrics() };
    },

    /** The cell that counts reads of one kind through one surface; ask once, then add to it. */
    readCell(surface: 'v1' | 'dropin', kind: string): ReadCell {
      const key = `${surface} ${kind}`;
      let cell = cells.get(key);
      if (!cell) cells.set(key, (cell = { labels: { surface, kind }, count: 0 }));
      return cell;
    },

    /** One request that went through the app. `route` is the pattern, never the path. */
    countRequest(method: string, route: string, status: number): void {
      requests.inc({ method, route, status });
    },

    /** The same upstream, measured. */
    timed(inner: Upstream, clock: Clock): Upstream {
      return {
        async send(request, deadlineMs): Promise<UpstreamReply> {
          const startedAt = clock.monotonic();
          let outcome = 'internal';
          try {
            const reply = await inner.send(request, deadlineMs);
            outcome = 'answered';
            return reply;
          } catch (error) {
            if (error instanceof UpstreamError) outcome = error.reason;
            throw error;
          } finally {
            upstream.observe({ upstream: request.upstream, outcome }, (clock.monotonic() - startedAt) / 1000);
          }
        },
      };
    },
  };
}
