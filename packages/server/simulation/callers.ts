/**
 * The services that use tokens: some ask every time, some cache blindly for as long as they were told; all of them use
 * what they got, and say so when WeChat rejects it.
 */

import { decodeRecord } from '../src/core/codec.ts';
import { ZhongkongError } from '../src/core/errors.ts';
import { Dice } from './dice.ts';
import { KEY_GRACE_MS, type Node } from './node.ts';
import { plainSeal } from './plain-ports.ts';
import type { Member, World } from './world.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const READ_EVERY_MS = 15_000;
const CACHER_LOOKS_EVERY_MS = 60_000;
/** A careless caller's share of reports: of values that work, or that were replaced long ago. */
const WRONG_REPORTS = 1 / 300;

export function startCallers(world: World): void {
  for (const member of world.members.values()) {
    new Reader(world, member).start();
    new Cacher(world, member).start();
  }
}

/** Reads at some node and watches how the answer comes. */
async function read(world: World, node: Node, member: Member, minTtlMs: number): Promise<string | null> {
  const { referee } = world;
  const startedAt = world.now;
  const before = world.stored(member);
  const { process } = node;
  const { knownAt } = process;
  try {
    const served = await node.serve(world.adminKey, member.id, minTtlMs);
    referee.served(process, member.id, served, knownAt);
    // Others may have renewed a sliding value, which this process need not know.
    const isSliding = member.target?.chain.policy.type === 'sliding';
    const until = isSliding ? 0 : (world.wechat.tokens.get(served.value)?.expiresAt ?? 0);
    process.handed.set(member.id, { value: served.value, knownAt, until });
    if (world.now - startedAt > 4 * 1.5 * world.storeWeather.latencyMs + 5 && minTtlMs === 0)
      waited(world, node, member, startedAt, before);
    return served.value;
  } catch (error) {
    if (!(error instanceof ZhongkongError) || error.code === 'internal') {
      referee.violated('internal error', member.id, `read: ${String((error as Error)?.stack ?? error)}`);
      return null;
    }
    const frozen = process.frozenUntil > startedAt - 1000;
    const unwell = process.storeFailedAt > startedAt - 15_000 || frozen;
    const handed = process.handed.get(member.id);
    const remembers =
      handed !== undefined &&
      world.now < handed.until - 10 * SECOND &&
      world.cacheSize > world.members.size &&
      startedAt - knownAt < KEY_GRACE_MS - MINUTE;
    const isAnswer = error.code === 'not_found' || error.code === 'account_disabled';
    if (unwell && !frozen && !isAnswer && remembers && minTtlMs === 0 && referee.mustRemember(member.id, handed.value, handed.knownAt))
      referee.violated('no gap: memory did not serve while the store was away', member.id, `${error.code} at ${process.name}`);
    if (unwell) referee.excuse('read failed: its node was unwell');
    else if (isAnswer) referee.excuse(`read failed: ${error.code}`);
    else referee.readFailed(member.id, error.code);
    return null;
  }
}

/** It took longer than looking into the store does. */
function waited(world: World, node: Node, member: Member, startedAt: number, before: string | null): void {
  const { process } = node;
  if (
    before === null ||
    member.target === null ||
    world.slowUntil > startedAt - MINUTE ||
    process.storeFailedAt > startedAt - 1000 ||
    process.frozenUntil > startedAt
  )
    return;
  const { current, dead } = decodeRecord(member.target.id, before, plainSeal);
  // A clock that was set moves the end of what was there.
  if (current !== null && world.referee.clockWasSetFor(current.value)) return;
  const usable =
    current !== null &&
    !dead &&
    world.referee.lastChange(member.target).diedAt < startedAt - SECOND &&
    world.startAt + world.clockOffset + startedAt < current.expiresAt - SECOND;
  if (usable) {
    const ms = Math.round(world.now - startedAt);
    world.referee.violated('never waits: a read waited while a usable one exists', member.id, `${ms} ms at ${process.name}`);
  }
}

async function report(world: World, node: Node, member: Member, value: string): Promise<void> {
  if (member.silent) return;
  const { referee } = world;
  const { process } = node;
  const startedAt = world.now;
  const { knownAt } = process;
  const before = world.stored(member);
  referee.reported(value);
  const result = await node.report(world.adminKey, member.id, value);
  if (result.credential) referee.served(process, member.id, result.credential, knownAt);
  const after = world.stored(member);
  if (world.trace.on) world.trace.line('CALLER', `reported ${value}: ${result.outcome}`);
  if (result.outcome === 'superseded' || before === null || after === null || member.target === null) return;
  const { id } = member.target;
  const currents = [before, after].map((body) => decodeRecord(id, body, plainSeal).current?.value);
  const other = currents[0] === currents[1] && currents[0] !== value;
  const heardOf = knownAt > referee.lastChange(member.target).changedAt;
  if (other && heardOf && process.storeFailedAt < startedAt - MINUTE) {
    referee.violated('report: a superseded value was not compared', member.id, `${value}: ${result.outcome}`);
  }
}

/** Asks before each use. */
class Reader {
  readonly #world: World;
  readonly #member: Member;
  readonly #dice: Dice;
  readonly #seen: string[] = [];

  constructor(world: World, member: Member) {
    this.#world = world;
    this.#member = member;
    this.#dice = Dice.stream(world.seed, `reader ${member.id}`);
  }

  start(): void {
    const again = (): void =>
      this.#world.scheduler.after(this.#dice.around(READ_EVERY_MS), null, () => {
        again();
        const node = this.#world.someNode(this.#dice);
        if (node && this.#member.target) void this.#world.quietly(this.#use(node), 'a reader');
      });
    again();
  }

  async #use(node: Node): Promise<void> {
    const { wechat } = this.#world;
    const minTtlMs = this.#dice.chance(0.02) ? 600_000 : 0;
    const value = await read(this.#world, node, this.#member, minTtlMs);
    if (value === null) return;
    if (this.#seen.at(-1) !== value) this.#seen.push(value);
    if (this.#seen.length > 4) this.#seen.shift();
    const wrong = this.#dice.chance(WRONG_REPORTS) ? this.#dice.pick(this.#seen) : null;
    const rejected = wechat.check(value) === 0 ? wrong : value;
    if (rejected !== null) await report(this.#world, node, this.#member, rejected);
  }
}

/** Believes what it was told, to the second. */
class Cacher {
  readonly #world: World;
  readonly #member: Member;
  readonly #dice: Dice;
  #value: string | null = null;
  #until = 0;

  constructor(world: World, member: Member) {
    this.#world = world;
    this.#member = member;
    this.#dice = Dice.stream(world.seed, `cacher ${member.id}`);
  }

  start(): void {
    const again = (): void =>
      this.#world.scheduler.after(this.#dice.around(CACHER_LOOKS_EVERY_MS), null, () => {
        again();
        const node = this.#world.someNode(this.#dice);
        if (node && this.#member.target) void this.#world.quietly(this.#use(node), 'a cacher');
      });
    again();
  }

  async #use(node: Node): Promise<void> {
    const { now, wechat, referee, adminKey } = this.#world;
    const { knownAt } = node.process;
    if (this.#value === null || now >= this.#until) {
      const served = await node.serve(adminKey, this.#member.id, 0).catch(() => null);
      if (!served) return;
      referee.served(node.process, this.#member.id, served, knownAt);
      this.#value = served.value;
      this.#until = this.#world.now + served.expiresInMs;
    }
    const value = this.#value;
    if (wechat.check(value) === 0) return;
    this.#value = null;
    await report(this.#world, node, this.#member, value);
  }
}
