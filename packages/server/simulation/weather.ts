/**
 * What goes wrong in a run, and when: each seed has some kinds of trouble and not others, in some runs none at all.
 *
 * A kind is a row: how often per hour, and what it does. Whoever makes trouble says until when it excuses the product.
 */

import { ZhongkongError } from '../src/core/errors.ts';
import { Dice } from './dice.ts';
import type { Node } from './node.ts';
import type { CallName, Trap } from './process.ts';
import type { OutageForm } from './upstream-link.ts';
import { CLOCK_SET, type Member, RECOVERY_MS, type World } from './world.ts';

interface Trouble {
  readonly perHour: number;
  readonly strike: (world: World, dice: Dice) => void;
}

const SECOND = 1000;
const MINUTE = 60 * SECOND;
/** Backoff of the longest class that an end of trouble may have to wait out, beyond the recovery. */
const BACKOFF_MS = 45 * SECOND;
const ADMIN_MS = 90 * SECOND;
const PATIENCE_MS = 30 * SECOND;
/** What was sent to the store has arrived by then, or never will. */
const IN_AIR_MS = MINUTE;

const seconds = (ms: number): string => `for ${Math.round(ms / SECOND)} s`;
const someMember = (world: World, dice: Dice): Member => dice.pick([...world.members.values()]);
const upNode = (world: World, dice: Dice): Node | null => {
  const up = world.nodes.filter(({ process }) => !process.dead && !process.frozen);
  return up.length === 0 ? null : dice.pick(up);
};

function crash(world: World, node: Node, downMs: number): void {
  const { name } = node.process;
  world.inject('crash', name);
  node.process.crash();
  world.unwell(name, world.now + downMs + 15 * SECOND);
}

/** Whoever is dead gets started again after a while. */
function keepAlive(world: World, dice: Dice): void {
  const again = (): void =>
    world.scheduler.after(dice.between(1, 10) * SECOND, null, () => {
      for (const { process } of [...world.nodes]) {
        if (!process.dead || (world.unwellUntil.get(process.name) ?? 0) > world.now + 15 * SECOND) continue;
        world.unwell(process.name, world.now + 20 * SECOND);
        world.startNode(process.name);
      }
      again();
    });
  again();
}

const CALLS: readonly CallName[] = ['issue', 'issue', 'issue', 'write', 'write', 'acquire', 'claim', 'probe', 'read', 'release'];

/** Hits some process at its next call of a kind; soon enough, because there is work within minutes. */
function setTrap(world: World, dice: Dice, what: Trap['what']): void {
  const node = upNode(world, dice);
  if (!node) return;
  const pauseMs = dice.pick([2, 20, 40, 90, 400, 1200]) * SECOND * dice.between(0.5, 1.5);
  node.process.trap = { at: dice.pick(CALLS), when: dice.pick(['before', 'after']), what, pauseMs, thenCrash: dice.chance(0.3) };
  if (what === 'crash') world.inject('trap: crash', `${node.process.name} ${node.process.trap.when} ${node.process.trap.at}`);
}

