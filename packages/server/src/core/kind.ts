/**
 * How a credential kind is declared: as data, in one place, per platform family.
 *
 * Adding a platform or a kind is adding one declaration (and a simulator rule); nothing in core changes.
 */

import type { Account } from './account.ts';
import type { CredentialId } from './credential.ts';
import { ZhongkongError } from './errors.ts';
import type { Bilingual, UpstreamFailure } from './failure.ts';
import type { RefreshPolicy } from './policy.ts';
import type { UpstreamReply, UpstreamRequest } from './upstream.ts';

export interface IssueInput {
  readonly appId: string;
  readonly secret: string;
  /** Kill the running credential and make a new one (`forcible`), or say that it does not work (`borrowed`). */
  readonly force: boolean;
}

/**
 * What an answer to an issue means. `answered` is true when upstream certainly decided (an errcode): then nothing
 * was issued. False (HTML, 5xx, truncated, wrong types) means it may have issued.
 */
export type IssueOutcome =
  | { readonly ok: true; readonly value: string; readonly lifetimeMs: number }
  | { readonly ok: false; readonly answered: boolean; readonly failure: UpstreamFailure };

export type ProbeVerdict = 'alive' | 'dead' | 'unknown';

/** A cheap call that tells whether a value is accepted. */
export interface Probe {
  readonly request: (value: string) => UpstreamRequest;
  readonly verdict: (reply: UpstreamReply) => ProbeVerdict;
}

/** Upstream's own limits, as the core must respect them. */
export interface IssueLimits {
  readonly issuesPerDay: number;
  /** Kept back from reports and orders so that scheduled refreshes never starve. */
  readonly scheduledReserve: number;
  readonly callsPerMinute: number;
  readonly forcedPerDay: number;
  /** Kept back for the leak procedure. */
  readonly forcedLeakReserve: number;
  readonly forcedSpacingMs: number;
}

/** One way to get a kind: its own upstream life, its own record. */
export interface Chain {
  readonly name: string;
  readonly policy: RefreshPolicy;
  /** Upstream can be told to replace a running credential. */
  readonly forcible: boolean;
  readonly limits: IssueLimits;
  readonly issue: (input: IssueInput) => UpstreamRequest;
  readonly parseIssue: (reply: UpstreamReply) => IssueOutcome;
  /** True for the failure that makes the second AppSecret worth a try (WeChat: 40125). */
  readonly tryFallbackSecret: (failure: UpstreamFailure) => boolean;
  readonly probe: Probe | null;
  /**
   * The values are another keeper's, who alone replaces them, at any moment. A forced call is a report for it to judge:
   * it kills nothing that works. Orders and the leak procedure belong there, and `advice` says so. Default: ours.
   */
  readonly borrowed?: { readonly advice: Bilingual };
}

export interface KindDeclaration {
  readonly kind: string;
  readonly platforms: readonly string[];
  /** The kind behind `/v1/accounts/{account}/token`. One per platform. */
  readonly main: boolean;
  /** The `upstreams.*` option that its accounts cannot do without, when it has no default. */
  readonly needsUpstream?: string;
  /** By account mode; the first is the default mode. */
  readonly chains: Readonly<Record<string, Chain>>;
}

/** One credential that can be kept: an account, a kind it has, and the chain its mode selects. */
export interface Target {
  readonly id: CredentialId;
  readonly account: Account;
  readonly chain: Chain;
}

/** All declarations, looked up by account. */
export class Catalog {
  readonly #kinds: readonly KindDeclaration[];

  constructor(kinds: readonly KindDeclaration[]) {
    this.#kinds = kinds;
  }

  get platforms(): readonly string[] {
    return [...new Set(this.#kinds.flatMap((kind) => kind.platforms))];
  }

  /** Modes a platform's accounts may use, default first. */
  modes(platform: string): readonly string[] {
    const main = this.#kinds.find((kind) => kind.main && kind.platforms.includes(platform));
    return main ? Object.keys(main.chains) : [];
  }

  /** The `upstreams.*` options without a default that accounts of a platform cannot do without. */
  neededUpstreams(platform: string): readonly string[] {
    return this.#kinds.flatMap(({ platforms, needsUpstream }) => (platforms.includes(platform) && needsUpstream ? [needsUpstream] : []));
  }

  /** Every credential of an account. */
  targets(account: Account): readonly Target[] {
    return this.#kinds.filter((kind) => kind.platforms.includes(account.platform)).map((kind) => this.#target(account, kind));
  }

  /** The credential of `kind`, or of the account's main kind when null. */
  target(account: Account, kindName: string | null): Target {
    const kind = this.#kinds.find(
      (candidate) => candidate.platforms.includes(account.platform) && (kindName === null ? candidate.main : candidate.kind === kindName),
    );
    if (!kind) throw new ZhongkongError('not_found', 'this account has no credential of that kind');
    return this.#target(account, kind);
  }

  #target(account: Account, kind: KindDeclaration): Target {
    // A kind without a chain for the account's mode has only one, whatever the mode.
    const chain = kind.chains[account.mode] ?? Object.values(kind.chains)[0];
    if (!chain) throw new ZhongkongError('internal', `kind ${kind.kind} declares no chain`);
    return { id: { account: account.id, kind: kind.kind, chain: chain.name }, account, chain };
  }
}
