/**
 * `createSimulator`: one WeChat, in memory, with a clock. `handle` takes the simulator's own call form
 * and is what hosts use; `fetch` takes a web Request; `control` arranges and asks, as /_sim/ does.
 */
import { createWallClock, type SimClock } from './clock.ts';
import type { AccountInput } from './control/account-input.ts';
import { Control } from './control/control.ts';
import { CONTROL_PREFIX, control as controlCall } from './control/routes.ts';
import type { Fault } from './faults/faults.ts';
import { fetchCall } from './fetch.ts';
import { handle, type Sleep } from './handle.ts';
import { type Knobs, knobsFrom } from './knobs.ts';
import { AUTO_SECRET } from './state/directory.ts';
import type { Call, Outcome } from './wire.ts';
import { createWorld } from './world.ts';

export interface SimulatorOptions {
  /** Same seed, same tokens, rids and chances; default '1'. */
  seed?: string | number;
  /** Default: the wall clock plus what was advanced. `createVirtualClock` stands still between advances. */
  clock?: SimClock;
  /** Rules laid over the defaults; wrong ones throw InputError. */
  knobs?: Partial<Knobs>;
  /** AppID → account. */
  accounts?: Readonly<Record<string, AccountInput>>;
  faults?: Fault | readonly Fault[];
  /** Every AppID of the right shape exists from its first use, with this AppSecret (true: AUTO_SECRET). */
  autoAccounts?: boolean | { secret: string };
  /** How latency passes; default a timer. */
  sleep?: Sleep;
}

export interface Simulator {
  readonly seed: string;
  readonly clock: SimClock;
  readonly control: Control;
  /** Answers at once unless a latency fault asks for time. */
  handle(call: Call): Outcome | Promise<Outcome>;
  /**
   * `ip` is the address WeChat sees (default 127.0.0.1). A dropped connection rejects with a TypeError
   * whose cause has code ECONNRESET; a hang ends only with the request's signal; a cut body errors midway.
   */
  fetch(request: Request, context?: { ip?: string | undefined }): Promise<Response>;
}

const timerSleep: Sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export function createSimulator(options: SimulatorOptions = {}): Simulator {
  const {
    seed = '1',
    clock = createWallClock(),
    knobs = {},
    accounts = {},
    faults = [],
    autoAccounts = false,
    sleep = timerSleep,
  } = options;
  const autoSecret = typeof autoAccounts === 'object' ? autoAccounts.secret : autoAccounts ? AUTO_SECRET : null;
  const world = createWorld(String(seed), clock, knobsFrom(knobs), autoSecret);
  const control = new Control(world);
  for (const [id, input] of Object.entries(accounts)) control.putAccount(id, input);
  control.setFaults(faults);
  const answer = (call: Call) =>
    call.path.startsWith(CONTROL_PREFIX) ? controlCall(control, call, clock.now()) : handle(world, call, sleep);
  return {
    seed: world.seed,
    clock,
    control,
    handle: answer,
    fetch: (request, { ip } = {}) => fetchCall(answer, request, ip ?? '127.0.0.1'),
  };
}
