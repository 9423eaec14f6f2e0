/**
 * A whole server in process for tests: memory store, real keeper, accounts and keys, and an upstream that behaves like
 * WeChat as far as tokens go. Time stands still unless a test moves it. Everything said on the way is kept, so that a
 * test can search it for secrets.
 */

import { createHash, randomBytes } from 'node:crypto';
import { HandedOut } from '../../../src/dropin/handed-out.ts';
import { Keys, type KeyInput } from '../../../src/access/keys.ts';
import { RateLimiter } from '../../../src/access/rate.ts';
import { nodeHash } from '../../../src/adapters/hash.ts';
import { KeyRing } from '../../../src/adapters/key-ring.ts';
import { createSeal } from '../../../src/adapters/seal.ts';
import { type AccountInput, Accounts } from '../../../src/core/accounts.ts';
import type { DeclaredKey } from '../../../src/core/declared.ts';
import { type CoreEvent, EventBus } from '../../../src/core/events.ts';
import { Keeper } from '../../../src/core/keeper.ts';
import { Catalog } from '../../../src/core/kind.ts';
import { StoreTime } from '../../../src/core/store-time.ts';
import { UpstreamError, type UpstreamReply, type UpstreamRequest } from '../../../src/core/upstream.ts';
import { type AppOptions, createApp, type HealthReport, type RequestLog } from '../../../src/http/app.ts';
import { KINDS } from '../../../src/platforms/index.ts';
import { createMemoryStore, MemoryState } from '../../../src/stores/memory/index.ts';

export const START = Date.parse('2026-11-24T08:00:00Z');
export const CRON_SECRET = 'cron-secret-of-a-platform';
export const ADMIN = 'admin-key-made-for-these-tests';
export const appIdOf = (n: number): string => `wx${String(n).padStart(16, '0')}`;
export const secretOf = (appId: string): string => `generated-secret-of-${appId}`;

export type World = Awaited<ReturnType<typeof createWorld>>;

export interface WorldOptions {
  readonly app?: Partial<AppOptions>;
  readonly declared?: readonly DeclaredKey[];
  readonly state?: MemoryState;
  readonly masterKey?: Buffer;
}

export async function createWorld(options: WorldOptions = {}) {
  const time = virtualTime();
  const state = options.state ?? new MemoryState();
  const store = createMemoryStore({ now: () => time.clock.wall(), state });
  const events = new EventBus();
  const said: CoreEvent[] = [];
  const logged: RequestLog[] = [];
  events.on((event) => said.push(event));
  const storeTime = new StoreTime(time.clock, () => store.credentials.now(), events);
  const seal = createSeal(new KeyRing([options.masterKey ?? Buffer.alloc(32, 7)]));
  const wechat = scriptedWechat(() => time.clock.wall());
  const catalog = new Catalog(KINDS);
  const common = { time: storeTime, events, seal, hash: nodeHash };
  const { credentials, directory } = store;
  const keeper = new Keeper({
    ...common,
    credentials,
    upstream: { send: wechat.send },
    clock: time.clock,
    random: { unit: () => 0.5 },
    holder: 'test',
    settings: { upstreamDeadlineMs: 5000, leaseMs: 30_000, reportCooldownMs: 30_000, cacheSize: 1000 },
  });
  const accounts = new Accounts({ ...common, directory, credentials, catalog, cacheSize: 1000, wake: (target) => keeper.wake(target) });
  const keys = new Keys({
    ...common,
    directory,
    digest: (key) => createHash('sha256').update(`test ${key}`).digest('hex'),
    randomBytes,
    declared: options.declared ?? [],
    cacheSize: 1000,
    graceMs: 900_000,
  });
  const limiter = new RateLimiter(() => time.clock.monotonic());
  const handedOut = new HandedOut();
  let health: HealthReport = { ready: true, status: 'ok', causes: [] };
  let requests = 0;
  let ticks = 0;
  const app = createApp({
    keeper,
    accounts,
    keys,
    catalog,
    directory,
    credentials,
    limiter,
    clock: { ...time.clock, wall: () => time.clock.wall() - 1500 },
    time: storeTime,
    events,
    health: () => health,
    tick: async () => ({ claimed: (ticks += 1), nextDueAt: time.clock.wall() + 60_000 }),
    isCronSecret: (given) => given === CRON_SECRET,
    metrics: async () => ({ contentType: 'text/plain; version=0.0.4', body: '# nothing\n' }),
    options: {
      docsPublic: true,
      acceptAppSecret: false,
      readDeadlineMs: 10_000,
      dropinDeadlineMs: 2500,
      version: '0.0.0-test',
      store: 'memory',
      ...options.app,
    },
    requestId: () => `req-${(requests += 1)}`,
    log: (event) => logged.push(event),
    handedOut,
    unit: () => 0.5,
  });
  await keys.putAdmin(ADMIN, 'test');

  /** One request; `key` goes into the Authorization header, `json` into the body. */
  async function call(method: string, path: string, given: Given = {}): Promise<Answered> {
    const headers = new Headers(given.headers);
    if (given.key !== undefined) headers.set('authorization', `Bearer ${given.key}`);
    if (given.json !== undefined) headers.set('content-type', 'application/json');
    const body = given.json === undefined ? given.body : JSON.stringify(given.json);
    const init = { method, headers, ...(body === undefined ? {} : { body, duplex: 'half' }) } as RequestInit;
    const ip = given.ip === undefined ? '192.0.2.1' : given.ip;
    const response = await app.fetch(new Request(`http://zhongkong.test${path}`, init), {
      ip,
      ...(given.target === undefined ? {} : { target: given.target }),
    });
    const text = await response.text();
    const isJson = /json/.test(response.headers.get('content-type') ?? '') && text !== '';
    return { status: response.status, headers: response.headers, text, json: isJson ? JSON.parse(text) : undefined };
  }

  return {
    ...time,
    state,
    store,
    app,
    accounts,
    keys,
    keeper,
    catalog,
    directory,
    wechat,
    handedOut,
    said,
    logged,
    call,
    setHealth: (next: HealthReport) => {
      health = next;
    },
    /** An account with the secret that `secretOf` names. */
    addAccount: (appId: string, more: Partial<AccountInput> = {}) =>
      accounts.create({ id: appId, platform: 'official-account', appId, secrets: [secretOf(appId)], ...more }, 'test'),
    /** The text of a new key. */
    addKey: async (more: Partial<KeyInput> = {}): Promise<string> => {
      const name = `key-${(requests += 1)}`;
      return (await keys.create({ name, scopes: ['credential:read'], accounts: ['*'], ...more }, 'test')).key;
    },
  };
}

