/**
 * One run: some nodes on one store, some accounts at one WeChat, one seed.
 *
 * The size, the modes, the pace and which kinds of trouble there are all follow from the seed.
 */

import type { Account } from '../src/core/account.ts';
import { credentialKey } from '../src/core/credential.ts';
import { ZhongkongError } from '../src/core/errors.ts';
import type { Target } from '../src/core/kind.ts';
import type { CredentialStore, Store } from '../src/core/store.ts';
import type { UpstreamRequest } from '../src/core/upstream.ts';
import { createMemoryStore, MemoryState } from '../src/stores/memory/index.ts';
import { Dice } from './dice.ts';
import { Health } from './health.ts';
import { CATALOG, MODES } from './kinds.ts';
import { type Mutation, storeMutations } from './mutations.ts';
import { createNode, type Node, UPSTREAM_DEADLINE_MS } from './node.ts';
import { Process } from './process.ts';
import { Referee } from './referee.ts';
import { Scheduler } from './scheduler.ts';
import { StoreLink, type StoreWeather } from './store-link.ts';
import type { Trace } from './trace.ts';
import { UpstreamLink, type WechatWeather } from './upstream-link.ts';
import { type Issue, Wechat, type WechatAccount } from './wechat.ts';

export interface Member {
  readonly id: string;
  readonly platform: string;
  readonly mode: string;
  readonly wechat: WechatAccount;
  /** Its callers never say that a value was refused. */
  readonly silent: boolean;
  /** The credential, as long as the account exists. */
  target: Target | null;
}

export interface WorldOptions {
  readonly seed: number;
  readonly nodeHours: number;
  readonly mutation: Mutation | null;
  readonly trace: (now: () => number) => Trace;
}

/** 2026-03-01T00:00:00Z. */
const EPOCH = Date.UTC(2026, 2, 1);
const DAY_MS = 86_400_000;
const SECOND = 1000;
const MINUTE = 60 * SECOND;
export const CLOCK_SET = "the store's clock was set";
/** Share of accounts whose callers do not report. */
const SILENT = 0.25;
const LIVES_S = [7200, 7200, 3600, 1800];
/** After a fault the product needs a lease's length, and the work itself. */
export const RECOVERY_MS = 70_000;

export class World {
  readonly seed: number;
  readonly scheduler = new Scheduler();
  readonly health = new Health(() => this.scheduler.now);
  readonly trace: Trace;
  readonly wechat: Wechat;
  readonly referee: Referee;
  readonly members = new Map<string, Member>();
  readonly nodes: Node[] = [];
  readonly hours: number;
  readonly nodeCount: number;
  readonly storeWeather: StoreWeather;
  readonly wechatWeather: WechatWeather;
  readonly injected = new Map<string, number>();
  readonly startAt: number;
  adminKey = '';
  /** Of the store, against true time. */
  clockOffset = 0;
  readonly clockSetAt: number[] = [];
  /** The store is slow up to then. */
  slowUntil = 0;
  readonly #state = new MemoryState();
  readonly #store: Store;
  readonly #options: WorldOptions;
  readonly cacheSize: number;
  readonly #dice: Dice;
  #processes = 0;
  /** Dead ones, too: what they sent may still take effect. */
  readonly #byHolder = new Map<string, Node>();

  constructor(options: WorldOptions) {
    this.#options = options;
    this.seed = options.seed;
    const dice = Dice.stream(options.seed, 'world');
    this.#dice = dice;
    const now = (): number => this.scheduler.now;
    this.trace = options.trace(now);
    this.nodeCount = dice.whole(1, 5);
    this.hours = options.nodeHours / this.nodeCount;
    // A day of Beijing ends in half of the runs.
    this.startAt = EPOCH + Math.floor(dice.unit() * DAY_MS);
    this.storeWeather = { out: false, failing: 0, latencyMs: dice.pick([0.2, 1, 5, 30]) };
    this.wechatWeather = { outage: null, failing: 0, latencyMs: dice.pick([20, 80, 400, 1500]) };
    this.wechat = new Wechat({
      ...{ now, startAt: this.startAt, forcedGrace: dice.chance(0.5) },
      onMade: (token) => {
        const target = this.members.get(token.account)?.target;
        if (target) this.referee.made(token, target);
      },
      onDeath: (token, by) => this.referee.died(token, by),
    });
    this.cacheSize = dice.pick([2, 500]);
    this.#store = this.#watched(createMemoryStore({ now: () => this.storeNow(), state: this.#state }));
    this.referee = new Referee({
      ...{ now, wechat: this.wechat, health: this.health, trace: this.trace },
      storeNow: () => this.storeNow(),
      row: (target) => this.#state.rows.get(credentialKey(target.id)),
      target: (account) => this.members.get(account)?.target ?? undefined,
      clockSetAt: this.clockSetAt,
      silent: (account) => this.members.get(account)?.silent ?? false,
      working: (holder, account) => this.#isElectiveHolder(holder, account),
    });
  }

