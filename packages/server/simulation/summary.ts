/** What many runs came to, as the lines that are printed at the end. */

import type { SeedResult } from './run.ts';
import { clockText } from './trace.ts';

type Counts = Map<string, number>;

const add = (counts: Counts, more: Readonly<Record<string, number>>): void => {
  for (const [name, count] of Object.entries(more)) counts.set(name, (counts.get(name) ?? 0) + count);
};
const grouped = (number: number): string => Math.round(number).toLocaleString('en-US');
const listed = (counts: Counts): string =>
  [...counts]
    .sort((a, b) => b[1] - a[1])
    .map(([name, count]) => `${name} ${grouped(count)}`)
    .join(' · ') || 'nothing';

const SHOWN = 50;

export class Summary {
  seeds = 0;
  #nodeHours = 0;
  #events = 0;
  #issues = 0;
  #commits = 0;
  #reads = 0;
  #refused = 0;
  #failed = 0;
  #digest = 0;
  readonly #injected: Counts = new Map();
  readonly #excused: Counts = new Map();
  readonly #lateSends: Counts = new Map();
  readonly #violations: string[] = [];
  readonly #rules: Counts = new Map();
  readonly #bad = new Set<number>();

  add(result: SeedResult): void {
    this.seeds += 1;
    this.#nodeHours += result.nodeHours;
    this.#events += result.events;
    this.#issues += result.issues;
    this.#commits += result.commits;
    this.#reads += result.reads;
    this.#refused += result.refusedReads;
    this.#failed += result.failedReads;
    // The order in which workers finish must not matter.
    this.#digest = (this.#digest + Number.parseInt(result.digest, 16)) >>> 0;
    add(this.#injected, result.injected);
    add(this.#excused, result.excused);
    for (const foundBy of result.lateSends) add(this.#lateSends, { [foundBy]: 1 });
    for (const { rule, at, account, text } of result.violations) {
      this.#bad.add(result.seed);
      add(this.#rules, { [rule]: 1 });
      this.#violations.push(`seed ${result.seed} at ${clockText(at)} ${rule}${account === '' ? '' : ` · ${account}`} · ${text}`);
    }
  }

  get violated(): boolean {
    return this.#violations.length > 0;
  }

  lines(first: number, seconds: number, cpuSeconds: number): readonly string[] {
    const last = first + this.seeds - 1;
    return [
      `simulation: ${grouped(this.seeds)} seeds from ${first} to ${last}, ${grouped(this.#nodeHours)} node-hours, ${grouped(this.#events)} events`,
      `took ${seconds.toFixed(1)} s, ${(cpuSeconds / Math.max(1, this.seeds)).toFixed(3)} s of CPU per seed, digest ${this.#digest.toString(16).padStart(8, '0')}`,
      `issues ${grouped(this.#issues)}, commits ${grouped(this.#commits)}, reads ${grouped(this.#reads)} of which refused ${grouped(this.#refused)} and failed ${grouped(this.#failed)}, each for an allowed cause unless listed below`,
      `injected: ${listed(this.#injected)}`,
      `allowed: ${listed(this.#excused)}`,
      `sent by a holder paused past its lease, and found out by: ${listed(this.#lateSends)}`,
      ...this.#violations.slice(0, SHOWN),
      ...(this.#violations.length > SHOWN ? [`… and ${this.#violations.length - SHOWN} more`] : []),
      this.violated
        ? `violations: ${this.#violations.length} in ${this.#bad.size} seeds: ${listed(this.#rules)}. Replay one: npm run simulate -- --seed ${[...this.#bad][0]} --trace`
        : 'violations: 0',
    ];
  }
}
