/**
 * The client: reads come from memory while the server vouches for them, one request serves all who wait, and an
 * outage is bridged for as long as the credential really lives.
 *
 * `Entry` decides, `Transport` talks; this file joins the two and holds the entries.
 */

import { Entry, type Order } from './entry.ts';
import { isRefusal, ZhongkongClientError } from './errors.ts';
import { readMinTtl, readName, readOptions, type Settings } from './options.ts';
import { stopwatches, type Stopwatch } from './stopwatch.ts';
import { Transport, type WireReport } from './transport.ts';
import type { Client, ClientOptions, Credential, ReadOptions, Report, ReportOptions } from './types.ts';

/** Makes a client. Throws `ZhongkongClientError` with code `invalid_option` for a wrong option. */
export function createClient(options: ClientOptions): Client {
  return new MemoryClient(readOptions(options));
}

/** How long the answer to a report of one value is repeated to others who report it. */
const REPORT_REPEAT_MS = 5_000;
const MAX_VALUE_LENGTH = 4096;
/** A flight older than the deadline belongs to a process that was frozen: nobody waits for it any more. */
const STUCK_AFTER_MS = 1_000;

interface PastReport {
  readonly value: string;
  readonly promise: Promise<Report>;
  readonly age: Stopwatch;
  /** Unknown while it is in the air. */
  repeatForMs: number;
}

class MemoryClient implements Client {
  readonly #settings: Settings;
  readonly #transport: Transport;
  readonly #stopwatch: () => Stopwatch;
  /** By account for the main kind, by account, NUL and kind for a named one. */
  readonly #entries = new Map<string, Entry>();
  /** The last report per account and kind. */
  readonly #reports = new Map<string, PastReport>();
  #tick = 0;

  constructor(settings: Settings) {
    this.#settings = settings;
    this.#transport = new Transport(settings);
    this.#stopwatch = stopwatches(settings.now);
  }

  token(account: string, options?: ReadOptions): Promise<string> {
    const entry = this.#entries.get(account);
    if (entry?.token && options?.minTtl === undefined && entry.fresh()) return this.#handed(entry.token, entry.credential?.value);
    return this.#slowToken(account, options);
  }

  credential(account: string, kind: string, options?: ReadOptions): Promise<Credential> {
    const entry = this.#entries.get(`${account}\0${kind}`);
    if (entry?.whole && options?.minTtl === undefined && entry.fresh()) return this.#handed(entry.whole, entry.credential);
    return this.#slowCredential(account, kind, options);
  }

