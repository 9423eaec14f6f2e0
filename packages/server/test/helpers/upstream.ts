/**
 * An upstream whose answers the test gives out, in any order.
 *
 * By default every call arrives and is answered at once. With `hold()` calls wait; of each the test decides when it
 * arrives at WeChat (`arrive`), and whether and when its answer comes back (`reply`, `lose`, `refuse`).
 */

import type { Clock } from '../../src/core/clock.ts';
import { type Upstream, UpstreamError, type UpstreamReply, type UpstreamRequest } from '../../src/core/upstream.ts';
import type { WeChatModel } from './wechat-model.ts';

export class HeldCall {
  readonly request: UpstreamRequest;
  readonly #act: () => UpstreamReply;
  readonly #resolve: (reply: UpstreamReply) => void;
  readonly #reject: (error: UpstreamError) => void;
  #reply: UpstreamReply | null = null;

  constructor(
    request: UpstreamRequest,
    act: () => UpstreamReply,
    resolve: (reply: UpstreamReply) => void,
    reject: (error: UpstreamError) => void,
  ) {
    this.request = request;
    this.#act = act;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  /** WeChat acts on it; the answer is on its way. */
  arrive(): this {
    this.#reply ??= this.#act();
    return this;
  }

  /** The answer reaches us. */
  reply(): void {
    this.arrive();
    if (this.#reply) this.#resolve(this.#reply);
  }

  /** WeChat acted, and the answer is lost. */
  lose(): void {
    this.arrive();
    this.#reject(new UpstreamError('unknown', 'timeout'));
  }

  /** Nothing ever reached WeChat, and we cannot know that. */
  vanish(): void {
    this.#reject(new UpstreamError('unknown', 'timeout'));
  }

  /** The connection was refused. */
  refuse(): void {
    this.#reject(new UpstreamError('never_left', 'connect'));
  }
}

export type Fate = 'reply' | 'lose' | 'vanish' | 'refuse' | 'hold';

export class ScriptedUpstream implements Upstream {
  readonly held: HeldCall[] = [];
  /** What happens to calls, by the kind of call; default `reply`. */
  fate: (request: UpstreamRequest) => Fate = () => 'reply';
  /** How long a call takes, ms. */
  latencyMs = 0;
  sent = 0;
  readonly #models: ReadonlyMap<string, WeChatModel>;
  readonly #clock: Clock;

  constructor(models: ReadonlyMap<string, WeChatModel>, clock: Clock) {
    this.#models = models;
    this.#clock = clock;
  }

  /** From now on, every call (or those of one path) waits for the test. */
  hold(path?: string): void {
    this.fate = (request) => (path === undefined || request.path === path ? 'hold' : 'reply');
  }

  async send(request: UpstreamRequest): Promise<UpstreamReply> {
    this.sent += 1;
    const fate = this.fate(request);
    if (fate === 'refuse') throw new UpstreamError('never_left', 'connect');
    if (fate === 'vanish') throw new UpstreamError('unknown', 'timeout');
    if (fate === 'hold') {
      return new Promise((resolve, reject) => this.held.push(new HeldCall(request, () => this.#act(request), resolve, reject)));
    }
    if (this.latencyMs > 0) await this.#clock.sleep(this.latencyMs);
    const reply = this.#act(request);
    if (fate === 'lose') throw new UpstreamError('unknown', 'timeout');
    return reply;
  }

  #act(request: UpstreamRequest): UpstreamReply {
    const { appid = '', secret = '', force = '', value = '' } = request.query ?? {};
    const model = this.#models.get(appid);
    const body =
      request.path === '/classic'
        ? model?.classic(secret)
        : request.path === '/stable'
          ? model?.stable(secret, force === '1')
          : [...this.#models].find(([id]) => value.startsWith(`${id}-`))?.[1].probe(value);
    return { status: 200, text: JSON.stringify(body ?? { errcode: 40001 }), dateMs: null };
  }
}