  get now(): number {
    return this.scheduler.now;
  }

  storeNow(): number {
    return this.startAt + this.scheduler.now + this.clockOffset;
  }

  get endsAt(): number {
    return this.hours * 3_600_000;
  }

  inject(kind: string, text = ''): void {
    this.injected.set(kind, (this.injected.get(kind) ?? 0) + 1);
    if (this.trace.on) this.trace.line('FAULT', `${kind} ${text}`);
  }

  /** The nodes, and the accounts with their credentials due. */
  async open(): Promise<void> {
    for (let index = 0; index < this.nodeCount; index += 1) this.startNode(`node-${index + 1}`);
    await this.scheduler.run(5 * SECOND);
    const [first] = this.nodes;
    if (!first) throw new Error('no node');
    const count = this.#dice.whole(1, 6);
    const setUp = async (): Promise<void> => {
      const { key } = await first.keys.create(
        { name: 'services', scopes: ['credential:read', 'credential:refresh', 'admin'], accounts: ['*'] },
        'sim',
      );
      this.adminKey = key;
      for (let index = 1; index <= count; index += 1) await this.#addAccount(first, `a${index}`);
    };
    const done = setUp();
    await this.scheduler.run(10 * SECOND);
    await done;
  }

  /** One more process; it boots by itself. */
  startNode(name: string): Node {
    this.#processes += 1;
    const number = this.#processes;
    const dice = Dice.stream(this.seed, `process ${number}`);
    const process = new Process(
      this.scheduler,
      {
        crashed: (dead) => {
          this.referee.disturbed(dead, 'its holder crashed');
          this.sick();
        },
        froze: (frozen, ms) => {
          this.inject('pause', `${frozen.name} for ${Math.round(ms)} ms`);
          this.referee.disturbed(frozen, 'its holder was paused');
          this.sick();
        },
      },
      {
        ...{ name, number, base: dice.between(0, 1e7), rate: 1 + dice.between(-5e-5, 5e-5) },
        wallOffset: this.startAt + dice.between(-300_000, 300_000),
      },
    );
    const { scheduler, trace } = this;
    const failed = (what: string): void => {
      this.injected.set('call', (this.injected.get('call') ?? 0) + 1);
      if (trace.on) trace.line(process.name, `call fails: ${what}`);
    };
    const link = new StoreLink({
      ...{ process, store: this.#store, scheduler, dice, weather: this.storeWeather, leaseMs: 30_000 },
      mutations: storeMutations(this.#options.mutation, this.#state),
      failed: (what) => {
        this.referee.disturbed(process, 'the store failed its holder');
        failed(what);
      },
    });
    const issueOf = (request: UpstreamRequest, leavesAt: number): Issue | null => this.#issueOf(node, request, leavesAt);
    const upstream = new UpstreamLink({ process, wechat: this.wechat, scheduler, dice, weather: this.wechatWeather, issueOf, failed });
    const node = createNode({
      ...{ process, link, upstream, dice, cacheSize: this.cacheSize, mutation: this.#options.mutation },
      now: () => this.scheduler.now,
      events: { emit: (event) => this.referee.event(process, event) },
    });
    this.#byHolder.set(node.holder, node);
    const index = this.nodes.findIndex((one) => one.process.name === name);
    if (index === -1) this.nodes.push(node);
    else this.nodes[index] = node;
    void node.boot();
    return node;
  }

  /** Something happened to a node: others take over, or nobody can until one is well. */
  sick(): void {
    const wellAt = this.nodes.map(({ process, ready }) => this.#wellAt(process, ready));
    this.health.impair(null, Math.max(this.now, Math.min(...wellAt, Number.MAX_SAFE_INTEGER)) + RECOVERY_MS);
  }

  /** Until when each node is known to be unwell; a dead one until it has booted. */
  readonly unwellUntil = new Map<string, number>();

  #wellAt(process: Process, ready: boolean): number {
    const known = this.unwellUntil.get(process.name) ?? 0;
    const at = Math.max(known, process.frozenUntil);
    return ready || process.dead ? at : Math.max(at, this.now + 10_000);
  }

  unwell(name: string, until: number): void {
    this.unwellUntil.set(name, Math.max(until, this.unwellUntil.get(name) ?? 0));
    this.sick();
  }

  async #addAccount(node: Node, id: string): Promise<void> {
    const { platform, mode, chain, manner } = this.#dice.pick(MODES);
    const wechat = this.wechat.add(id, manner, this.#dice.pick(LIVES_S) * SECOND, mode === 'tight' ? chain.limits.issuesPerDay : 1e9);
    const member: Member = { id, platform, mode, wechat, silent: this.#dice.chance(SILENT), target: null };
    this.members.set(id, member);
    await this.create(node, member);
  }

  async create(node: Node, member: Member): Promise<void> {
    const { id, platform, mode, wechat } = member;
    await node.accounts.create({ id, platform, appId: id, mode, secrets: [wechat.secret] }, 'sim').catch((error: unknown) => {
      // Made by the attempt before, whose answer was lost.
      if (!(error instanceof ZhongkongError) || error.code !== 'conflict') throw error;
    });
    const account = await this.#store.directory.account(id);
    member.target = account && CATALOG.target(account, null);
    this.referee.created(id);
  }

  #issueOf(node: Node, request: UpstreamRequest, leavesAt: number): Issue | null {
    const fields = (request.json ?? request.query) as { readonly appid?: string; readonly force_refresh?: boolean };
    const member = fields.appid === undefined ? undefined : this.members.get(fields.appid);
    if (!member?.target) return null;
    const { target } = member;
    const until = node.link.leases.get(credentialKey(target.id))?.until;
    const late = until === undefined || leavesAt + UPSTREAM_DEADLINE_MS > until + 50;
    // What it takes for its lease may have ended.
    const clockSet = this.clockSetAt.some((at) => at > node.process.measuredAt && at > this.now - MINUTE);
    const issue: Issue = {
      ...{ account: member.id, by: node.process.number, askedAt: this.now, sentAt: leavesAt, forced: fields.force_refresh === true },
      measuredAt: node.process.measuredAt,
      late,
      elective: this.#isElective(node, member.id),
      ...{
        arrivedAt: leavesAt,
        reason: null,
        landedAt: null,
        lostBecause: late ? 'it left late' : this.slowUntil > this.now - MINUTE ? 'the store was slow' : clockSet ? CLOCK_SET : null,
      },
    };
    if (this.trace.on) {
      const offMs = Math.round(node.time.now() - this.storeNow());
      if (Math.abs(offMs) > 5)
        this.trace.line(node.process.name, `is off the store's clock by ${offMs} ms and knows it to ${node.time.uncertaintyMs} ms`);
    }
    this.referee.sending(issue, target, until);
    return issue;
  }

  #isElectiveHolder(holder: string, account: string): boolean {
    const node = this.#byHolder.get(holder);
    return node !== undefined && this.#isElective(node, account);
  }

  #isElective(node: Node, account: string): boolean {
    const leak = this.referee.record(account)?.leak;
    return node.working(account) || (leak !== undefined && leak !== null && leak.finishedAt === null);
  }

  /** The shared store, with the referee looking at every step. */
  #watched(store: Store): Store {
    const { credentials, due, directory } = store;
    const { rows } = this.#state;
    const watched: CredentialStore = {
      now: () => credentials.now(),
      read: (id) => credentials.read(id),
      list: (account) => credentials.list(account),
      acquire: async (id, holder, ms) => {
        const got = await credentials.acquire(id, holder, ms);
        if ('lease' in got) this.referee.granted(got.lease);
        return got;
      },
      write: async (lease, next, options) => {
        const outcome = await credentials.write(lease, next, options);
        if (outcome === 'committed') this.referee.wrote(lease, next, rows.get(credentialKey(lease.id)));
        return outcome;
      },
      release: (lease) => credentials.release(lease),
      schedule: (id, at) => credentials.schedule(id, at),
      removeAll: (account) => {
        this.referee.removed(account);
        return credentials.removeAll(account);
      },
    };
    const changed = async <T>(account: string, work: Promise<T>): Promise<T> => {
      const result = await work;
      this.referee.accountChanged(account);
      return result;
    };
    const { putAccount, removeAccount } = directory;
    Object.assign(directory, {
      putAccount: (account: Account) => changed(account.id, putAccount.call(directory, account)),
      removeAccount: (id: string) => changed(id, removeAccount.call(directory, id)),
    });
    return {
      ...store,
      directory,
      credentials: watched,
      due: {
        claim: async (holder, ms, limit) => {
          const claimed = await due.claim(holder, ms, limit);
          for (const { lease } of claimed) this.referee.granted(lease);
          return claimed;
        },
        nextDueAt: () => due.nextDueAt(),
      },
    };
  }

  /** A node that is up; null when none is. */
  someNode(dice: Dice): Node | null {
    const up = this.nodes.filter((node) => node.ready && !node.process.frozen);
    return up.length === 0 ? null : dice.pick(up);
  }

  async has(account: string): Promise<boolean> {
    return (await this.#store.directory.account(account)) !== null;
  }

  /** The body of a stored record, for later comparison. */
  stored(member: Member): string | null {
    return (member.target && this.#state.rows.get(credentialKey(member.target.id))?.body) ?? null;
  }

  /** A rejection of ours is an answer; anything else is a fault to be seen. */
  async quietly(work: Promise<unknown>, during: string): Promise<void> {
    try {
      await work;
    } catch (error) {
      if (!(error instanceof ZhongkongError) || error.code === 'internal') {
        this.referee.violated('internal error', '', `${during}: ${String((error as Error)?.stack ?? error)}`);
      }
    }
  }
}
