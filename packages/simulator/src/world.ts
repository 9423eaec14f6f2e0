/**
 * All state of one simulator in one place; everything else is functions over it. No module-level
 * state, so any number of simulators live side by side in one process.
 */
import { BoundedMap } from './bounded.ts';
import type { SimClock } from './clock.ts';
import { Faults } from './faults/faults.ts';
import type { Knobs } from './knobs.ts';
import { RidLog } from './rid.ts';
import { Counters } from './state/counters.ts';
import { Directory } from './state/directory.ts';
import { Issuer } from './state/issuer.ts';

const CODE_MEMORY = 100_000; // js_codes remembered as used

export interface World {
  readonly seed: string;
  readonly clock: SimClock;
  knobs: Readonly<Knobs>;
  readonly directory: Directory;
  readonly issuer: Issuer;
  readonly rids: RidLog;
  readonly faults: Faults;
  /** Calls that belong to no account we know. */
  readonly strangers: Counters;
  /** js_codes that were exchanged once. */
  readonly usedCodes: BoundedMap<true>;
}

export const createWorld = (seed: string, clock: SimClock, knobs: Readonly<Knobs>, autoSecret: string | null): World => ({
  seed,
  clock,
  knobs,
  directory: new Directory(seed, autoSecret),
  issuer: new Issuer(seed, knobs.deadTokenMemory),
  rids: new RidLog(seed, knobs.ridMemory),
  faults: new Faults(seed),
  strangers: new Counters(),
  usedCodes: new BoundedMap(CODE_MEMORY),
});
