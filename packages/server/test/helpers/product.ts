/**
 * The whole product beside the whole simulator, on real sockets and a real SQLite file, under one clock that the test
 * moves. Nothing is replaced but time.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AccountInput, Knobs } from '@zhongkong/simulator';
import { listenSimulator } from '@zhongkong/simulator/node';
import { loadConfig } from '../../src/config/load.ts';
import type { Config } from '../../src/config/schema.ts';
import type { EventType } from '../../src/core/events.ts';
import { openEngine } from '../../src/hosts/engine.ts';
import { listen } from '../../src/hosts/node/listen.ts';
import { PLATFORM_MODES } from '../../src/platforms/index.ts';
import type { openStore } from '../../src/stores/open.ts';
import { EventMonitor } from './event-monitor.ts';
import { ShiftClock } from './shift-clock.ts';

export interface ProductOptions {
  readonly knobs?: Partial<Knobs>;
  readonly flags?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
  /** Opens the option `store` on the clock that the test moves. Default: SQLite, which takes it anyway. */
  readonly openStore?: typeof openStore;
}

/** How a later process differs from the first one: by what its environment adds, by the version of its store. */
export type NodeOptions = Pick<ProductOptions, 'env' | 'openStore'>;

export const SECRET = 'a'.repeat(32);

/** One server: everything that `zhongkong serve` puts together, in this process, on a clock that a test moves. */
export async function startNode(config: Config, clock: ShiftClock, open?: typeof openStore) {
  const engine = await openEngine(config, { clock, ...(open ? { openStore: open } : {}) });
  const monitor = new EventMonitor();
  engine.events.on((event) => monitor.emit(event));
  await engine.applyConfig();
  const adminKey = await engine.createFirstAdminKey();
  const server = await listen(engine, config);
  engine.start();
  return { engine, monitor, server, adminKey };
}

export async function startProduct(options: ProductOptions = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'zhongkong-test-'));
  const { simulator, url: wechat, close: closeSimulator } = await listenSimulator({ knobs: options.knobs ?? {} });
  const clock = new ShiftClock();
  const configWith = (env: NodeOptions['env']) =>
    loadConfig({
      flags: {
        listen: '127.0.0.1:0',
        store: `sqlite:${join(folder, 'zhongkong.db')}`,
        'upstreams.wechat': wechat,
        'log.level': 'silent',
        ...options.flags,
      },
      env: { ...options.env, ...env },
      cwd: folder,
      platforms: PLATFORM_MODES,
    });
  const start = async ({ env, openStore: open = options.openStore }: NodeOptions = {}) => {
    const config = await configWith(env);
    return startNode(config, clock, open);
  };
  let running = await start();
  const others = new Set<typeof running>();
  const admin = running.adminKey ?? running.engine.config.adminKey ?? '';
  const { key } = await running.engine.keys.create(
    { name: 'test', scopes: ['credential:read', 'credential:refresh'], accounts: ['*'] },
    'test',
  );

  const call = async (path: string, init: { method?: string; body?: unknown; key?: string; at?: string } = {}) => {
    const response = await fetch(`${init.at ?? running.server.url}${path}`, {
      method: init.method ?? (init.body === undefined ? 'GET' : 'POST'),
      headers: { authorization: `Bearer ${init.key ?? key}`, 'content-type': 'application/json' },
      ...(init.body === undefined ? {} : { body: JSON.stringify(init.body) }),
    });
    return { status: response.status, json: JSON.parse((await response.text()) || 'null') };
  };

  return {
    simulator,
    wechat,
    clock,
    folder,
    key,
    admin,
    call,
    get monitor() {
      return running.monitor;
    },
    get engine() {
      return running.engine;
    },
    get url() {
      return running.server.url;
    },

    /** Time passes for everybody alike, once what the server is at has ended. */
    async travel(seconds: number): Promise<void> {
      await this.landed();
      simulator.clock.advance(seconds * 1000);
      clock.shift(seconds * 1000);
    },

    /**
     * What the server is at has ended: an event may come before the last write of the work that it tells of. A claim
     * that is on its way is shorter than three writes.
     */
    async landed(): Promise<void> {
      const { store, keeper } = running.engine;
      for (let write = 0; write < 3; write += 1) await store.ping();
      await keeper.drain();
    },

    /** Time passes, and what has to happen then happens. */
    async travelUntil<T extends EventType>(seconds: number, type: T) {
      const event = running.monitor.next(type);
      await this.travel(seconds);
      return event;
    },

    /** An account that WeChat and the server know alike. */
    async addAccount(id: string, mode: 'stable' | 'classic', wechatSide: AccountInput = {}): Promise<void> {
      simulator.control.putAccount(id, { secret: SECRET, ...wechatSide });
      await running.engine.accounts.create({ id, platform: 'official-account', appId: id, mode, secrets: [SECRET] }, 'test');
    },

    /** One more process on the same store; `call` and `token` reach it by its `server.url`. */
    async node(other: NodeOptions = {}) {
      const node = await start(other);
      others.add(node);
      return node;
    },

    /** The token that a caller is handed now, by the first node or by the one `at` an URL. */
    async token(id: string, at = running.server.url): Promise<string> {
      const { status, json } = await call(`/v1/accounts/${id}/token`, { at });
      if (status !== 200) throw new Error(`no token: ${status} ${JSON.stringify(json)}`);
      return json.value;
    },

    /** What WeChat says of a token in a business call. */
    async accepted(token: string): Promise<number> {
      const response = await fetch(`${wechat}/cgi-bin/get_api_domain_ip?access_token=${token}`);
      return ((await response.json()) as { errcode?: number }).errcode ?? 0;
    },

    /** Issues that WeChat counted for an account on one path: all that were not made by the test itself. */
    issues(id: string, path: '/cgi-bin/token' | '/cgi-bin/stable_token'): number {
      const count = simulator.control.account(id).counters.issues[path];
      return count ? count.normal + count.forced : 0;
    },

    async restart(other: NodeOptions = {}): Promise<void> {
      await running.server.close();
      running = await start(other);
      // Its first look at what is due is over, so that a move of the clock does not look like a paused process to it.
      for (let turn = 0; turn < 5; turn += 1) await new Promise(setImmediate);
    },

    async close(): Promise<void> {
      await Promise.all([...others, running].map(({ server }) => server.close()));
      await closeSimulator();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export type Product = Awaited<ReturnType<typeof startProduct>>;
