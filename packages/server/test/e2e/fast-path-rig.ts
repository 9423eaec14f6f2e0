// One set of real parts behind two servers, one with the fast path and one without, on a clock that only the test moves.
import { randomBytes } from 'node:crypto';
import { Keys } from '../../src/access/keys.ts';
import { RateLimiter } from '../../src/access/rate.ts';
import { nodeHash } from '../../src/adapters/hash.ts';
import { createKeyDigest, digestKeyOf } from '../../src/adapters/key-digest.ts';
import { KeyRing } from '../../src/adapters/key-ring.ts';
import { createSeal } from '../../src/adapters/seal.ts';
import { Accounts } from '../../src/core/accounts.ts';
import { EventBus } from '../../src/core/events.ts';
import { Keeper } from '../../src/core/keeper.ts';
import { Catalog, type Chain, type IssueOutcome, type Target } from '../../src/core/kind.ts';
import type { RefreshPolicy } from '../../src/core/policy.ts';
import { StoreTime } from '../../src/core/store-time.ts';
import { HandedOut } from '../../src/dropin/handed-out.ts';
import { listen, type Served } from '../../src/hosts/node/listen.ts';
import { createApp } from '../../src/http/app.ts';
import { createMemoryStore } from '../../src/stores/memory/index.ts';
import { type RawAnswer, RawConnection, wholeConnection } from './raw-http.ts';

const MINUTE = 60_000;
const LIMITS = {
  issuesPerDay: 2000,
  scheduledReserve: 200,
  callsPerMinute: 10_000,
  forcedPerDay: 20,
  forcedLeakReserve: 4,
  forcedSpacingMs: 30_000,
};
const POLICIES: Readonly<Record<string, RefreshPolicy>> = {
  stable: { type: 'stable-window', windowMs: 5 * MINUTE, refreshWindowMs: 295_000, jitterMs: 0 },
  classic: { type: 'rotate-with-grace', graceMs: 5 * MINUTE, refreshWindowMs: 15 * MINUTE, jitterMs: 0 },
};

export type Rig = Awaited<ReturnType<typeof createRig>>;

