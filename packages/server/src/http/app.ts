/**
 * The whole HTTP surface as one fetch handler: our own API under the reserved paths, WeChat's shapes everywhere else.
 *
 * Whatever happens inside, a request gets exactly one answer in the shape of its surface, and one line in the log.
 */

import type { Context } from 'hono';
import { HTTPException } from 'hono/http-exception';
import { asZhongkongError, ZhongkongError } from '../core/errors.ts';
import { createRid, errorAnswer } from '../dropin/answers.ts';
import { createDropin } from '../dropin/dropin.ts';
import { HandedOut } from '../dropin/handed-out.ts';
import { newTrace, type RequestTrace } from '../dropin/trace.ts';
import { allowedMethods } from './allow.ts';
import type { Answer } from './credential-json.ts';
import type { AppDeps, Env, RequestContext } from './environment.ts';
import { assertNoKeyInQuery } from './guard.ts';
import { isReserved, refusedPath } from './path.ts';
import { forCaller, problemAnswer } from './problem.ts';
import { respond } from './respond.ts';
import { createRouter } from './router.ts';

export type { AppDeps, AppOptions, HealthReport, RequestContext, RequestLog } from './environment.ts';

export interface App {
  /** Never rejects. */
  fetch(request: Request, context: RequestContext): Promise<Response>;
}

const INVALID_URL = { errcode: 40066, text: 'invalid url' };

export function createApp(deps: AppDeps): App {
  const { time, events, requestId, log, unit = Math.random } = deps;
  const router = createRouter();
  const dropin = createDropin({ ...deps, handedOut: deps.handedOut ?? new HandedOut() });

  router.notFound((c) => {
    const allowed = allowedMethods(router.routes, c.req.path);
    if (allowed.length === 0) return problem(c, new ZhongkongError('not_found', 'there is nothing at this path'));
    const refusal = new ZhongkongError('method_not_allowed', `use ${allowed.join(', ')}`);
    return problem(c, refusal, { allow: allowed.join(', ') });
  });
  router.onError((thrown, c) => problem(c, told(thrown, c.env.trace)));

  /** A fault of ours is told to the operators, with its cause; the caller only gets the request's id. */
  function told(thrown: unknown, trace: RequestTrace): ZhongkongError {
    const error = asZhongkongError(thrown instanceof HTTPException ? refusedByLibrary(thrown) : thrown);
    if (error.code === 'internal') events.emit({ type: 'internal.error', during: trace.route, requestId: trace.requestId, cause: thrown });
    return error;
  }

  async function ours(request: Request, url: URL, target: string, ip: string | null, trace: RequestTrace): Promise<Response> {
    try {
      if (refusedPath(target)) throw new ZhongkongError('invalid_request', 'the path has an empty, dotted or encoded segment');
      assertNoKeyInQuery(url.search);
      return await router.fetch(request, { deps, ip, trace });
    } catch (thrown) {
      return respond(problemOf(forCaller(told(thrown, trace), undefined), trace));
    }
  }

  async function wechats(request: Request, url: URL, target: string, ip: string | null, trace: RequestTrace): Promise<Response> {
    const invalidUrl = (): Answer => {
      trace.errcode = INVALID_URL.errcode;
      return errorAnswer(INVALID_URL.errcode, INVALID_URL.text, trace.requestId);
    };
    const handler = refusedPath(target) ? undefined : dropin.handlerOf(url.pathname);
    if (!handler) return respond(invalidUrl());
    return respond(await handler(request, url, ip, trace));
  }

  return {
    async fetch(request, { ip, target }) {
      const startedAt = time.now();
      const url = new URL(request.url);
      const rawTarget = target ?? url.pathname;
      const reserved = isReserved(rawTarget);
      const trace = newTrace(reserved ? requestId() : createRid(startedAt, unit));
      const answer = await (reserved ? ours : wechats)(request, url, rawTarget, ip, trace);
      // A request for the head alone gets all of the answer but the body.
      const response = request.method === 'HEAD' && answer.body !== null ? new Response(null, answer) : answer;
      log({
        ...trace,
        surface: reserved ? 'v1' : 'dropin',
        method: request.method,
        status: response.status,
        ms: time.now() - startedAt,
        ip,
      });
      return response;
    },
  };
}

function problemOf(error: ZhongkongError, trace: RequestTrace, headers: Readonly<Record<string, string>> = {}): Answer {
  trace.code = error.code;
  return problemAnswer(error, trace.requestId, headers);
}

/** What the library itself refuses of a body: malformed JSON, and media types that only it finds odd. Quotes nothing. */
function refusedByLibrary({ status, message }: HTTPException): unknown {
  return new ZhongkongError(status === 415 ? 'unsupported_media_type' : 'invalid_request', message);
}

const problem = (c: Context<Env>, error: ZhongkongError, headers: Readonly<Record<string, string>> = {}): Response =>
  respond(problemOf(forCaller(error, c.get('caller')), c.env.trace, headers));
