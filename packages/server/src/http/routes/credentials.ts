/** Credentials: read, report a rejected one, order a new one. */

import { type OpenAPIHono, z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { unknownAccount } from '../../access/authorize.ts';
import type { Scope } from '../../core/api-key.ts';
import type { Target } from '../../core/kind.ts';
import { credentialAnswer, credentialFields, credentialHeaders } from '../credential-json.ts';
import type { Env } from '../environment.ts';
import { actorOf, assertMay } from '../guard.ts';
import { operation } from '../operation.ts';
import { json, respond } from '../respond.ts';
import { accountId, kindName, plainText, queryInteger } from '../schemas.ts';
import { credentialSchema } from '../wire.ts';

export const accountPath = z.object({ account: accountId() });
export const credentialPath = z.object({ account: accountId(), kind: kindName() });

const readQuery = z.strictObject({
  min_ttl: queryInteger(0, 7200, 0).openapi({
    description: 'Wish for so many seconds; waits for a refresh only inside the refresh window, and never makes one outside of it',
  }),
});
const TAG = 'credentials';

const readMain = operation({
  method: 'get',
  path: '/v1/accounts/{account}/token',
  id: 'readToken',
  tag: TAG,
  scope: 'credential:read',
  summary: { en: "The account's main credential", zh: '读取账号的主凭据' },
  params: accountPath,
  query: readQuery,
  ok: { 200: { description: 'The credential', schema: credentialSchema } },
});

const readKind = operation({
  method: 'get',
  path: '/v1/accounts/{account}/credentials/{kind}',
  id: 'readCredential',
  tag: TAG,
  scope: 'credential:read',
  summary: { en: 'A credential of the account', zh: '读取账号的某种凭据' },
  params: credentialPath,
  query: readQuery,
  ok: { 200: { description: 'The credential', schema: credentialSchema } },
});

const report = operation({
  method: 'post',
  path: '/v1/accounts/{account}/credentials/{kind}/report',
  id: 'reportCredential',
  tag: TAG,
  scope: 'credential:read',
  summary: { en: 'WeChat rejected this value', zh: '上报失效：微信拒绝了这个值' },
  params: credentialPath,
  body: z.strictObject({ value: z.string().regex(/^[\x21-\x7e]{1,2048}$/, 'use the credential that was rejected') }),
  ok: {
    200: {
      description: 'What came of it, and the credential to use now',
      schema: credentialSchema
        .partial()
        .extend({
          outcome: z.enum(['superseded', 'alive', 'refreshed', 'cooling_down', 'unverified']),
          retry_after: z.int().optional().openapi({ description: 'Seconds; with cooling_down and unverified' }),
        })
        .openapi('ReportResult'),
    },
  },
});

const refresh = operation({
  method: 'post',
  path: '/v1/accounts/{account}/credentials/{kind}/refresh',
  id: 'refreshCredential',
  tag: TAG,
  scope: 'credential:refresh',
  summary: { en: 'Issue a new value now', zh: '立即签发新值' },
  params: credentialPath,
  body: z.strictObject({ reason: plainText(1, 200) }),
  ok: { 200: { description: 'The new credential', schema: credentialSchema } },
});

/** The credential that a request is about, once the key may have it. `kind` null: the account's main one. */
export async function targetOf(c: Context<Env>, scope: Scope, account: string, kind: string | null, reveals: boolean): Promise<Target> {
  const { deps, trace } = c.env;
  // What is ordered is ordered with the AppSecret as it is now, not as memory has it: a correction takes effect at once.
  const known = await (scope === 'credential:read' ? deps.accounts.get(account) : deps.accounts.fresh(account));
  if (!known) throw unknownAccount();
  trace.accountId = known.id;
  const target = deps.catalog.target(known, kind);
  assertMay(c, { scope, account, kind: target.id.kind, reveals });
  return target;
}

async function read(c: Context<Env>, account: string, kind: string | null, minTtl: number): Promise<Response> {
  const { deps, trace } = c.env;
  const target = await targetOf(c, 'credential:read', account, kind, true);
  const served = await deps.keeper.read(target, { minTtlMs: minTtl * 1000, deadlineMs: deps.options.readDeadlineMs });
  trace.kind = target.id.kind;
  return respond(credentialAnswer(served));
}

export function mountCredentials(app: OpenAPIHono<Env>): void {
  app.openapi(readMain, (c) => read(c, c.req.valid('param').account, null, c.req.valid('query').min_ttl));

  app.openapi(readKind, (c) => {
    const { account, kind } = c.req.valid('param');
    return read(c, account, kind, c.req.valid('query').min_ttl);
  });

  app.openapi(report, async (c) => {
    const { deps, trace } = c.env;
    const { account, kind } = c.req.valid('param');
    const target = await targetOf(c, 'credential:read', account, kind, true);
    const result = await deps.keeper.report(target, c.req.valid('json').value, deps.options.readDeadlineMs);
    const { outcome, credential, retryAfterMs } = result;
    if (credential) trace.kind = kind;
    const retry = retryAfterMs === undefined ? {} : { retry_after: Math.ceil(retryAfterMs / 1000) };
    const headers = credential ? credentialHeaders(credential.generation) : {};
    return json({ outcome, ...(credential ? credentialFields(credential) : {}), ...retry }, 200, headers);
  });

  app.openapi(refresh, async (c) => {
    const { deps, trace } = c.env;
    const { account, kind } = c.req.valid('param');
    const target = await targetOf(c, 'credential:refresh', account, kind, true);
    const { reason } = c.req.valid('json');
    // Before the issue: who ordered it must be known even when we die during it.
    await deps.directory.appendAudit([
      { at: deps.time.now(), action: 'credential.refresh_ordered', actor: actorOf(c), subject: account, data: { kind, reason } },
    ]);
    const served = await deps.keeper.refresh(target, deps.options.readDeadlineMs);
    trace.kind = kind;
    return respond(credentialAnswer(served));
  });
}
