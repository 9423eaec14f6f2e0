/**
 * Zhongkong as a function: the same product behind every platform that runs code only while a request is answered.
 *
 * An instance opens the store at its first event and keeps what it knows for the next ones; nothing runs in between. One
 * that could not open tries again at the next event. The hosts of the platforms only turn events into requests and back.
 */

import { nodeClock } from '../adapters/clock.ts';
import { thawingClock } from '../adapters/thawing-clock.ts';
import { isEmbedded } from '../config/formats.ts';
import { loadConfig } from '../config/load.ts';
import { within } from '../core/deadline.ts';
import { asZhongkongError, ZhongkongError } from '../core/errors.ts';
import { createRid, errorAnswer } from '../dropin/answers.ts';
import { BUSY } from '../dropin/errors.ts';
import { isReserved } from '../http/path.ts';
import { forCaller, problemAnswer } from '../http/problem.ts';
import { respond } from '../http/respond.ts';
import { PLATFORM_MODES } from '../platforms/index.ts';
import type { TickReport } from './by-request.ts';
import { type Engine, type EngineOptions, openEngine } from './engine.ts';

/** So long an answer waits for work that nobody waits for: what is frozen then goes on at the next event, or is taken over. */
const REST_MS = 2000;

/** `clock`: default the machine's, corrected for the time in which the process was frozen. */
export interface FunctionHostOptions extends Pick<EngineOptions, 'clock' | 'openStore'> {
  /** The configuration, as `ZHONGKONG_*`. Default: the process's environment. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

export interface FunctionRequest {
  /** The caller's address as the platform says it, or null. */
  readonly ip: string | null;
  /** The path as it came, where the platform has it: a `Request` has it normalised. */
  readonly target?: string;
  /** Keeps the process awake for work after the answer; without it nothing is done after the answer. */
  readonly waitUntil?: (work: Promise<unknown>) => void;
}

export interface FunctionHost {
  /** Never rejects. */
  fetch(request: Request, context: FunctionRequest): Promise<Response>;
  /** What a timer does. Rejects with a `ZhongkongError` when the store is away: the platform then shows a failed run. */
  tick(): Promise<TickReport>;
  /** Ends this instance, for tests and for platforms that say when they are about to stop it. */
  stop(): Promise<void>;
}

/** `freezes`: the platform has no `waitUntil`, so reads leave refreshing to the timer while they can. */
export function createFunctionHost(freezes: boolean, options: FunctionHostOptions = {}): FunctionHost {
  const { env = process.env, clock = thawingClock(nodeClock), ...others } = options;
  const deferred = new Set<Promise<void>>();
  const defer = (work: Promise<void>): void => {
    deferred.add(work);
    void work.then(() => deferred.delete(work));
  };
  let opening: Promise<Engine> | null = null;

  async function open(): Promise<Engine> {
    const config = await loadConfig({ flags: {}, env, cwd: process.cwd(), platforms: PLATFORM_MODES });
    if (isEmbedded(config.store)) throw new ZhongkongError('config_invalid', NEEDS_SHARED_STORE);
    const engine = await openEngine(config, { ...others, clock, background: { freezes, defer } });
    try {
      await engine.applyConfig();
      engine.health.started();
      return engine;
    } catch (error) {
      await engine.stop();
      throw error;
    }
  }
  function opened(): Promise<Engine> {
    opening ??= open().catch((error: unknown) => {
      opening = null;
      throw error;
    });
    return opening;
  }

  return {
    async fetch(request, { waitUntil, ...context }) {
      try {
        const engine = await opened();
        await engine.byRequest.attend();
        const response = await engine.app.fetch(request, context);
        // What a report or a change left to be done; a read on a host that freezes leaves nothing.
        const rest = Promise.all([engine.byRequest.settle(), ...deferred]);
        if (waitUntil) waitUntil(rest);
        else await within(clock, rest, REST_MS).catch(() => undefined);
        return response;
      } catch (error) {
        return refusal(request, error);
      }
    },
    async tick() {
      const engine = await opened();
      return engine.byRequest.tick();
    },
    async stop() {
      const engine = await opening?.catch(() => null);
      opening = null;
      await engine?.stop();
    },
  };
}

const NEEDS_SHARED_STORE = {
  en: 'store: a function keeps no files, so it needs postgres://, mysql:// or redis:// (ZHONGKONG_STORE)',
  zh: 'store：云函数不保留文件，须使用 postgres://、mysql:// 或 redis://（ZHONGKONG_STORE）',
};

/** This instance could not open, or not look around: said to the operators in the platform's log, and to the caller in the shape of the path. */
function refusal(request: Request, thrown: unknown): Response {
  const error = asZhongkongError(thrown);
  process.stderr.write(`${JSON.stringify({ level: 'error', event: 'function.failed', code: error.code, message: error.message })}\n`);
  const rid = createRid(Date.now(), Math.random);
  if (!isReserved(new URL(request.url).pathname)) return respond(errorAnswer(BUSY.errcode, BUSY.text, rid));
  const said =
    error.code === 'config_invalid' ? new ZhongkongError('config_invalid', 'see the log of this function') : forCaller(error, undefined);
  return respond(problemAnswer(said, rid));
}
