/**
 * The list of faults in force. Each is limited by path, account, address, a number of calls to skip,
 * a number of calls to hit, a stretch of simulated time or a probability; a fault that has used up its
 * calls stays listed with `left: 0` and hits nobody. Invariant: with an empty list a call costs nothing.
 */
import { fieldsOf, InputError, integer, listOf, numberFrom, oneOf, plainObject, type Reader, reject, text } from '../input.ts';
import { createRandom, type Random } from '../random.ts';
import { FAULT_KINDS, type FaultFields, type FaultKind } from './kinds.ts';
import { emptyPlan, type Plan } from './plan.ts';

/** Which calls a fault hits; every field is optional and they are combined with "and". */
export interface FaultScope {
  /** To delete it by, and to find it in the list. */
  name?: string;
  /** Exact paths, or with a trailing `*`; default: every path. */
  path?: string | readonly string[];
  /** AppIDs; a call belongs to the account that its appid or its access_token names. */
  account?: string | readonly string[];
  ip?: string;
  /** Lets so many matching calls pass first; default 0. */
  skip?: number;
  /** Hits the next so many matching calls; default: all until deleted. */
  count?: number;
  /** Chance of each matching call to be hit, 0 to 1, drawn from the seed; default 1. */
  probability?: number;
  /** Ends so many simulated milliseconds after it was set; default: never. */
  for_ms?: number;
}
export type Fault = { [K in FaultKind]: { fault: K } & FaultFields[K] & FaultScope }[FaultKind];

/** What of a call faults are matched with; `account` is only worked out when a fault asks. */
export interface Matchable {
  readonly path: string;
  readonly clientIp: string;
  readonly account: () => string | null;
}

const texts: Reader<string | readonly string[]> = (value, where) => (typeof value === 'string' ? value : listOf(text)(value, where));
const count = integer(0, 1_000_000_000);
const scopeReaders = {
  name: text,
  path: texts,
  account: texts,
  ip: text,
  skip: count,
  count,
  probability: numberFrom(0, 1),
  for_ms: integer(0, 315_360_000_000),
};
const kindReader = oneOf(...(Object.keys(FAULT_KINDS) as FaultKind[]));

/** One fault from outside, checked field by field. */
export const faultReader: Reader<Fault> = (value, where) => {
  const object = plainObject(value, where);
  const kind = kindReader(object.fault, `${where}.fault`);
  const declaration = FAULT_KINDS[kind];
  const read = fieldsOf<Record<string, unknown>>({ ...scopeReaders, ...declaration.fields, fault: kindReader })(object, where);
  for (const field of declaration.required)
    if (read[field] === undefined) reject(`${where}.${field}`, `a value (fault ${kind})`, undefined);
  return read as unknown as Fault; // each field was read by the kind's own reader
};

class Active {
  readonly fault: Fault;
  readonly #random: Random;
  readonly #until: number;
  readonly #paths: readonly string[] | null;
  readonly #accounts: readonly string[] | null;
  skip: number;
  left: number;
  hits = 0;

  constructor(fault: Fault, now: number, random: Random) {
    this.fault = fault;
    this.#random = random;
    this.#until = fault.for_ms === undefined ? Number.POSITIVE_INFINITY : now + fault.for_ms;
    this.#paths = asList(fault.path);
    this.#accounts = asList(fault.account);
    this.skip = fault.skip ?? 0;
    this.left = fault.count ?? Number.POSITIVE_INFINITY;
  }

  strikes(call: Matchable, now: number): boolean {
    if (this.left <= 0 || now >= this.#until) return false;
    if (this.#paths && !this.#paths.some((path) => covers(path, call.path))) return false;
    if (this.fault.ip !== undefined && this.fault.ip !== call.clientIp) return false;
    if (this.#accounts && !this.#accounts.includes(call.account() ?? '')) return false;
    if (this.fault.probability !== undefined && this.#random.unit() >= this.fault.probability) return false;
    if (this.skip > 0) {
      this.skip--;
      return false;
    }
    this.left--;
    this.hits++;
    return true;
  }

  apply(plan: Plan): void {
    (FAULT_KINDS[this.fault.fault].apply as (plan: Plan, fault: Fault, random: Random) => void)(plan, this.fault, this.#random);
  }

  toJSON(): object {
    return { ...this.fault, hits: this.hits, left: Number.isFinite(this.left) ? this.left : null };
  }
}

const asList = (value: string | readonly string[] | undefined): readonly string[] | null =>
  value === undefined ? null : typeof value === 'string' ? [value] : value;
const covers = (pattern: string, path: string): boolean =>
  pattern.endsWith('*') ? path.startsWith(pattern.slice(0, -1)) : pattern === path;

export class Faults {
  readonly #seed: string;
  #list: Active[] = [];
  #made = 0;

  constructor(seed: string) {
    this.#seed = seed;
  }

  get size(): number {
    return this.#list.length;
  }

  /** All faults that hit this call, added up; null when none does. Uses up their counts. */
  plan(call: Matchable, now: number): Plan | null {
    let plan: Plan | null = null;
    for (const active of this.#list) {
      if (!active.strikes(call, now)) continue;
      plan ??= emptyPlan();
      active.apply(plan);
    }
    return plan;
  }

  add(faults: readonly Fault[], now: number): void {
    for (const fault of faults) this.#list.push(new Active(fault, now, createRandom(`${this.#seed}|fault|${this.#made++}`)));
  }

  /** All of them, or those with this name; returns how many went. */
  clear(name?: string): number {
    const kept = name === undefined ? [] : this.#list.filter((active) => active.fault.name !== name);
    const gone = this.#list.length - kept.length;
    this.#list = kept;
    return gone;
  }

  toJSON(): object[] {
    return this.#list.map((active) => active.toJSON());
  }
}

/** One fault or an array of them. */
export function readFaults(value: unknown): Fault[] {
  if (Array.isArray(value)) return listOf(faultReader)(value, 'faults');
  if (typeof value === 'object' && value !== null) return [faultReader(value, 'fault')];
  throw new InputError('body: expected a fault object or an array of them');
}
