/** What the app is made of, and what each request carries through it. */

import type { Keys } from '../access/keys.ts';
import type { RateLimiter } from '../access/rate.ts';
import type { Accounts } from '../core/accounts.ts';
import type { ApiKeyRecord } from '../core/api-key.ts';
import type { Clock } from '../core/clock.ts';
import type { EventSink } from '../core/events.ts';
import type { Bilingual } from '../core/failure.ts';
import type { Keeper } from '../core/keeper.ts';
import type { Catalog } from '../core/kind.ts';
import type { CredentialStore, Directory } from '../core/store.ts';
import type { StoreTime } from '../core/store-time.ts';
import type { HandedOut } from '../dropin/handed-out.ts';
import type { RequestTrace } from '../dropin/trace.ts';

/** What is wrong with the server as a whole, by a stable name. */
export interface ServerCause {
  readonly code: string;
  /** For operators only: it may name a file or a host. */
  readonly message: string;
  /** Store time, epoch ms. */
  readonly since: number;
  readonly advice: Bilingual;
}

export interface HealthReport {
  readonly ready: boolean;
  readonly status: 'ok' | 'starting' | 'degraded' | 'draining';
  /** The gravest first; with `degraded`, the first one is why. */
  readonly causes: readonly ServerCause[];
}

export interface AppOptions {
  /** Whether `/docs` and `/openapi.json` are served without a key. */
  readonly docsPublic: boolean;
  /** Whether the drop-in takes the real AppSecret beside API keys. */
  readonly acceptAppSecret: boolean;
  /** How long a call under `/v1` may wait for WeChat, ms. */
  readonly readDeadlineMs: number;
  /** How long a drop-in call may take as a whole, ms; SDKs give up after 3 s. */
  readonly dropinDeadlineMs: number;
  readonly version: string;
  /** What kind of store this is, e.g. `sqlite`; never its URL. */
  readonly store?: string;
}

/** One answered request, for the log and the metrics. Never holds a query string, a header or a body. */
export interface RequestLog extends Readonly<RequestTrace> {
  readonly surface: 'v1' | 'dropin';
  readonly method: string;
  readonly status: number;
  /** From the request's arrival to its answer. */
  readonly ms: number;
  readonly ip: string | null;
}

export interface AppDeps {
  readonly keeper: Keeper;
  readonly accounts: Accounts;
  readonly keys: Keys;
  readonly catalog: Catalog;
  readonly directory: Directory;
  readonly credentials: CredentialStore;
  readonly limiter: RateLimiter;
  /** This machine's, for waiting and to tell how far it is from the store's. */
  readonly clock: Clock;
  readonly time: StoreTime;
  readonly health: () => HealthReport;
  readonly metrics: () => Promise<{ readonly contentType: string; readonly body: string }>;
  /** Refreshes what is due. `nextDueAt`: store time, or null. */
  readonly tick: () => Promise<{ readonly claimed: number; readonly nextDueAt: number | null }>;
  /** Whether this is what the platform's timer shows at `GET /v1/tick`. */
  readonly isCronSecret: (given: string) => boolean;
  readonly events: EventSink;
  readonly options: AppOptions;
  readonly requestId: () => string;
  readonly log: (event: RequestLog) => void;
  /** Shared with a fast path that answers drop-in tokens itself; default: the app's own. */
  readonly handedOut?: HandedOut;
  /** Uniform in [0, 1), for request ids in WeChat's grammar. Default: Math.random. */
  readonly unit?: () => number;
}

/** What the host knows of a request besides the request. */
export interface RequestContext {
  /** The caller's address in its one spelling, or null when unknown. */
  readonly ip: string | null;
  /** The request target as it came over the wire, where the host has it; `request.url` is already normalised. */
  readonly target?: string;
}

/** Hono's environment: the parts ride along with each request, so that routes are plain constants. */
export interface Env {
  Bindings: { readonly deps: AppDeps; readonly ip: string | null; readonly trace: RequestTrace };
  Variables: { caller: ApiKeyRecord };
}
