/**
 * One handle's connection to Redis: runs scripts, fails fast while Redis is away, comes back by itself.
 *
 * A command is sent once: one whose answer was lost is not repeated, because it may have been carried out.
 */

import { randomBytes } from 'node:crypto';
import type { Redis, RedisOptions } from 'ioredis';
import { ZhongkongError } from '../../core/errors.ts';
import { redisFault } from './faults.ts';
import { keyOf } from './keys.ts';
import type { Script } from './script.ts';
import type { RedisTarget } from './url.ts';

/** For a connection to stand, ms. */
const CONNECT_MS = 5000;
/** For an answer, ms. The connection is taken for dead when nothing at all came in this time. */
const ANSWER_MS = 2000;
/** Between attempts to come back: from the first to the longest, ms. */
const RETRY_MS = { first: 50, longest: 2000 } as const;

export interface RedisConnectionOptions {
  /** The store's clock, epoch ms. Default: Redis's own; only tests bring one. */
  readonly now?: (() => number) | undefined;
  /** For a connection to stand, ms. Default 5000. */
  readonly connectMs?: number | undefined;
  /** For an answer, ms. Default 2000. */
  readonly answerMs?: number | undefined;
}

export class RedisConnection {
  /** Names this handle among all that use the store. */
  readonly handle = randomBytes(8).toString('hex');
  readonly target: RedisTarget;
  readonly #redis: Redis;
  readonly #now: (() => number) | undefined;
  /** The highest fence this handle knows to have been given. */
  #seen = 0;
  #lastError: unknown;

  private constructor(redis: Redis, target: RedisTarget, now: (() => number) | undefined) {
    this.#redis = redis;
    this.target = target;
    this.#now = now;
    // Without a listener the driver would print it.
    redis.on('error', (error: unknown) => {
      this.#lastError = error;
    });
    redis.on('ready', () => {
      this.#lastError = undefined;
    });
  }

  /** Connects once; what is wrong now is an error, what goes wrong later is mended in the background. */
  static async open(target: RedisTarget, options: RedisConnectionOptions = {}): Promise<RedisConnection> {
    const { Redis: Driver } = await import('ioredis');
    let opened = false;
    const redis = new Driver({
      ...driverOptions(target, options.connectMs ?? CONNECT_MS, options.answerMs ?? ANSWER_MS),
      retryStrategy: (attempt: number) => (opened ? backoff(attempt) : null),
    });
    const connection = new RedisConnection(redis, target, options.now);
    try {
      await redis.connect();
      // The driver goes on with database 0 when the one of the URL does not exist.
      await redis.select(target.database);
      opened = true;
      return connection;
    } catch (error) {
      redis.disconnect();
      throw connection.fault(connection.#lastError ?? error);
    }
  }

  /** Runs a script by its digest, sending its text only when this server has not seen it yet. */
  async run<Argument extends string>(script: Script<Argument>, args: Readonly<Record<Argument, string | number>>): Promise<unknown> {
    const clock = this.#now === undefined ? '' : String(Math.floor(this.#now()));
    const keys = script.keys.map((name) => keyOf(this.target.prefix, name));
    const values = [clock, this.handle, ...script.args.map((name) => args[name])];
    try {
      return await this.#redis.evalsha(script.sha1, keys.length, ...keys, ...values);
    } catch (error) {
      if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw this.fault(error);
    }
    try {
      return await this.#redis.eval(script.lua, keys.length, ...keys, ...values);
    } catch (error) {
      throw this.fault(error);
    }
  }

  /** A plain command, for what needs no script. */
  async command<T>(send: (redis: Redis) => Promise<T>): Promise<T> {
    try {
      return await send(this.#redis);
    } catch (error) {
      throw this.fault(error);
    }
  }

  get seen(): number {
    return this.#seen;
  }

  saw(fence: number): void {
    if (fence > this.#seen) this.#seen = fence;
  }

  /** A second connection, which only listens. Who uses it subscribes whenever it is ready: the driver would not say that it failed. */
  listener(): Redis {
    return this.#redis.duplicate({ retryStrategy: backoff, autoResubscribe: false });
  }

  /** What a driver's error means; ours pass as they are. */
  fault(error: unknown): ZhongkongError {
    return error instanceof ZhongkongError ? error : redisFault(this.target.place, error, this.#lastError);
  }

  async close(): Promise<void> {
    this.#redis.disconnect();
  }
}

function driverOptions(target: RedisTarget, connectMs: number, answerMs: number): RedisOptions & { replyMapping: 'legacy' } {
  const { host, port, username, password, database, tls } = target;
  return {
    ...{ host, port, db: database },
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(tls ? { tls: {} } : {}),
    protocol: 2,
    replyMapping: 'legacy',
    lazyConnect: true,
    connectionName: 'zhongkong',
    disableClientInfo: true,
    connectTimeout: connectMs,
    commandTimeout: answerMs,
    socketTimeout: answerMs,
    keepAlive: 10_000,
    // While Redis is away a command fails at once, and is never sent a second time.
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    // A server that is still loading says so to every command, which is a better cause than silence.
    enableReadyCheck: false,
    // This server became a replica: the name may lead to the new primary by now.
    reconnectOnError: (error) => error.message.startsWith('READONLY'),
  };
}

const backoff = (attempt: number): number => Math.min(RETRY_MS.first * 2 ** (attempt - 1), RETRY_MS.longest) * (0.5 + Math.random() / 2);
