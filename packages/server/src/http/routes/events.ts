/** The audit trail, newest first. */

import { type OpenAPIHono, z } from '@hono/zod-openapi';
import type { Env } from '../environment.ts';
import { operation } from '../operation.ts';
import { json } from '../respond.ts';
import { instantText, nextCursor, paged, pageQuery, rfc3339 } from '../schemas.ts';

const eventSchema = z
  .object({
    seq: z.int(),
    at: instantText(),
    action: z.string().openapi({ example: 'account.created' }),
    actor: z.string().openapi({ example: 'key:k_0123456789ab' }),
    subject: z.string().openapi({ description: 'The account or key it concerns, or empty' }),
    data: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])),
  })
  .openapi('AuditEvent');

const list = operation({
  method: 'get',
  path: '/v1/events',
  id: 'listEvents',
  tag: 'operations',
  scope: 'admin',
  summary: { en: 'The audit trail, newest first', zh: '审计日志，新的在前' },
  query: z.strictObject({
    ...pageQuery,
    cursor: z
      .string()
      .regex(/^[1-9]\d{0,14}$/, 'use next_cursor of the page before')
      .optional(),
    subject: z
      .string()
      .regex(/^[A-Za-z0-9_.:@-]{1,128}$/, 'use the id of an account or key')
      .optional(),
    action: z
      .string()
      .regex(/^[a-z_]{1,40}\.[a-z_]{1,40}$/, 'use subject.verb, e.g. account.created')
      .optional(),
  }),
  ok: { 200: { description: 'A page', schema: z.object({ events: z.array(eventSchema), next_cursor: nextCursor() }) } },
});

export function mountEvents(app: OpenAPIHono<Env>): void {
  app.openapi(list, async (c) => {
    const { cursor, limit, subject, action } = c.req.valid('query');
    const found = await c.env.deps.directory.audit({
      before: cursor === undefined ? null : Number(cursor),
      limit: limit + 1,
      ...(subject === undefined ? {} : { subject }),
      ...(action === undefined ? {} : { action }),
    });
    const { page, next } = paged(found, limit, ({ seq }) => String(seq));
    const events = page.map(({ seq, at, action, actor, subject, data }) => ({ seq, at: rfc3339(at), action, actor, subject, data }));
    return json({ events, next_cursor: next });
  });
}