const KINDS: Readonly<Record<string, Trouble>> = {
  crash: {
    perHour: 1,
    strike: (world, dice) => {
      const node = upNode(world, dice);
      if (node) crash(world, node, dice.around(60 * SECOND));
    },
  },
  'trap: crash': { perHour: 4, strike: (world, dice) => setTrap(world, dice, 'crash') },
  'trap: pause': { perHour: 4, strike: (world, dice) => setTrap(world, dice, 'pause') },
  pause: {
    perHour: 1.5,
    strike: (world, dice) => upNode(world, dice)?.process.freeze(dice.around(60 * SECOND)),
  },
  restart: {
    perHour: 0.7,
    strike: (world, dice) => {
      const node = world.someNode(dice);
      if (node) restart(world, node);
    },
  },
  'store outage': {
    perHour: 0.5,
    strike: (world, dice) => {
      const ms = dice.around(dice.pick([5, 60, 600]) * SECOND);
      world.inject('store outage', seconds(ms));
      world.storeWeather.out = true;
      world.health.impair(null, world.now + ms + RECOVERY_MS);
      world.scheduler.after(ms, null, () => {
        world.storeWeather.out = false;
      });
    },
  },
  'store storm': {
    perHour: 0.7,
    strike: (world, dice) => {
      const ms = dice.around(3 * MINUTE);
      world.inject('store storm', seconds(ms));
      world.storeWeather.failing = dice.pick([0.03, 0.15, 0.4]);
      world.health.impair(null, world.now + ms + RECOVERY_MS);
      world.scheduler.after(ms, null, () => {
        world.storeWeather.failing = 0;
      });
    },
  },
  'store slow': {
    perHour: 0.3,
    strike: (world, dice) => {
      const usual = world.storeWeather.latencyMs;
      if (usual > 100) return;
      const ms = dice.around(2 * MINUTE);
      world.slowUntil = world.now + ms;
      world.inject('store slow', seconds(ms));
      world.storeWeather.latencyMs = dice.pick([300, 1500, 4000]);
      world.health.impair(null, world.now + ms + RECOVERY_MS);
      world.scheduler.after(ms, null, () => {
        world.storeWeather.latencyMs = usual;
      });
    },
  },
  'partition: store': { perHour: 0.8, strike: (world, dice) => partition(world, dice, 'storeCut') },
  'partition: WeChat': { perHour: 0.8, strike: (world, dice) => partition(world, dice, 'wechatCut') },
  'WeChat outage': {
    perHour: 0.4,
    strike: (world, dice) => {
      const ms = dice.around(dice.pick([10, 120, 900]) * SECOND);
      const form = dice.pick<OutageForm>(['timeout', 'connect', 'busy', 'html']);
      world.inject('WeChat outage', `${form} ${seconds(ms)}`);
      world.wechatWeather.outage = form;
      world.health.impair(null, world.now + ms + RECOVERY_MS + BACKOFF_MS);
      world.scheduler.after(ms, null, () => {
        world.wechatWeather.outage = null;
      });
    },
  },
  'WeChat storm': {
    perHour: 0.8,
    strike: (world, dice) => {
      const ms = dice.around(4 * MINUTE);
      world.inject('WeChat storm', seconds(ms));
      world.wechatWeather.failing = dice.pick([0.1, 0.4, 0.8]);
      world.health.impair(null, world.now + ms + RECOVERY_MS + BACKOFF_MS);
      world.scheduler.after(ms, null, () => {
        world.wechatWeather.failing = 0;
      });
    },
  },
  wall: {
    perHour: 0.3,
    strike: (world, dice) => {
      const { wechat, id } = someMember(world, dice);
      if (wechat.wall !== null) return;
      const ms = dice.around(5 * MINUTE);
      wechat.wall = dice.pick([45009, 45011, 40164, -1]);
      world.inject(`wall ${wechat.wall}`, `${id} ${seconds(ms)}`);
      world.health.impair(id, world.now + ms + RECOVERY_MS + BACKOFF_MS);
      world.scheduler.after(ms, null, () => {
        wechat.wall = null;
      });
    },
  },
  'AppSecret reset': { perHour: 0.3, strike: resetSecret },
  'rogue fetcher': {
    perHour: 0.5,
    strike: (world, dice) => {
      const { wechat, id } = someMember(world, dice);
      const force = dice.chance(0.3);
      for (let left = dice.whole(1, 4); left > 0; left -= 1) {
        world.scheduler.after(dice.around(20 * SECOND) * left, null, () => {
          if (world.wechat.foreign(wechat, force)) world.inject('rogue fetch', id);
        });
      }
    },
  },
  revocation: {
    perHour: 0.2,
    strike: (world, dice) => {
      const { wechat, id } = someMember(world, dice);
      world.inject('revocation', id);
      world.wechat.revoke(wechat);
    },
  },
  ordered: {
    perHour: 0.7,
    strike: (world, dice) => {
      const node = world.someNode(dice);
      const { id } = someMember(world, dice);
      if (!node) return;
      world.inject('ordered refresh', id);
      void world.quietly(node.order(world.adminKey, id), 'an ordered refresh');
    },
  },
  leak: {
    perHour: 0.3,
    strike: (world, dice) => {
      const node = world.someNode(dice);
      const { id } = someMember(world, dice);
      if (!node) return;
      world.inject('leak procedure', id);
      world.referee.leakStarted(id);
      void world.quietly(node.revokeLeaked(world.adminKey, id), 'a leak procedure');
    },
  },
  'admin: disable': { perHour: 0.3, strike: disable },
  'admin: remove': { perHour: 0.2, strike: remove },
  'wall clock step': {
    perHour: 1,
    strike: (world, dice) => {
      const process = upNode(world, dice)?.process;
      if (!process) return;
      world.inject('wall clock step', process.name);
      process.setWall(world.startAt + dice.between(-300, 300) * SECOND);
    },
  },
  'store clock step': {
    perHour: 0.05,
    strike: (world, dice) => {
      const byMs = dice.between(-300, 300) * SECOND;
      world.inject('store clock step', `by ${Math.round(byMs / SECOND)} s`);
      world.clockOffset += byMs;
      world.clockSetAt.push(world.now);
      // Set forward, it ends leases that are in use.
      world.referee.disturbed(null, CLOCK_SET);
      // Leases end early or late by as much.
      world.health.impair(null, world.now + Math.abs(byMs) + RECOVERY_MS);
    },
  },
};