export async function createRig() {
  const clock = { at: 1_800_000_000_000, monotonic: () => clock.at, wall: () => clock.at, sleep: () => new Promise<void>(() => undefined) };
  /** What WeChat would say: a new value with each issue, or a failure. */
  const upstream = { failing: false, issues: 0 };
  const parseIssue = (): IssueOutcome => {
    if (upstream.failing) {
      const advice = { en: 'wait', zh: '请等待' };
      return { ok: false, answered: true, failure: { class: 'transient', errcode: -1, message: 'system error', rid: '1-2-3', advice } };
    }
    upstream.issues += 1;
    return { ok: true, value: `98_${'Value-_9'.repeat(16)}${upstream.issues}`, lifetimeMs: 7_200_000 };
  };
  const chain = (name: string): Chain => ({
    name,
    policy: POLICIES[name] as RefreshPolicy,
    forcible: name === 'stable',
    limits: LIMITS,
    issue: () => ({ upstream: 'wechat', method: 'GET', path: '/' }),
    parseIssue,
    tryFallbackSecret: () => false,
    probe: null,
  });
  const platforms = ['official-account', 'mini-program'];
  const catalog = new Catalog([
    { kind: 'access_token', platforms, main: true, chains: { stable: chain('stable'), classic: chain('classic') } },
    { kind: 'jsapi_ticket', platforms: ['official-account'], main: false, chains: { only: chain('classic') } },
  ]);

  const events = new EventBus();
  const store = createMemoryStore({ now: () => clock.at });
  const { credentials, directory } = store;
  const time = new StoreTime(clock, () => credentials.now(), events);
  await time.sync();
  const master = randomBytes(32);
  const seal = createSeal(new KeyRing([master]));
  const keeper = new Keeper({
    credentials,
    upstream: { send: async () => ({ status: 200, text: '', dateMs: null }) },
    clock,
    time,
    random: { unit: () => 0 },
    hash: nodeHash,
    seal,
    events,
    holder: 'test',
    settings: { upstreamDeadlineMs: 5000, leaseMs: 30_000, reportCooldownMs: 30_000, cacheSize: 1000 },
  });
  const cacheSize = 1000;
  const accountsWith = (wake: (one: Target) => Promise<void>) =>
    new Accounts({ directory, credentials, catalog, seal, hash: nodeHash, time, events, cacheSize, wake });
  const accounts = accountsWith((one) => keeper.wake(one));
  /** Another process's look at the same accounts: what it changes is not told to this one. */
  const elsewhere = accountsWith(async () => undefined);
  const digest = createKeyDigest(digestKeyOf(master));
  const declared = [
    {
      name: 'declared',
      key: 'declared-key-of-24-or-more.characters',
      scopes: ['credential:read' as const],
      accounts: ['*'],
      kinds: null,
      cidrs: null,
      callsPerMinute: null,
      expiresAt: null,
      sealed: false,
    },
  ];
  const keys = new Keys({ directory, digest, time, events, randomBytes, declared, cacheSize, graceMs: 15 * MINUTE });

  /** Answers the fast path gave. */
  const fastReads = { count: 0 };
  const ended: (() => unknown)[] = [];
  const ports: number[] = [];

  async function serve(withFastPath: boolean, trustedProxies: readonly string[]): Promise<RawConnection> {
    // Counted per server: what one used up must not be missing for the other.
    const limiter = new RateLimiter(() => clock.at);
    const handedOut = new HandedOut();
    const app = createApp({
      keeper,
      accounts,
      keys,
      catalog,
      directory,
      credentials,
      limiter,
      clock,
      time,
      handedOut,
      events,
      health: () => ({ ready: true, status: 'ok', causes: [] }),
      metrics: async () => ({ contentType: 'text/plain', body: '' }),
      tick: async () => ({ claimed: 0, nextDueAt: null }),
      isCronSecret: () => false,
      options: { docsPublic: true, acceptAppSecret: true, readDeadlineMs: 5000, dropinDeadlineMs: 2800, version: '0.0.0' },
      requestId: () => 'request-id',
      unit: () => 0.5,
      log: () => undefined,
    });
    const fast = withFastPath ? { keys, accounts, catalog, keeper, limiter, handedOut, time, readCell: () => fastReads } : null;
    const engine: Served = { app, fast, health: { draining: () => undefined }, stop: async () => undefined };
    const server = await listen(engine, { listen: { host: '127.0.0.1', port: 0 }, tls: null, trustedProxies });
    ended.push(() => server.close());
    ports.push(server.port);
    return reconnecting(server.port);
  }

  /** A connection that is made anew when an answer ended it. */
  function reconnecting(port: number): RawConnection {
    let connection = new RawConnection(port);
    ended.push(() => connection.close());
    const ask = async (text: string): Promise<RawAnswer> => {
      const answer = await connection.ask(text);
      if (/\r\nconnection: close/i.test(answer.raw)) {
        await connection.closed();
        connection = new RawConnection(port);
      }
      return answer;
    };
    return { ask } as RawConnection;
  }

  const direct = { fast: await serve(true, []), app: await serve(false, []) };
  const proxied = { fast: await serve(true, ['127.0.0.1']), app: await serve(false, ['127.0.0.1']) };

  /** The same text to both; the answers, and whether the fast path gave its own. */
  async function both(text: string, pair = direct) {
    const before = fastReads.count;
    const fast = await pair.fast.ask(text);
    const wasFast = fastReads.count > before;
    await keeper.drain();
    const app = await pair.app.ask(text);
    await keeper.drain();
    return { fast, app, wasFast };
  }

  /** An answer to HEAD announces a body that never comes: read to the end of the connection instead. */
  async function headAlike(text: string): Promise<void> {
    const read = (port: number) => wholeConnection(port, text.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'));
    const [fast, app] = [await read(ports[0] as number), await read(ports[1] as number)];
    if (fast !== app || !fast.startsWith('HTTP/1.1 200')) throw new Error(`not alike:\n${fast}\n${app}`);
  }

  /** Time passes, and the store's clock is looked at again, as a server does every 30 s. */
  async function pass(ms: number): Promise<void> {
    clock.at += ms;
    await time.sync();
  }

  return {
    clock,
    pass,
    upstream,
    keeper,
    catalog,
    accounts,
    elsewhere,
    keys,
    both,
    headAlike,
    direct,
    proxied,
    async close() {
      for (const end of ended.reverse()) await end();
    },
  };
}
