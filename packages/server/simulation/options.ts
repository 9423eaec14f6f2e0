/** What `npm run simulate` can be told. Anything else is wrong usage: exit code 2. */

import { parseArgs } from 'node:util';
import { availableParallelism } from 'node:os';
import { MUTATIONS, type Mutation } from './mutations.ts';

export interface Options {
  readonly from: number;
  readonly seeds: number;
  /** Node-hours per seed. */
  readonly hours: number;
  readonly workers: number;
  readonly trace: boolean;
  readonly mutation: Mutation | null;
  /** End with the first seed that violates something. */
  readonly stopAtFirst: boolean;
}

export const USAGE = `npm run simulate -- [--seeds N] [--from S] [--hours H] [--workers N] [--mutation NAME] [--stop]
npm run simulate -- --seed S [--trace]

  --seeds N      how many seeds (default 1000)
  --from S       the first one (default 1)
  --seed S       this one only
  --trace        print everything that happens, one line each
  --hours H      node-hours per seed (default 20)
  --workers N    threads (default: one per core)
  --stop         end with the first seed that violates something
  --mutation M   break the product first: ${Object.keys(MUTATIONS).join(', ')}

Exit codes: 0 nothing violated, 1 something violated, 2 wrong usage.`;

export class WrongUsage extends Error {}

export function readOptions(args: readonly string[]): Options | 'help' {
  const { values } = parse(args);
  if (values.help) return 'help';
  const whole = (name: 'seeds' | 'from' | 'seed' | 'workers', fallback: number): number => {
    const text = values[name];
    if (text === undefined) return fallback;
    if (!/^\d{1,10}$/.test(text) || Number(text) === 0) throw new WrongUsage(`--${name}: a whole number above 0, not "${text}"`);
    return Number(text);
  };
  const hours = Number(values.hours ?? 20);
  if (!(hours > 0 && hours <= 10_000)) throw new WrongUsage(`--hours: a number above 0, not "${values.hours}"`);
  const mutation = values.mutation ?? null;
  if (mutation !== null && !Object.hasOwn(MUTATIONS, mutation))
    throw new WrongUsage(`--mutation: one of ${Object.keys(MUTATIONS).join(', ')}`);
  const one = values.seed === undefined ? null : whole('seed', 1);
  const trace = values.trace ?? false;
  if (trace && one === null) throw new WrongUsage('--trace: say which seed, with --seed');
  return {
    ...{ from: one ?? whole('from', 1), seeds: one === null ? whole('seeds', 1000) : 1, hours, trace },
    workers: one === null ? whole('workers', availableParallelism()) : 1,
    ...{ mutation: mutation as Mutation | null, stopAtFirst: values.stop ?? false },
  };
}

function parse(args: readonly string[]) {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  const options = {
    ...{ seeds: text, from: text, seed: text, hours: text, workers: text, mutation: text },
    ...{ trace: flag, stop: flag, help: flag },
  };
  try {
    return parseArgs({ args: [...args], options });
  } catch (error) {
    throw new WrongUsage((error as Error).message);
  }
}
