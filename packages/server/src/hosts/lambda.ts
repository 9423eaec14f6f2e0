/**
 * AWS Lambda: function URLs and HTTP APIs (payload 2.0, 1.0 too) are requests; EventBridge's rules and schedules tick.
 *
 *   import { createLambdaHandler } from 'zhongkong/lambda';
 *   export const handler = createLambdaHandler();
 */

import { type APIGatewayProxyResult, handle, type LambdaEvent } from 'hono/aws-lambda';
import type { Hono } from 'hono';
import { ZhongkongError } from '../core/errors.ts';
import type { TickReport } from './by-request.ts';
import { createFunctionHost, type FunctionHostOptions } from './function-host.ts';

/** What EventBridge sends: a rule's own event, a schedule's, or the constant input that an example gives it. */
interface TimerEvent {
  readonly source?: unknown;
  readonly zhongkong?: unknown;
}

const TIMERS: ReadonlySet<unknown> = new Set(['aws.events', 'aws.scheduler']);
const isTimer = (event: TimerEvent): boolean => TIMERS.has(event.source) || event.zhongkong === 'tick';
const isRequest = (event: object): boolean => 'requestContext' in event && ('rawPath' in event || 'httpMethod' in event);

/** A handler for both kinds of events. Rejects for what is neither, and when a tick finds the store away. */
export function createLambdaHandler(options: FunctionHostOptions = {}) {
  const host = createFunctionHost(true, options);
  const app = {
    fetch: (request: Request, { event }: { event: LambdaEvent }) =>
      host.fetch(request, { ip: sourceIp(event), target: 'rawPath' in event ? event.rawPath : event.path }),
  };
  // The adapter only ever calls `fetch` of an app.
  const web = handle(app as unknown as Hono);
  const handler = async (event: unknown): Promise<APIGatewayProxyResult | TickReport> => {
    if (typeof event !== 'object' || event === null) throw unknownEvent();
    if (isTimer(event)) return host.tick();
    if (!isRequest(event)) throw unknownEvent();
    return web(event as LambdaEvent);
  };
  return Object.assign(handler, { stop: () => host.stop() });
}

/** The address that AWS itself saw: headers of the request have no say. */
function sourceIp({ requestContext }: LambdaEvent): string | null {
  const { http, identity } = requestContext as { http?: { sourceIp?: string }; identity?: { sourceIp?: string } };
  return http?.sourceIp ?? identity?.sourceIp ?? null;
}

const unknownEvent = (): ZhongkongError =>
  new ZhongkongError('invalid_request', 'this event is neither a request (function URL, HTTP API) nor a timer (EventBridge)');
