/**
 * What the core says. Logs, metrics, alarms and the audit trail subscribe; nothing here holds a secret.
 */

import type { Account } from './account.ts';
import type { CredentialId } from './credential.ts';
import type { Failure, FailureClass } from './failure.ts';
import type { TroubleReport } from './store-trouble.ts';

export type CredentialState = 'missing' | 'fresh' | 'due' | 'suspect' | 'expired' | 'dead';

/** Why an issue was made. */
export type IssueReason = 'missing' | 'scheduled' | 'report' | 'ordered' | 'leak' | 'suspect';

export type ReportOutcome = 'superseded' | 'alive' | 'refreshed' | 'cooling_down' | 'unverified';

export type CoreEvent =
  | {
      readonly type: 'credential.committed';
      readonly id: CredentialId;
      readonly generation: number;
      readonly fingerprint: string;
      readonly reason: IssueReason;
      readonly expiresAt: number;
      readonly upstreamMs: number;
    }
  | { readonly type: 'credential.state'; readonly id: CredentialId; readonly from: CredentialState; readonly to: CredentialState }
  | { readonly type: 'credential.probed'; readonly id: CredentialId; readonly verdict: 'alive' | 'dead' | 'unknown' }
  /** No key opens what is stored of it: its value is lost, and will be issued anew. */
  | { readonly type: 'credential.lost'; readonly id: CredentialId }
  | { readonly type: 'credential.reported'; readonly id: CredentialId; readonly outcome: ReportOutcome }
  | { readonly type: 'refresh.failed'; readonly id: CredentialId; readonly failure: Failure }
  /** The answer to an issue was lost or made no sense: WeChat may have replaced the credential. */
  | { readonly type: 'refresh.outcome_unknown'; readonly id: CredentialId; readonly count: number }
  | { readonly type: 'refresh.recovered'; readonly id: CredentialId; readonly after: FailureClass }
  /** Somebody else fetched this account's credential. */
  | { readonly type: 'refresh.foreign'; readonly id: CredentialId; readonly fingerprint: string }
  | { readonly type: 'refresh.budget_exhausted'; readonly id: CredentialId; readonly reason: IssueReason }
  | { readonly type: 'lease.taken_over'; readonly id: CredentialId; readonly fence: number }
  | { readonly type: 'lease.lost'; readonly id: CredentialId; readonly fence: number }
  | { readonly type: 'commit.stale'; readonly id: CredentialId; readonly fence: number }
  | { readonly type: 'leak.step'; readonly id: CredentialId; readonly confirmed: number; readonly needed: number }
  | {
      readonly type: 'account.changed';
      readonly account: Pick<Account, 'id' | 'platform' | 'mode' | 'enabled'>;
      readonly change: 'created' | 'updated' | 'removed';
    }
  | { readonly type: 'secret.fallback'; readonly id: CredentialId; readonly slot: number }
  /** A caller sent this account's AppSecret where its API key belongs; it was refused. */
  | { readonly type: 'secret.misplaced'; readonly account: string }
  | { readonly type: 'clock.jumped'; readonly byMs: number }
  /** WeChat's Date header against our time. */
  | { readonly type: 'clock.skewed'; readonly byMs: number }
  /** Said again when the trouble turns into another. */
  | { readonly type: 'store.failed'; readonly during: string; readonly trouble: TroubleReport }
  | { readonly type: 'store.recovered' }
  /** This machine's wall clock against the store's, when they begin to differ by more than a minute; 0: they agree again. */
  | { readonly type: 'clock.off'; readonly byMs: number }
  /** `during` is one of a few names, e.g. a route: it becomes a label. */
  | { readonly type: 'internal.error'; readonly during: string; readonly requestId?: string; readonly cause: unknown };

export type EventType = CoreEvent['type'];

/** Where the core speaks to. Must not throw and must not block. */
export interface EventSink {
  emit(event: CoreEvent): void;
}

/** Fans one event out to all subscribers; a subscriber that throws disturbs neither the core nor the others. */
export class EventBus implements EventSink {
  readonly #listeners = new Set<(event: CoreEvent) => void>();

  on(listener: (event: CoreEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  emit(event: CoreEvent): void {
    for (const listener of this.#listeners) {
      try {
        listener(event);
      } catch {
        // An observer's fault is not the core's.
      }
    }
  }
}