function partition(world: World, dice: Dice, which: 'storeCut' | 'wechatCut'): void {
  const process = upNode(world, dice)?.process;
  if (!process) return;
  const ms = dice.around(dice.pick([30, 300, 1200]) * SECOND);
  world.inject(which === 'storeCut' ? 'partition: store' : 'partition: WeChat', `${process.name} ${seconds(ms)}`);
  process[which] = true;
  // A node that has lost WeChat fails what it claims, and each failure backs off: the others' chances are the rest.
  if (which === 'wechatCut') world.health.impair(null, world.now + ms + RECOVERY_MS + BACKOFF_MS);
  world.unwell(process.name, world.now + ms + RECOVERY_MS);
  world.scheduler.after(ms, null, () => {
    process[which] = false;
  });
}

/** A planned restart, as a deployment does it. */
function restart(world: World, node: Node): void {
  const { process } = node;
  world.inject('restart', process.name);
  world.unwell(process.name, world.now + 2 * MINUTE);
  const startedAt = world.now;
  const watch = world.scheduler;
  let ended = false;
  void world.quietly(
    node.stop().then(() => {
      ended = true;
      process.crash();
      world.unwellUntil.set(process.name, world.now);
      world.unwell(process.name, world.now + 15 * SECOND);
    }),
    'stopping',
  );
  // Two leases of waiting for others, and what the store's own timeouts add.
  watch.after(4 * MINUTE, process, () => {
    if (!ended && process.frozenUntil < startedAt && process.storeFailedAt < startedAt - MINUTE) {
      world.referee.violated('ends: stopping did not end', '', process.name);
    }
    if (!ended) process.crash();
  });
}

/** What an operator does until it is done: the node that was asked may die with it. */
function insist(world: World, dice: Dice, account: string, work: (node: Node) => Promise<unknown>): void {
  let done = false;
  const attempt = (): void => {
    if (done) return;
    world.health.impair(account, world.now + PATIENCE_MS + ADMIN_MS);
    world.scheduler.after(PATIENCE_MS, null, attempt);
    const node = world.someNode(dice);
    if (node === null) return;
    const tried = work(node).then(() => {
      done = true;
    });
    void world.quietly(tried, 'an operator');
  };
  attempt();
}

