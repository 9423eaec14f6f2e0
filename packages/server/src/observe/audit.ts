/**
 * Writes what the system itself did or noticed into the audit trail, beside what people did.
 *
 * Never blocks and never throws: entries queue in memory, are written in batches shortly after, and wait while the
 * store is away. The queue is bounded; what falls out of it is counted and the count is written in its place.
 */

import type { Clock } from '../core/clock.ts';
import type { CredentialId } from '../core/credential.ts';
import type { CoreEvent, EventBus, EventType } from '../core/events.ts';
import type { AuditEntry, Directory } from '../core/store.ts';
import type { AlarmChange, Alarms } from './alarms.ts';

export interface AuditTrailDeps {
  readonly bus: EventBus;
  readonly alarms: Alarms;
  readonly directory: Pick<Directory, 'appendAudit'>;
  readonly clock: Clock;
  /** Store time, epoch ms. */
  readonly now: () => number;
}

type Data = AuditEntry['data'];
type Noted = Pick<AuditEntry, 'action' | 'subject' | 'data'>;

/** From the first entry to its write: long enough to gather a burst into one transaction. */
const GATHER_MS = 200;
/** After the store refused a batch. */
const RETRY_MS = 5000;
const BATCH = 500;
/** Some 10 MB at worst, and more than one outage of 10,000 accounts makes. */
const MAX_QUEUED = 25_000;

const about = ({ account, kind, chain }: CredentialId, action: string, data: Data = {}): Noted => ({
  action,
  subject: account,
  data: { kind, chain, ...data },
});

/** What is worth keeping; the rest is the log's. `null` = this one is not. */
const NOTED: { readonly [T in EventType]?: (event: Extract<CoreEvent, { type: T }>) => Noted | null } = {
  // Scheduled issues are routine; these were caused by somebody.
  'credential.committed': ({ id, generation, fingerprint, reason }) =>
    reason === 'report' || reason === 'ordered' || reason === 'leak'
      ? about(id, 'credential.issued', { generation, fingerprint, reason })
      : null,
  'credential.lost': ({ id }) => about(id, 'credential.lost', {}),
  'refresh.foreign': ({ id, fingerprint }) => about(id, 'credential.foreign_refresh', { fingerprint }),
  'leak.step': ({ id, confirmed, needed }) => about(id, 'leak.step', { confirmed, needed }),
  'secret.fallback': ({ id, slot }) => about(id, 'secret.fallback', { slot }),
  'lease.taken_over': ({ id, fence }) => about(id, 'lease.taken_over', { fence }),
  'clock.jumped': ({ byMs }) => ({ action: 'clock.jumped', subject: '', data: { by_ms: byMs } }),
};

function notedAlarm({ change, alarm }: AlarmChange): Noted {
  const { code, severity, class: failureClass, cause, since } = alarm;
  return about(alarm, `alarm.${change}`, { code, severity, class: failureClass, cause, since });
}

export class AuditTrail {
  readonly #deps: AuditTrailDeps;
  #queue: AuditEntry[] = [];
  #dropped = 0;
  #writing: Promise<void> | null = null;
  #putting: Promise<void> | null = null;
  /** Ends the pause before the next write at once. */
  readonly #stopping = new AbortController();

  constructor(deps: AuditTrailDeps) {
    this.#deps = deps;
    deps.bus.on((event) => {
      const noted = (NOTED[event.type] as ((event: CoreEvent) => Noted | null) | undefined)?.(event);
      if (noted) this.#add(noted);
    });
    deps.alarms.on((change) => this.#add(notedAlarm(change)));
  }

  /** Entries that are not in the store yet. */
  get pending(): number {
    return this.#queue.length;
  }

  /** Write what is queued now, for hosts that freeze. Rejects when the store does not take it: it stays queued. */
  async flush(): Promise<void> {
    while (this.#queue.length > 0) await this.#put();
  }

  /** Write what is queued, once, without waiting for the gathering; entries that the store refuses are lost. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#writing;
  }

  #add(noted: Noted): void {
    if (this.#queue.length >= MAX_QUEUED) {
      this.#dropped += 1;
      return;
    }
    this.#queue.push(this.#entry(noted));
    this.#writing ??= this.#write().finally(() => {
      this.#writing = null;
    });
  }

  #entry(noted: Noted): AuditEntry {
    return { at: this.#deps.now(), actor: 'system', ...noted };
  }

  /** Runs while there is something queued. */
  async #write(): Promise<void> {
    await this.#pause(GATHER_MS);
    while (this.#queue.length > 0) {
      try {
        await this.#put();
      } catch {
        // The store's trouble is told by whoever works with credentials; here it only means: later.
        if (this.#stopping.signal.aborted) return;
        await this.#pause(RETRY_MS);
      }
    }
  }

  /** One batch; whoever asks meanwhile shares it. */
  #put(): Promise<void> {
    this.#putting ??= this.#putBatch().finally(() => {
      this.#putting = null;
    });
    return this.#putting;
  }

  async #putBatch(): Promise<void> {
    const batch = this.#queue.slice(0, BATCH);
    await this.#deps.directory.appendAudit(batch);
    this.#queue = this.#queue.slice(batch.length);
    if (this.#dropped > 0) this.#queue.push(this.#entry({ action: 'audit.dropped', subject: '', data: { entries: this.#dropped } }));
    this.#dropped = 0;
  }

  async #pause(ms: number): Promise<void> {
    const { signal } = this.#stopping;
    if (signal.aborted) return;
    const stopped = new Promise<void>((resolve) => {
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
    await Promise.race([this.#deps.clock.sleep(ms, signal), stopped]);
  }
}
