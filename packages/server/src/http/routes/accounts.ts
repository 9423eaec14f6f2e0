/** Accounts: the declared form comes in, everything but the secrets goes out. */

import { type OpenAPIHono, z } from '@hono/zod-openapi';
import { APP_SECRET, APP_SECRET_FORM } from '../../core/account.ts';
import type { AccountPatch } from '../../core/accounts.ts';
import { unknownAccount } from '../../access/authorize.ts';
import type { Env } from '../environment.ts';
import { actorOf } from '../guard.ts';
import { operation } from '../operation.ts';
import { json, noContent } from '../respond.ts';
import { accountId, nextCursor, paged, pageQuery, plainText } from '../schemas.ts';
import { accountJson, accountSchema } from '../wire.ts';
import { accountPath } from './credentials.ts';

const TAG = 'accounts';

const appSecret = () => z.string().regex(APP_SECRET, `use ${APP_SECRET_FORM.en}`);
/** One AppSecret, or `[first, fallback]`. Write-only. */
const secret = () => z.union([appSecret(), z.tuple([appSecret(), appSecret()])], { error: 'give one secret, or two as [first, fallback]' });
const changeable = { mode: z.string().min(1).max(32), enabled: z.boolean(), note: plainText(0, 200) };

const createForm = z
  .strictObject({
    id: accountId().optional().openapi({ description: 'Default: `app_id`' }),
    platform: z.string().min(1).max(32).openapi({ example: 'official-account' }),
    app_id: accountId().optional().openapi({ description: 'Default: `id`' }),
    secret: secret().openapi({ description: 'AppSecret, or [first, fallback]; never comes out again' }),
    mode: changeable.mode.optional(),
    enabled: changeable.enabled.optional(),
    note: changeable.note.optional(),
  })
  .openapi('NewAccount');

const patchForm = z
  .strictObject({ ...changeable, secret: secret() })
  .partial()
  .refine((patch) => Object.keys(patch).length > 0, 'give at least one field to change')
  .openapi('AccountPatch');

const create = operation({
  method: 'post',
  path: '/v1/accounts',
  id: 'createAccount',
  tag: TAG,
  scope: 'admin',
  summary: { en: 'Add an account', zh: '添加账号' },
  body: createForm,
  ok: { 201: { description: 'Added', schema: accountSchema } },
});

const list = operation({
  method: 'get',
  path: '/v1/accounts',
  id: 'listAccounts',
  tag: TAG,
  scope: 'admin',
  summary: { en: 'All accounts, in id order', zh: '账号列表' },
  query: z.strictObject(pageQuery),
  ok: { 200: { description: 'A page', schema: z.object({ accounts: z.array(accountSchema), next_cursor: nextCursor() }) } },
});

const show = operation({
  method: 'get',
  path: '/v1/accounts/{account}',
  id: 'showAccount',
  tag: TAG,
  scope: 'admin',
  summary: { en: 'One account', zh: '查看账号' },
  params: accountPath,
  ok: { 200: { description: 'The account', schema: accountSchema } },
});

const change = operation({
  method: 'patch',
  path: '/v1/accounts/{account}',
  id: 'changeAccount',
  tag: TAG,
  scope: 'admin',
  summary: { en: 'Change the secret, the mode, the note, or switch it on or off', zh: '修改密钥、模式、备注，或启用/停用' },
  params: accountPath,
  body: patchForm,
  ok: { 200: { description: 'The account as it is now', schema: accountSchema } },
});

const remove = operation({
  method: 'delete',
  path: '/v1/accounts/{account}',
  id: 'removeAccount',
  tag: TAG,
  scope: 'admin',
  summary: { en: 'Remove an account and its credentials', zh: '删除账号及其凭据' },
  params: accountPath,
  ok: { 204: { description: 'Removed' } },
});

const secretsOf = (given: string | [string, string]): readonly string[] => (typeof given === 'string' ? [given] : given);

export function mountAccounts(app: OpenAPIHono<Env>): void {
  app.openapi(create, async (c) => {
    const { deps, trace } = c.env;
    const { id, app_id, secret: given, ...form } = c.req.valid('json');
    const known = id ?? app_id;
    const account = await deps.accounts.create(
      { ...defined(form), platform: form.platform, id: known ?? '', appId: app_id ?? known ?? '', secrets: secretsOf(given) },
      actorOf(c),
    );
    trace.accountId = account.id;
    return json(accountJson(account), 201, { location: `/v1/accounts/${encodeURIComponent(account.id)}` });
  });

  app.openapi(list, async (c) => {
    const { cursor, limit } = c.req.valid('query');
    const found = await c.env.deps.accounts.page({ after: cursor ?? null, limit: limit + 1 });
    const { page, next } = paged(found, limit, ({ id }) => id);
    return json({ accounts: page.map(accountJson), next_cursor: next });
  });

  app.openapi(show, async (c) => {
    const { deps, trace } = c.env;
    const account = await deps.accounts.get(c.req.valid('param').account);
    if (!account) throw unknownAccount();
    trace.accountId = account.id;
    return json(accountJson(account));
  });

  app.openapi(change, async (c) => {
    const { deps, trace } = c.env;
    const { secret: given, ...rest } = c.req.valid('json');
    const patch: AccountPatch = { ...defined(rest), ...(given === undefined ? {} : { secrets: secretsOf(given) }) };
    const account = await deps.accounts.update(c.req.valid('param').account, patch, actorOf(c));
    trace.accountId = account.id;
    return json(accountJson(account));
  });

  app.openapi(remove, async (c) => {
    const { account } = c.req.valid('param');
    await c.env.deps.accounts.remove(account, actorOf(c));
    c.env.trace.accountId = account;
    return noContent();
  });
}

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** Without the fields that were not given: "not given" and "undefined" are two things to what follows. */
export function defined<T extends object>(form: T): Defined<T> {
  return Object.fromEntries(Object.entries(form).filter(([, value]) => value !== undefined)) as Defined<T>;
}
