/**
 * What the client knows about one credential, and the rules of when to ask the server again.
 *
 *   empty ──answer──▶ fresh ──freshForMs──▶ due ──lifeMs──▶ ended
 *     ▲                 ▲─────────answer──────┘               │
 *     └───────────── report of the value, refusal ◀───────────┘
 *
 * fresh: handed out as it is. due: handed out, while one request asks for the next. ended or empty: callers wait.
 * A failed request never takes a usable credential away; a refusal of this caller does. An answer that was sent for
 * before a newer one arrived never replaces that (`accepts`).
 */

import type { ZhongkongClientError } from './errors.ts';
import type { Stopwatch } from './stopwatch.ts';
import type { WireCredential } from './transport.ts';
import type { Credential } from './types.ts';

/** A request in the air that others may wait for. */
export interface Flight {
  readonly promise: Promise<Credential>;
  readonly minTtl: number;
  /** Of a report: its failure says nothing about reads. */
  readonly byReport: boolean;
  readonly age: Stopwatch;
}

/** Sent and received, as positions in the client's own order of events. */
export interface Order {
  readonly sent: number;
  readonly received: number;
}

/** Refreshed in the background from 80 to 90 % of the life on: processes that started together drift apart. */
const FRESH_FROM = 0.8;
const FRESH_SPREAD = 0.1;
/** The server is busy replacing it, or doubts it: look again soon, then ever less often. */
const RECHECK_MS = 2_000;
const MAX_RECHECK_MS = 60_000;
/** Rest after a failure, doubled each time, half of it at random. */
const REST_MS = 1_000;
const MAX_REST_MS = 10_000;
/** A server's retry_after is honoured up to this. */
const MAX_RETRY_AFTER_MS = 60_000;

const doubling = (base: number, times: number, max: number): number => Math.min(max, base * 2 ** Math.min(times, 20));

export class Entry {
  readonly path: string;
  flight: Flight | null = null;
  #credential: Credential | null = null;
  /** Resolved once per credential: a cached read allocates nothing. */
  token: Promise<string> | null = null;
  whole: Promise<Credential> | null = null;
  #age: Stopwatch | null = null;
  #freshForMs = 0;
  #lifeMs = 0;
  #askedMinTtl = 0;
  #order: Order = { sent: 0, received: 0 };
  /** Answers in a row that were not fresh, for one generation. */
  #doubts = 0;
  #reported: { readonly value: string; readonly at: number } | null = null;
  #failures = 0;
  #trouble: { readonly error: ZhongkongClientError; readonly age: Stopwatch; readonly forMs: number } | null = null;

  constructor(path: string) {
    this.path = path;
  }

  /** The whole of a cached read. */
  fresh(): boolean {
    return this.#age !== null && this.#age() < this.#freshForMs;
  }

  get credential(): Credential | null {
    return this.#credential;
  }

  get usable(): Credential | null {
    return this.#age !== null && this.#age() < this.#lifeMs ? this.#credential : null;
  }

  /** May this caller be served without asking? A server that just gave less than `minTtl` is not asked again at once. */
  satisfies(minTtl: number): boolean {
    if (minTtl === 0) return true;
    const age = this.#age?.() ?? Number.POSITIVE_INFINITY;
    return this.#lifeMs - age >= minTtl * 1000 || (this.#askedMinTtl >= minTtl && age < RECHECK_MS);
  }

  /** After a failure: the error to repeat while it is too early to try again. */
  resting(): ZhongkongClientError | null {
    return this.#trouble && this.#trouble.age() < this.#trouble.forMs ? this.#trouble.error : null;
  }

  /** The kind, once known, survives the credential. */
  kind: string | null = null;

  /**
   * Takes an answer in, unless a newer one is here. Returns what the asker gets.
   * @param lookAgainMs overrides when a credential of doubtful state is looked at again
   */
  take(wire: WireCredential, order: Order, age: Stopwatch, asked: number, random: number, lookAgainMs?: number): Credential {
    this.#failures = 0;
    this.#trouble = null;
    this.kind = wire.kind;
    if (!this.#accepts(wire, order)) return this.usable ?? frozen(wire, age);

    const again = this.#credential?.generation === wire.generation && wire.state !== 'fresh';
    this.#doubts = again ? this.#doubts + 1 : 0;
    const ahead = wire.expiresInMs * (FRESH_FROM + FRESH_SPREAD * random);
    const doubtful = wire.state !== 'fresh' || lookAgainMs !== undefined;
    const lookAgain = lookAgainMs ?? doubling(RECHECK_MS, this.#doubts, MAX_RECHECK_MS);

    const credential = frozen(wire, age);
    this.#credential = credential;
    this.token = Promise.resolve(credential.value);
    this.whole = Promise.resolve(credential);
    this.#age = age;
    this.#lifeMs = wire.expiresInMs;
    this.#freshForMs = doubtful ? Math.min(ahead, age() + lookAgain) : ahead;
    this.#askedMinTtl = asked;
    this.#order = order;
    return credential;
  }

  failed(error: ZhongkongClientError, age: Stopwatch, random: number): void {
    const backoff = doubling(REST_MS, this.#failures, MAX_REST_MS) * (0.5 + 0.5 * random);
    this.#failures += 1;
    const asked = Math.min((error.retryAfter ?? 0) * 1000, MAX_RETRY_AFTER_MS);
    this.#trouble = { error, age, forMs: Math.max(backoff, asked) };
  }

  /**
   * Forgets the credential. With a value (a report): only if it is that one, and answers asked for before `at` do not
   * bring it back. Without (a refusal): unless a later request than the one sent `at` was answered with it.
   */
  drop(value: string | null, at: number): void {
    if (value !== null) this.#reported = { value, at };
    if (value === null ? at < this.#order.sent : this.#credential?.value !== value) return;
    this.#credential = null;
    this.token = null;
    this.whole = null;
    this.#age = null;
  }

  holds(value: string): boolean {
    return this.#credential?.value === value;
  }

  #accepts(wire: WireCredential, order: Order): boolean {
    if (this.#reported?.value === wire.value && order.sent < this.#reported.at) return false;
    const held = this.#credential;
    if (!held) return true;
    if (wire.generation > held.generation) return true;
    // The same value, heard of later: its life may have been shortened meanwhile.
    if (wire.generation === held.generation) return order.sent > this.#order.sent;
    // A lower generation is another chain or a restored database, if it was asked for after we had this one.
    return order.sent > this.#order.received;
  }
}

function frozen(wire: WireCredential, age: Stopwatch): Credential {
  return Object.freeze({
    account: wire.account,
    kind: wire.kind,
    value: wire.value,
    generation: wire.generation,
    state: wire.state,
    expiresAt: Math.floor(Date.now() - age() + wire.expiresInMs),
  });
}
