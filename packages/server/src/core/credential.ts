/**
 * A credential's whole record: what the keeper knows about one (account, kind, chain).
 *
 * A record is immutable; transitions make a new one (`transition.ts`). Instants are store time, epoch ms.
 * `current` and `previous` are plain values in memory only: `codec.ts` seals them before a store sees them.
 */

import type { Failure } from './failure.ts';

/** Records are kept per (account, kind, chain): classic and stable of one AppID are two credentials. */
export interface CredentialId {
  readonly account: string;
  readonly kind: string;
  readonly chain: string;
}

/** One key for maps. The parts cannot contain a space. */
export const credentialKey = (id: CredentialId): string => `${id.account} ${id.kind} ${id.chain}`;

export interface Credential {
  readonly value: string;
  /** First 8 hex of SHA-256 of the value: all that logs, events and metrics ever show. */
  readonly fingerprint: string;
  /** When the request that issued it was *sent*: the safe end of a round trip to count a lifetime from. */
  readonly issuedAt: number;
  readonly expiresAt: number;
}

/** Written before every call that may kill the current credential; found by the next holder if we die. */
export interface IssueIntent {
  readonly at: number;
  readonly forced: boolean;
}

/** Issues counted against WeChat's limits: per +08:00 day and per minute. */
export interface IssueCounters {
  /** Days since the epoch in +08:00. */
  readonly day: number;
  readonly issuesToday: number;
  readonly forcedToday: number;
  readonly minute: number;
  readonly callsThisMinute: number;
  readonly lastForcedAt: number;
}

/** The guided leak procedure: so many confirmed new values, spaced; lives in the record to survive a crash. */
export interface LeakOperation {
  readonly startedAt: number;
  readonly reason: string;
  readonly confirmedIssues: number;
  readonly neededIssues: number;
  readonly nextAt: number;
  readonly finishedAt: number | null;
}

export interface CredentialRecord {
  readonly id: CredentialId;
  /** +1 per commit of a new value. 0 = never issued. */
  readonly generation: number;
  /** +1 per save of the record: memory never goes back to an older look at it. */
  readonly saves: number;
  readonly current: Credential | null;
  /** May still work until `diesAt`. Never served; kept so that a report of it can be recognised. */
  readonly previous: (Credential & { readonly diesAt: number }) | null;
  /** Planned start of the refresh, jitter included; fixed at commit so that honest lifetimes stay honest. */
  readonly refreshAt: number;
  readonly intent: IssueIntent | null;
  /** Issues since the last commit whose outcome nobody knows. */
  readonly unknownOutcomes: number;
  /** From here on the current may be dead because of an unknown outcome; null = no such doubt. */
  readonly suspectFrom: number | null;
  /** Until then an accepted probe does not end the doubt: the doubtful issue's grace may still be running. */
  readonly doubtEndsAt: number;
  /** A probe said the current is dead. */
  readonly dead: boolean;
  readonly failure: Failure | null;
  /** Our own budget or spacing keeps issues back until then; 0 = no such wait. */
  readonly budgetOpensAt: number;
  /** A single probe owed, e.g. after a lease takeover. */
  readonly probeAt: number | null;
  /** When a report was last verified or led to an issue: the start of the cool-down. */
  readonly lastVerifiedAt: number;
  readonly counters: IssueCounters;
  /** Which of the account's secrets worked last, for which revision of them. */
  readonly secret: { readonly revision: number; readonly slot: number; readonly fallbackTried: boolean };
  readonly leak: LeakOperation | null;
  readonly foreignRefreshAt: number | null;
}

/** What a caller is handed. `expiresInMs` is honest: what blind caching may rely on. */
export interface ServedCredential {
  readonly id: CredentialId;
  readonly value: string;
  readonly fingerprint: string;
  readonly generation: number;
  readonly issuedAt: number;
  /** Instant up to which blind caching is safe, store time; moves with the refresh plan. */
  readonly expiresAt: number;
  readonly expiresInMs: number;
  readonly state: 'fresh' | 'due' | 'suspect';
}

const NO_COUNTERS: IssueCounters = {
  day: 0,
  issuesToday: 0,
  forcedToday: 0,
  minute: 0,
  callsThisMinute: 0,
  lastForcedAt: 0,
};

/** A record before its first issue. */
export function emptyRecord(id: CredentialId): CredentialRecord {
  return {
    id,
    generation: 0,
    saves: 0,
    current: null,
    previous: null,
    refreshAt: 0,
    intent: null,
    unknownOutcomes: 0,
    suspectFrom: null,
    doubtEndsAt: 0,
    dead: false,
    failure: null,
    budgetOpensAt: 0,
    probeAt: null,
    lastVerifiedAt: 0,
    counters: NO_COUNTERS,
    secret: { revision: 0, slot: 0, fallbackTried: false },
    leak: null,
    foreignRefreshAt: null,
  };
}
