/**
 * How a route is declared: method, path, scope, schemas and words, once, as data.
 *
 * From it come the guard, the validation and the OpenAPI document. Order at run time: key → body's size and form →
 * query → path → body's fields → handler.
 */

import { createRoute, type RouteConfig, z } from '@hono/zod-openapi';
import type { Scope } from '../core/api-key.ts';
import type { MiddlewareHandler } from 'hono';
import type { Env } from './environment.ts';
import { guard, named } from './guard.ts';
import { jsonBody } from './json-body.ts';
import { problemSchema } from './schemas.ts';

export interface Words {
  readonly en: string;
  readonly zh: string;
}

interface OperationInput<P extends string, Params extends z.ZodObject, Query extends z.ZodObject, Body extends z.ZodType> {
  readonly method: 'get' | 'post' | 'patch' | 'delete';
  readonly path: P;
  readonly id: string;
  readonly tag: string;
  readonly scope: Scope;
  readonly summary: Words;
  readonly params?: Params;
  readonly query?: Query;
  readonly body?: Body;
  /** In place of the guard of the scope. */
  readonly admit?: MiddlewareHandler<Env>;
  /** The answers that are no errors. */
  readonly ok: Readonly<Record<number, { readonly description: string; readonly schema?: z.ZodType }>>;
}

const nothing = z.strictObject({});
type Nothing = typeof nothing;

export function operation<
  P extends string,
  Params extends z.ZodObject = Nothing,
  Query extends z.ZodObject = Nothing,
  Body extends z.ZodType = Nothing,
>(input: OperationInput<P, Params, Query, Body>) {
  const { method, path, id, tag, scope, summary, body, admit = guard(scope) } = input;
  return createRoute({
    method,
    path,
    operationId: id,
    tags: [tag],
    summary: summary.en,
    'x-summary-zh': summary.zh,
    'x-scope': scope,
    security: [{ apiKey: [] }],
    middleware: body ? [named(path), admit, jsonBody] : [named(path), admit],
    request: {
      params: (input.params ?? nothing) as Params,
      // Also for routes without parameters: an unknown one is a mistake worth a word.
      query: (input.query ?? nothing) as Query,
      ...(body ? { body: { required: true, content: { 'application/json': { schema: body } } } } : {}),
    } as { params: Params; query: Query; body: { required: true; content: { 'application/json': { schema: Body } } } },
    responses: responsesOf(input.ok),
  });
}

/** Typed loosely on purpose: what a handler answers is checked against these schemas by a test. */
function responsesOf(ok: OperationInput<string, Nothing, Nothing, Nothing>['ok']): RouteConfig['responses'] {
  const answers = Object.entries(ok).map(([status, { description, schema }]) => [
    status,
    { description, ...(schema ? { content: { 'application/json': { schema } } } : {}) },
  ]);
  const problem = {
    description: 'Problem details; `code` is stable',
    content: { 'application/problem+json': { schema: problemSchema } },
  };
  return { ...Object.fromEntries(answers), default: problem };
}
