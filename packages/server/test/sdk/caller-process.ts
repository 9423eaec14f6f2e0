/** The test's end of `caller.mjs`: a process to start, orders to give, errors as the SDK threw them. */

import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

export const SDKS = ['co-wechat-api', 'wechat-api', 'node-easywechat', 'node-easywechat, stable'] as const;
export type Sdk = (typeof SDKS)[number];

export interface Places {
  /** Where the SDK's token calls go. */
  readonly tokens: string;
  /** Where its business calls go. */
  readonly wechat: string;
  readonly appId: string;
  readonly key: string;
}

/** What the SDK itself threw. */
export class SdkError extends Error {
  readonly code: unknown;

  constructor(thrown: { message: string; code?: unknown }) {
    super(thrown.message);
    this.code = thrown.code;
  }
}

export interface Caller {
  token(): Promise<string>;
  /** Of node-easywechat only: a stable token with `force_refresh`. */
  force(): Promise<string>;
  user(openid: string): Promise<Record<string, unknown>>;
}

interface Answer {
  readonly id: number | 'ready';
  readonly result?: unknown;
  readonly error?: { message: string; code?: unknown };
}

export class CallerProcess {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  #orders = 0;

  private constructor(child: ChildProcess) {
    this.#child = child;
    child.on('message', (answer: Answer) => {
      if (answer.id === 'ready') return;
      this.#waiting.get(answer.id)?.(answer);
      this.#waiting.delete(answer.id);
    });
    child.on('exit', (code) => {
      for (const [id, settle] of this.#waiting) settle({ id, error: { message: `the caller's process ended (${code})` } });
    });
  }

  static async start(): Promise<CallerProcess> {
    // The SDKs of another time print deprecations that are not ours to mend.
    const child = fork(fileURLToPath(new URL('caller.mjs', import.meta.url)), { execArgv: ['--no-deprecation'] });
    const started = await Promise.race([once(child, 'message').then(() => null), once(child, 'exit')]);
    if (started !== null) throw new Error(`the caller's process ended before it was ready (${started[0]})`);
    return new CallerProcess(child);
  }

  async open(sdk: Sdk, places: Places): Promise<Caller> {
    const caller = await this.#order('open', { sdk, places });
    const ask = (what: keyof Caller, ...args: unknown[]): Promise<never> => this.#order('ask', { caller, what, args }) as Promise<never>;
    return { token: () => ask('token'), force: () => ask('force'), user: (openid) => ask('user', openid) };
  }

  async travel(seconds: number): Promise<void> {
    await this.#order('travel', { ms: seconds * 1000 });
  }

  async end(): Promise<void> {
    const ended = once(this.#child, 'exit');
    this.#child.disconnect();
    await ended;
  }

  #order(order: string, rest: object): Promise<unknown> {
    this.#orders += 1;
    const id = this.#orders;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, ({ error, result }) => (error ? reject(new SdkError(error)) : resolve(result)));
      this.#child.send({ id, order, ...rest });
    });
  }
}
