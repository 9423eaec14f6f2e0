/** API keys: a new one's text is in the answer that makes it, and nowhere else. */

import { type OpenAPIHono, z } from '@hono/zod-openapi';
import { parseCidr } from '../../access/cidr.ts';
import type { KeyPatch } from '../../access/keys.ts';
import { ACCOUNT_REFERENCE } from '../../core/account.ts';
import { SCOPES } from '../../core/api-key.ts';
import { ZhongkongError } from '../../core/errors.ts';
import type { Env } from '../environment.ts';
import { actorOf } from '../guard.ts';
import { operation } from '../operation.ts';
import { json, noContent } from '../respond.ts';
import { instant, kindName, nextCursor, paged, pageQuery } from '../schemas.ts';
import { keyJson, keySchema } from '../wire.ts';
import { defined } from './accounts.ts';

const TAG = 'keys';

const keyPath = z.object({ key: z.string().regex(/^k_[A-Za-z0-9_.:@-]{1,80}$/, 'use the id of a key, k_…') });

const accountReference = () => z.string().regex(ACCOUNT_REFERENCE, 'use an account id or "*"');

const cidr = () =>
  z
    .string()
    .max(49)
    .refine((text) => parseCidr(text) !== null, 'use an IP address or a CIDR, e.g. 10.0.0.0/8')
    .transform((text) => parseCidr(text) ?? text)
    .openapi({ type: 'string', example: '10.0.0.0/8' });

const fields = {
  name: z
    .string()
    .regex(/^[A-Za-z0-9_.:@-]{1,64}$/, 'use 1 to 64 of A-Z a-z 0-9 _ . : @ -')
    .openapi({ description: 'Unique among keys that are not revoked; appears in the audit trail' }),
  scopes: z
    .array(z.enum(SCOPES, { error: `use some of ${SCOPES.join(', ')}` }))
    .min(1, 'name at least one scope')
    .max(16),
  accounts: z.array(accountReference()).min(1, 'name at least one account, or "*"').max(1000),
  kinds: z.array(kindName()).min(1).max(32).nullable(),
  cidrs: z.array(cidr()).min(1).max(64).nullable(),
  calls_per_minute: z.int().min(1).max(1_000_000).nullable(),
  sealed: z.boolean(),
  expires_at: instant()
    .nullable()
    .openapi({ type: ['string', 'null'], format: 'date-time' }),
};

const optional = {
  kinds: fields.kinds.optional(),
  cidrs: fields.cidrs.optional(),
  calls_per_minute: fields.calls_per_minute.optional(),
  sealed: fields.sealed.optional(),
  expires_at: fields.expires_at.optional(),
};

const createForm = z
  .strictObject({ name: fields.name, scopes: fields.scopes, accounts: fields.accounts, ...optional })
  .openapi('NewApiKey');

const patchForm = z
  .strictObject(fields)
  .partial()
  .refine((patch) => Object.keys(patch).length > 0, 'give at least one field to change')
  .openapi('ApiKeyPatch');

const create = operation({
  method: 'post',
  path: '/v1/keys',
  id: 'createKey',
  tag: TAG,
  scope: 'admin',
  summary: { en: 'Make an API key', zh: '创建 API key' },
  body: createForm,
  ok: {
    201: {
      description: 'Made; `key` is shown this once',
      schema: keySchema.extend({ key: z.string() }).openapi('NewApiKeyWithText'),
    },
  },
});

const list = operation({
  method: 'get',
  path: '/v1/keys',
  id: 'listKeys',
  tag: TAG,
  scope: 'admin',
  summary: { en: 'All API keys, declared and revoked ones included', zh: 'API key 列表（含声明的和已吊销的）' },
  query: z.strictObject(pageQuery),
  ok: { 200: { description: 'A page', schema: z.object({ keys: z.array(keySchema), next_cursor: nextCursor() }) } },
});

const show = operation({
  method: 'get',
  path: '/v1/keys/{key}',
  id: 'showKey',
  tag: TAG,
  scope: 'admin',
  summary: { en: 'One API key', zh: '查看 API key' },
  params: keyPath,
  ok: { 200: { description: 'The key', schema: keySchema } },
});

const change = operation({
  method: 'patch',
  path: '/v1/keys/{key}',
  id: 'changeKey',
  tag: TAG,
  scope: 'admin',
  summary: { en: 'Change what a key may do', zh: '修改 API key 的权限' },
  params: keyPath,
  body: patchForm,
  ok: { 200: { description: 'The key as it is now', schema: keySchema } },
});

const revoke = operation({
  method: 'delete',
  path: '/v1/keys/{key}',
  id: 'revokeKey',
  tag: TAG,
  scope: 'admin',
  summary: { en: 'Revoke a key, for good', zh: '吊销 API key（不可恢复）' },
  params: keyPath,
  ok: { 204: { description: 'Revoked' } },
});

/** From the wire's names to the core's. */
function patchOf(form: Partial<z.output<typeof patchForm>>): KeyPatch {
  const { calls_per_minute, expires_at, ...same } = form;
  return defined({ ...same, callsPerMinute: calls_per_minute, expiresAt: expires_at });
}

export function mountKeys(app: OpenAPIHono<Env>): void {
  app.openapi(create, async (c) => {
    const form = c.req.valid('json');
    const { name, scopes, accounts } = form;
    const { record, key } = await c.env.deps.keys.create({ ...patchOf(form), name, scopes, accounts }, actorOf(c));
    return json({ ...keyJson(record), key }, 201, { location: `/v1/keys/${record.id}` });
  });

  app.openapi(list, async (c) => {
    const { cursor, limit } = c.req.valid('query');
    const found = await c.env.deps.keys.page({ after: cursor ?? null, limit: limit + 1 });
    const { page, next } = paged(found, limit, ({ id }) => id);
    return json({ keys: page.map(keyJson), next_cursor: next });
  });

  app.openapi(show, async (c) => {
    const record = await c.env.deps.keys.get(c.req.valid('param').key);
    if (!record) throw new ZhongkongError('not_found', 'no such key');
    return json(keyJson(record));
  });

  app.openapi(change, async (c) => {
    const record = await c.env.deps.keys.update(c.req.valid('param').key, patchOf(c.req.valid('json')), actorOf(c));
    return json(keyJson(record));
  });

  app.openapi(revoke, async (c) => {
    await c.env.deps.keys.revoke(c.req.valid('param').key, actorOf(c));
    return noContent();
  });
}
