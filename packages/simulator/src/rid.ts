/**
 * Request ids. Each failed call gets one, and the request is remembered for rid/get, bounded by days
 * and by count. Grammar (seven samples, 2020–2026): Unix second in hex, then two numbers below 2^31,
 * each padded to eight digits. cgi-bin puts ` rid: ` behind the text, sns `, rid: `.
 */
import { BoundedMap } from './bounded.ts';
import { createRandom, type Random } from './random.ts';

/** What rid/get can tell about a failed call. */
export interface RidRecord {
  readonly account: string | null;
  readonly at: number;
  readonly query: string;
  readonly body: string;
  readonly response: string;
  readonly clientIp: string;
}

const DAY_MS = 86_400_000;
const BODY_LIMIT = 1024; // characters remembered of a request body

export class RidLog {
  readonly #random: Random;
  readonly #records: BoundedMap<RidRecord>;

  constructor(seed: string, capacity: number) {
    this.#random = createRandom(`${seed}|rid`);
    this.#records = new BoundedMap(capacity);
  }

  get size(): number {
    return this.#records.size;
  }

  next(now: number): string {
    return `${hex8(Math.floor(now / 1000))}-${hex8(this.#random.next32() >>> 1)}-${hex8(this.#random.next32() >>> 1)}`;
  }

  remember(rid: string, record: RidRecord, days: number): void {
    const oldest = record.at - days * DAY_MS;
    this.#records.dropWhile((old) => old.at < oldest);
    this.#records.put(rid, record.body.length > BODY_LIMIT ? { ...record, body: record.body.slice(0, BODY_LIMIT) } : record);
  }

  get(rid: string): RidRecord | undefined {
    return this.#records.get(rid);
  }
}

/** The epoch millisecond that a rid names. */
export const ridTime = (rid: string): number => Number.parseInt(rid.slice(0, 8), 16) * 1000;

const hex8 = (value: number): string => value.toString(16).padStart(8, '0');
