/** One seed from the first boot to the last stop, and what became of it. */

import { startCallers } from './callers.ts';
import type { Mutation } from './mutations.ts';
import type { Violation } from './rules.ts';
import { silent, type Trace } from './trace.ts';
import { clearUp, startWeather } from './weather.ts';
import { World } from './world.ts';

export interface SeedOptions {
  readonly seed: number;
  readonly nodeHours: number;
  readonly mutation?: Mutation | null;
  readonly trace?: (now: () => number) => Trace;
}

export interface SeedResult {
  readonly seed: number;
  readonly nodeHours: number;
  readonly events: number;
  readonly issues: number;
  readonly commits: number;
  readonly reads: number;
  readonly refusedReads: number;
  readonly failedReads: number;
  readonly injected: Readonly<Record<string, number>>;
  readonly excused: Readonly<Record<string, number>>;
  /** Promise 1's named case: how each late send was found out. */
  readonly lateSends: readonly string[];
  readonly violations: readonly Violation[];
  /** Two runs with the same digest were the same run. */
  readonly digest: string;
}

const AUDIT_MS = 30_000;
/** Without any trouble everything is well after this. */
const CALM_MS = 15 * 60_000;
const STOP_MS = 3 * 60_000;

export async function runSeed(options: SeedOptions): Promise<SeedResult> {
  const world = new World({ mutation: null, trace: () => silent, ...options });
  const { scheduler, referee } = world;
  await world.open();
  startCallers(world);
  startWeather(world);
  const audit = (): void => {
    referee.audit(world.members.keys());
    if (scheduler.pending > 5000) referee.violated('bounded: too much in the air', '', `${scheduler.pending} events`);
    scheduler.after(AUDIT_MS, null, audit);
  };
  audit();
  await scheduler.run(world.endsAt);
  clearUp(world);
  await scheduler.run(world.endsAt + CALM_MS);
  await stopAll(world);
  referee.finish();
  for (const { rule } of referee.violations) scheduler.mix(rule.length);
  scheduler.mix(referee.issues);
  scheduler.mix(referee.reads);
  return {
    ...{ seed: options.seed, nodeHours: world.hours * world.nodeCount, events: scheduler.events },
    ...{ issues: referee.issues, commits: referee.commits, reads: referee.reads },
    ...{ refusedReads: referee.refusedReads, failedReads: referee.failedReads },
    injected: Object.fromEntries(world.injected),
    excused: Object.fromEntries(referee.excused),
    lateSends: referee.lateSends.map(
      ({ issue, foundBy }) => foundBy ?? (issue.landedAt === null ? 'nobody, it did no harm' : 'it was stored'),
    ),
    violations: referee.violations,
    digest: scheduler.digest.toString(16).padStart(8, '0'),
  };
}

async function stopAll(world: World): Promise<void> {
  const alive = world.nodes.filter(({ process }) => !process.dead && !process.frozen);
  const ended = new Set<string>();
  for (const node of alive)
    void world.quietly(
      node.stop().then(() => ended.add(node.process.name)),
      'stopping',
    );
  await world.scheduler.run(world.now + STOP_MS);
  for (const { process } of alive) {
    if (!ended.has(process.name)) world.referee.violated('ends: stopping did not end', '', process.name);
  }
}
