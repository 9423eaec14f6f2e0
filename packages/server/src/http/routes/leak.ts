/** The leak procedure: started here, driven by the due queue, followed here. It lives in the credential's record. */

import { type OpenAPIHono, z } from '@hono/zod-openapi';
import { within } from '../../core/deadline.ts';
import { ZhongkongError } from '../../core/errors.ts';
import type { Env } from '../environment.ts';
import { actorOf } from '../guard.ts';
import { operation } from '../operation.ts';
import { json } from '../respond.ts';
import { plainText } from '../schemas.ts';
import { leakId, leakJson, leakOf, leakSchema } from '../wire.ts';
import { credentialPath, targetOf } from './credentials.ts';

const start = operation({
  method: 'post',
  path: '/v1/accounts/{account}/credentials/{kind}/revoke-leaked',
  id: 'revokeLeaked',
  tag: 'credentials',
  scope: 'admin',
  summary: { en: 'A value leaked: make it die at once', zh: '凭据泄露：使其立即失效' },
  params: credentialPath,
  body: z.strictObject({ reason: plainText(1, 200) }),
  ok: { 202: { description: 'Begun, or already running; Location names the operation to follow', schema: leakSchema } },
});

const follow = operation({
  method: 'get',
  path: '/v1/accounts/{account}/credentials/{kind}/operations/{operation}',
  id: 'followOperation',
  tag: 'credentials',
  scope: 'admin',
  summary: { en: 'How far a leak procedure is', zh: '查看泄露处置的进度' },
  params: credentialPath.extend({ operation: z.string().regex(/^leak-[0-9a-z]{1,12}$/, 'no such form of operation') }),
  ok: { 200: { description: 'The operation', schema: leakSchema } },
});

export function mountLeak(app: OpenAPIHono<Env>): void {
  app.openapi(start, async (c) => {
    const { deps } = c.env;
    const { account, kind } = c.req.valid('param');
    const { reason } = c.req.valid('json');
    const target = await targetOf(c, 'admin', account, kind, false);
    await deps.directory.appendAudit([
      { at: deps.time.now(), action: 'credential.revoke_leaked', actor: actorOf(c), subject: account, data: { kind, reason } },
    ]);
    const record = await within(deps.clock, deps.keeper.revokeLeaked(target, reason), deps.options.readDeadlineMs);
    if (!record.leak) throw new ZhongkongError('internal', 'the leak procedure did not begin');
    const location = `/v1/accounts/${encodeURIComponent(account)}/credentials/${kind}/operations/${leakId(record.leak)}`;
    return json(leakJson(target.id, record.leak), 202, { location });
  });

  app.openapi(follow, async (c) => {
    const { account, kind, operation: id } = c.req.valid('param');
    const target = await targetOf(c, 'admin', account, kind, false);
    const leak = leakOf(await c.env.deps.keeper.inspect(target), id);
    if (!leak) throw new ZhongkongError('not_found', 'no such operation, or a later one has taken its place');
    return json(leakJson(target.id, leak));
  });
}
