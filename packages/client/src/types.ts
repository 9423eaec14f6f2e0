/**
 * What a user of the client passes and gets. `fetch` is described by what is used of it, so that the types need
 * neither the DOM's nor Node's declarations.
 */

/** A credential as the server vouched for it. Frozen; shared by all callers that it is handed to. */
export interface Credential {
  readonly account: string;
  readonly kind: string;
  /** The value to send to WeChat. Secret. */
  readonly value: string;
  /** +1 whenever the value changes. */
  readonly generation: number;
  /** `fresh`; `due`: the server is about to replace it; `suspect`: it may be dead, and nothing better exists. */
  readonly state: 'fresh' | 'due' | 'suspect';
  /** Epoch ms by this machine's clock, counted from before the request was sent: safe to use until then. */
  readonly expiresAt: number;
}

export interface ReadOptions {
  /**
   * Whole seconds, 0 to 7200: the life the credential should still have. A shorter one makes the client ask the server,
   * which waits for a refresh that is near; if none is, you get the current one with the life it has. Default 0.
   */
  readonly minTtl?: number;
}

export interface ReportOptions {
  /** Default: the account's main kind, the one that `token()` reads. */
  readonly kind?: string;
}

export interface Report {
  /**
   * `superseded`: it had been replaced already · `refreshed`: it was dead and is replaced now · `alive`: WeChat accepts
   * it, look for another cause · `cooling_down`, `unverified`: not checked now; wait `retryAfter`.
   */
  readonly outcome: 'superseded' | 'alive' | 'refreshed' | 'cooling_down' | 'unverified';
  /** What to use from now on. */
  readonly credential: Credential;
  /** Whole seconds, or null. */
  readonly retryAfter: number | null;
}

export interface FetchInit {
  readonly method: string;
  readonly headers: Record<string, string>;
  readonly body?: string;
  readonly redirect: 'manual';
  readonly signal: AbortSignal;
}

export interface FetchReply {
  readonly status: number;
  readonly headers: { get(name: string): string | null };
  text(): Promise<string>;
}

/** The part of the standard `fetch` that the client uses. */
export type FetchLike = (url: string, init: FetchInit) => Promise<FetchReply>;

export interface ClientOptions {
  /** The server's address, with a path prefix if a proxy adds one: `http://127.0.0.1:8700`. */
  readonly url: string;
  /** An API key with scope `credential:read`. Never appears in an error, a URL or `console.log(client)`. */
  readonly key: string;
  /** Default: the global `fetch`. */
  readonly fetch?: FetchLike;
  /** Milliseconds from any origin, never backwards. Default: the later of the wall and the monotonic clock. */
  readonly now?: () => number;
  /** 0 ≤ x < 1; spreads refreshes of many processes. Default: `Math.random`. */
  readonly random?: () => number;
  /** Longest wait for one answer of the server, ms. Default 15 000: the server's own read deadline is 10 s. */
  readonly timeoutMs?: number;
  /** Most credentials kept in memory; the longest untouched goes first. Default 10 000. */
  readonly maxEntries?: number;
  /**
   * May callers share one request in flight? Not where a request's I/O ends with it: default false on Cloudflare
   * Workers, true elsewhere. When false, a credential due for a refresh is refreshed by the caller that finds it so.
   */
  readonly shareRequests?: boolean;
  /** Keeps the host awake for a background refresh, e.g. `waitUntil` of `cloudflare:workers`. */
  readonly waitUntil?: (work: Promise<unknown>) => void;
}

export interface Client {
  /** The value of the account's main credential. Rejects with `ZhongkongClientError`. */
  token(account: string, options?: ReadOptions): Promise<string>;
  /** A credential of any kind the account has. Rejects with `ZhongkongClientError`. */
  credential(account: string, kind: string, options?: ReadOptions): Promise<Credential>;
  /**
   * WeChat rejected `value` (40001, 40014, 42001): the server verifies that and refreshes if it is true. The answer's
   * credential takes the place of the reported one in this client's memory.
   */
  report(account: string, value: string, options?: ReportOptions): Promise<Report>;
}
