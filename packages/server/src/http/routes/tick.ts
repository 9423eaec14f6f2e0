/** What is due is refreshed now: for hosts without timers, whose platform calls this on a schedule. */

import { type OpenAPIHono, z } from '@hono/zod-openapi';
import type { MiddlewareHandler } from 'hono';
import type { AppDeps, Env } from '../environment.ts';
import { guard } from '../guard.ts';
import { operation } from '../operation.ts';
import { json } from '../respond.ts';
import { rfc3339OrNull } from '../schemas.ts';

const report = z
  .object({
    claimed: z.int().openapi({ description: 'Credentials that were due and were worked on' }),
    next_due_at: z.string().nullable().openapi({ description: 'When the next one is due; null: nothing is planned' }),
  })
  .openapi('Tick');
const DESCRIPTION = 'Done; it is safe to call late, twice at once or too often';

const tick = operation({
  method: 'post',
  path: '/v1/tick',
  id: 'tick',
  tag: 'operations',
  scope: 'tick',
  summary: { en: 'Refresh what is due', zh: '刷新到期的凭据' },
  ok: { 200: { description: DESCRIPTION, schema: report } },
});

/** The platform's own secret (`cronSecret`) opens this route and nothing else; an API key does as well. */
const cronSecretOrKey: MiddlewareHandler<Env> = async (c, next) => {
  const [, given] = /^Bearer +([^ ]+)$/i.exec(c.req.header('authorization') ?? '') ?? [];
  if (given !== undefined && c.env.deps.isCronSecret(given)) return next();
  return guard('tick')(c, next);
};

const byPlatform = operation({
  method: 'get',
  path: '/v1/tick',
  id: 'tickByPlatform',
  tag: 'operations',
  scope: 'tick',
  summary: {
    en: 'The same for platforms whose timers can only GET: the option cronSecret as Bearer, or an API key',
    zh: '同上，供定时器只能发 GET 的平台使用：以 Bearer 携带配置项 cronSecret，或 API key',
  },
  admit: cronSecretOrKey,
  ok: { 200: { description: DESCRIPTION, schema: report } },
});

export function mountTick(app: OpenAPIHono<Env>): void {
  const answer = async ({ tick }: AppDeps) => {
    const { claimed, nextDueAt } = await tick();
    return json({ claimed, next_due_at: rfc3339OrNull(nextDueAt) });
  };
  app.openapi(tick, (c) => answer(c.env.deps));
  app.openapi(byPlatform, (c) => answer(c.env.deps));
}