  async report(account: string, value: string, options?: ReportOptions): Promise<Report> {
    if (typeof value !== 'string' || value === '' || value.length > MAX_VALUE_LENGTH) {
      throw new ZhongkongClientError('invalid_option', `value: expected the rejected credential, 1 to ${MAX_VALUE_LENGTH} characters`);
    }
    const kind = options?.kind ?? (await this.#mainKind(account));
    const key = `${account}\0${kind}`;
    const path = `/v1/accounts/${readName('account', account)}/credentials/${readName('kind', kind)}`;
    const past = this.#reports.get(key);
    if (past?.value === value && past.age() < past.repeatForMs && this.#settings.shareRequests) return past.promise;

    const at = ++this.#tick;
    const age = this.#stopwatch();
    const main = this.#entries.get(account);
    const entries = [this.#entry(key, path), ...(main?.kind === kind ? [main] : [])];
    const promise = this.#sendReport(`${path}/report`, value, at, age, entries);
    for (const entry of entries) {
      const held = entry.holds(value);
      entry.drop(value, at);
      // Whoever reads now waits for what the report brings.
      if (!held || !this.#settings.shareRequests) continue;
      const brought = promise.then((report) => report.credential);
      void this.#fly(entry, brought, 0, true, age);
    }
    const record: PastReport = { value, promise, age, repeatForMs: this.#settings.timeoutMs };
    this.#remember(this.#reports, key, record);
    try {
      const report = await promise;
      const wait = report.credential.value === value ? (report.retryAfter ?? 0) * 1000 : 0;
      record.repeatForMs = age() + Math.max(wait, REPORT_REPEAT_MS);
      return report;
    } catch (error) {
      if (this.#reports.get(key) === record) this.#reports.delete(key);
      throw error;
    }
  }

  /** The same promise for all, except where a promise must not cross requests. */
  #handed<T>(shared: Promise<T>, value: unknown): Promise<T> {
    return this.#settings.shareRequests ? shared : Promise.resolve(value as T);
  }

  async #slowToken(account: string, options: ReadOptions | undefined): Promise<string> {
    const minTtl = readMinTtl(options?.minTtl);
    const entry = this.#entries.get(account) ?? this.#entry(account, `/v1/accounts/${readName('account', account)}/token`);
    return (await this.#read(account, entry, minTtl)).value;
  }

  async #slowCredential(account: string, kind: string, options: ReadOptions | undefined): Promise<Credential> {
    const minTtl = readMinTtl(options?.minTtl);
    const key = `${account}\0${kind}`;
    const path = `/v1/accounts/${readName('account', account)}/credentials/${readName('kind', kind)}`;
    return this.#read(key, this.#entry(key, path), minTtl);
  }

  async #mainKind(account: string): Promise<string> {
    const known = this.#entries.get(account)?.kind;
    if (known) return known;
    await this.#slowToken(account, undefined);
    const kind = this.#entries.get(account)?.kind;
    if (!kind) throw new ZhongkongClientError('bad_answer', 'the main kind of the account is unknown');
    return kind;
  }

  #entry(key: string, path: string): Entry {
    const held = this.#entries.get(key);
    if (held) return held;
    const entry = new Entry(path);
    this.#remember(this.#entries, key, entry);
    return entry;
  }

  /** Puts the newest at the end; the first is the longest untouched. */
  #remember<T>(map: Map<string, T>, key: string, value: T): void {
    map.delete(key);
    map.set(key, value);
    if (map.size <= this.#settings.maxEntries) return;
    const [oldest] = map.keys();
    if (oldest !== undefined) map.delete(oldest);
  }

  async #read(key: string, entry: Entry, minTtl: number): Promise<Credential> {
    const held = entry.usable;
    if (!held) {
      const trouble = entry.resting();
      if (trouble) throw trouble;
      return this.#ask(key, entry, minTtl);
    }
    const satisfied = entry.satisfies(minTtl);
    if ((satisfied && entry.fresh()) || entry.resting()) return held;
    const { shareRequests, waitUntil, timeoutMs } = this.#settings;
    // Where nobody may join a flight, one that is under way is enough all the same.
    if (satisfied && entry.flight && entry.flight.age() < timeoutMs + STUCK_AFTER_MS) return held;
    const asking = this.#ask(key, entry, minTtl).catch((error: unknown) => {
      // An outage is bridged; a refusal dropped the credential and is passed on.
      if (entry.usable) return entry.usable;
      throw error;
    });
    if (!satisfied || !(shareRequests || waitUntil)) return asking;
    const background = asking.then(
      () => undefined,
      () => undefined,
    );
    waitUntil?.(background);
    return held;
  }

  /** Joins the flight of this entry, or starts one. */
  async #ask(key: string, entry: Entry, minTtl: number): Promise<Credential> {
    const { shareRequests, timeoutMs } = this.#settings;
    const { flight } = entry;
    if (shareRequests && flight && flight.minTtl >= minTtl && flight.age() < timeoutMs + STUCK_AFTER_MS) {
      if (!flight.byReport) return flight.promise;
      try {
        return await flight.promise;
      } catch {
        return this.#ask(key, entry, minTtl);
      }
    }
    const age = this.#stopwatch();
    return this.#fly(entry, this.#request(key, entry, minTtl, age), minTtl, false, age);
  }

  #fly(entry: Entry, work: Promise<Credential>, minTtl: number, byReport: boolean, age: Stopwatch): Promise<Credential> {
    const done = (): void => {
      // A later flight may have taken the place.
      if (entry.flight === flight) entry.flight = null;
    };
    const promise = work.finally(done);
    const flight = { promise, minTtl, byReport, age };
    entry.flight = flight;
    // Somebody waits for it or nobody does: a rejection without a waiter is not a fault of the program.
    promise.catch(() => undefined);
    return promise;
  }

  async #request(key: string, entry: Entry, minTtl: number, age: Stopwatch): Promise<Credential> {
    const sent = ++this.#tick;
    try {
      const wire = await this.#transport.read(entry.path, minTtl);
      const credential = entry.take(wire, this.#order(sent), age, minTtl, this.#settings.random());
      if (this.#entries.get(key) === entry) this.#remember(this.#entries, key, entry);
      return credential;
    } catch (error) {
      if (error instanceof ZhongkongClientError) {
        if (isRefusal(error)) entry.drop(null, sent);
        entry.failed(error, this.#stopwatch(), this.#settings.random());
      }
      throw error;
    }
  }

  async #sendReport(path: string, value: string, sent: number, age: Stopwatch, entries: readonly Entry[]): Promise<Report> {
    const wire: WireReport = await this.#transport.report(path, value);
    const order = this.#order(sent);
    // Not checked now: what came back may be the very value that was reported.
    const unchecked = wire.outcome === 'cooling_down' || wire.outcome === 'unverified';
    const lookAgainMs = unchecked ? Math.max((wire.retryAfter ?? 0) * 1000, REPORT_REPEAT_MS) : undefined;
    const taken = entries.map((entry) => entry.take(wire, order, age, 0, this.#settings.random(), lookAgainMs));
    return { outcome: wire.outcome, credential: taken[0] as Credential, retryAfter: wire.retryAfter };
  }

  #order(sent: number): Order {
    return { sent, received: ++this.#tick };
  }
}