export interface Given {
  readonly key?: string;
  readonly json?: unknown;
  readonly body?: string | ReadableStream;
  readonly headers?: Record<string, string>;
  readonly ip?: string | null;
  readonly target?: string;
}

export interface Answered {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly json: any;
}

function virtualTime() {
  let elapsed = 0;
  let sleepers: { readonly until: number; readonly wake: () => void }[] = [];
  const clock = {
    monotonic: () => elapsed,
    wall: () => START + elapsed,
    sleep: (ms: number) =>
      new Promise<void>((wake) => {
        sleepers.push({ until: elapsed + ms, wake });
      }),
  };
  /** Let time pass: whoever sleeps until then wakes, in order. */
  async function advance(ms: number): Promise<void> {
    const end = elapsed + ms;
    for (;;) {
      await new Promise(setImmediate);
      const [next] = sleepers.filter(({ until }) => until <= end).sort((a, b) => a.until - b.until);
      if (!next) break;
      elapsed = Math.max(elapsed, next.until);
      sleepers = sleepers.filter((one) => one !== next);
      next.wake();
    }
    elapsed = end;
    await new Promise(setImmediate);
  }
  return { clock, advance };
}

export type Script = (request: UpstreamRequest) => UpstreamReply | Promise<UpstreamReply> | undefined;

/** Tokens of both chains, the probe, and whatever a test puts in front of them. */
function scriptedWechat(now: () => number) {
  const tokens = new Map<string, { value: string; expiresAt: number }>();
  const dead = new Set<string>();
  const sent: UpstreamRequest[] = [];
  const issued: string[] = [];
  let script: Script | null = null;

  function issue(appId: string): { value: string; expiresAt: number } {
    const value = `TOKEN-${issued.length + 1}-${appId}`;
    const token = { value, expiresAt: now() + 7_200_000 };
    issued.push(value);
    tokens.set(appId, token);
    return token;
  }

  async function send(request: UpstreamRequest): Promise<UpstreamReply> {
    sent.push(request);
    const scripted = await script?.(request);
    if (scripted) return scripted;
    if (request.path === '/cgi-bin/get_api_domain_ip') {
      return dead.has(request.query?.access_token ?? '') ? refusal(40001, 'invalid credential') : reply({ ip_list: [] });
    }
    const { appid = '', secret = '' } = (request.json ?? request.query) as { appid?: string; secret?: string };
    if (secret !== secretOf(appid)) return refusal(40125, 'invalid appsecret');
    const running = tokens.get(appid);
    const mustIssue = request.path === '/cgi-bin/token' || !running || running.expiresAt - now() <= 300_000 || forced(request);
    const token = mustIssue ? issue(appid) : running;
    return reply({ access_token: token.value, expires_in: Math.floor((token.expiresAt - now()) / 1000) });
  }

  return {
    send,
    sent,
    issued,
    kill: (value: string) => dead.add(value),
    /** Answers first; undefined from it means: as usual. */
    script: (next: Script | null) => {
      script = next;
    },
    probes: () => sent.filter(({ path }) => path === '/cgi-bin/get_api_domain_ip').length,
  };
}

const forced = (request: UpstreamRequest): boolean => (request.json as { force_refresh?: boolean } | undefined)?.force_refresh === true;

export const reply = (body: unknown): UpstreamReply => ({ status: 200, text: JSON.stringify(body), dateMs: null });
export const refusal = (errcode: number, errmsg: string): UpstreamReply => reply({ errcode, errmsg });
/** WeChat is away. */
export const away: Script = () => {
  throw new UpstreamError('never_left', 'connect');
};