function resetSecret(world: World, dice: Dice): void {
  const { wechat, id } = someMember(world, dice);
  const old = wechat.secret;
  const next = world.wechat.resetSecret(wechat);
  const afterMs = dice.around(4 * MINUTE);
  const fallback = dice.chance(0.3);
  world.inject('AppSecret reset', `${id}, told ${seconds(afterMs)} later${fallback ? ', with a fallback' : ''}`);
  world.health.impair(id, world.now + afterMs + ADMIN_MS);
  world.scheduler.after(afterMs, null, () => {
    // Reset once more meanwhile: the later one tells.
    const told = (node: Node): Promise<unknown> =>
      wechat.secret === next ? node.accounts.update(id, { secrets: fallback ? [old, next] : [next] }, 'sim') : Promise.resolve();
    insist(world, dice, id, told);
  });
}

function disable(world: World, dice: Dice): void {
  const { id } = someMember(world, dice);
  const node = world.someNode(dice);
  if (!node) return;
  const ms = dice.around(5 * MINUTE);
  world.inject('admin: disable', `${id} ${seconds(ms)}`);
  world.health.impair(id, world.now + ms + ADMIN_MS);
  let over = false;
  const disabled = node.accounts.update(id, { enabled: false }, 'sim').then(() => {
    if (!over) world.referee.disabled(id, true);
  });
  void world.quietly(disabled, 'disabling');
  world.scheduler.after(ms, null, () =>
    insist(world, dice, id, (other) => {
      over = true;
      world.referee.disabled(id, false);
      return other.accounts.update(id, { enabled: true }, 'sim').catch((error: unknown) => {
        if (!(error instanceof ZhongkongError) || error.code !== 'not_found') throw error;
      });
    }),
  );
}

function remove(world: World, dice: Dice): void {
  const member = someMember(world, dice);
  const node = world.someNode(dice);
  if (!node || member.target === null) return;
  const { id } = member;
  const ms = dice.around(2 * MINUTE);
  world.inject('admin: remove', `${id} ${seconds(ms)}`);
  world.health.impair(id, world.now + ms + ADMIN_MS);
  const removed = node.accounts.remove(id, 'sim').then(() => {
    member.target = null;
  });
  void world.quietly(removed, 'removing an account');
  // Whoever asked may never hear of it: what the store has counts.
  const lookMs = Math.max(ms, IN_AIR_MS);
  world.scheduler.after(lookMs, null, () => {
    void world.has(id).then((isThere) => {
      if (isThere) return;
      member.target = null;
      insist(world, dice, id, (other) => world.create(other, member));
    });
  });
}

/** Plan the run's trouble. */
export function startWeather(world: World): void {
  const dice = Dice.stream(world.seed, 'weather');
  keepAlive(world, dice);
  if (dice.chance(0.1)) return;
  const share = dice.pick([0.15, 0.4, 0.8]);
  const pace = dice.pick([0.5, 1, 3]);
  for (const [name, { perHour, strike }] of Object.entries(KINDS)) {
    const own = Dice.stream(world.seed, name);
    if (!own.chance(share)) continue;
    const again = (): void => {
      const inMs = own.around(3_600_000 / (perHour * pace));
      if (world.now + inMs > world.endsAt) return;
      world.scheduler.after(inMs, null, () => {
        strike(world, own);
        again();
      });
    };
    again();
  }
}

/** All trouble ends. */
export function clearUp(world: World): void {
  world.storeWeather.out = false;
  world.storeWeather.failing = 0;
  world.wechatWeather.outage = null;
  world.wechatWeather.failing = 0;
  for (const { process } of world.nodes) {
    process.storeCut = false;
    process.wechatCut = false;
    process.trap = null;
  }
  for (const { wechat } of world.members.values()) wechat.wall = null;
}
