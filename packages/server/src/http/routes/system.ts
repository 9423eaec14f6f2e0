/** What is not about accounts: health, metrics, the OpenAPI document and the page made of it. */

import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import { docsPage } from '../docs-page.ts';
import { documentOf, type OpenApiDocument } from '../document.ts';
import type { Env } from '../environment.ts';
import { guard, named, requireAnyKey } from '../guard.ts';
import { json, respond } from '../respond.ts';

const health = z
  .object({
    status: z.enum(['ok', 'starting', 'degraded', 'draining']),
    reason: z.string().optional().openapi({ description: 'With degraded: the code of the cause', example: 'store_full' }),
  })
  .openapi('Health');
const healthAnswer = (description: string) => ({ description, content: { 'application/json': { schema: health } } });

const healthz = createRoute({
  method: 'get',
  path: '/healthz',
  middleware: [named('/healthz')],
  operationId: 'healthz',
  tags: ['operations'],
  summary: 'The process is up',
  'x-summary-zh': '进程存活检查',
  responses: { 200: healthAnswer('It is') as { description: string } },
});

const readyz = createRoute({
  method: 'get',
  path: '/readyz',
  middleware: [named('/readyz')],
  operationId: 'readyz',
  tags: ['operations'],
  summary: 'The server can serve; degraded: from memory, while the store is away',
  'x-summary-zh': '就绪检查；degraded 表示存储暂不可用，由内存继续提供服务',
  responses: { 200: healthAnswer('Ready') as { description: string }, 503: healthAnswer('Not yet, or not any more') },
});

const metrics = createRoute({
  method: 'get',
  path: '/metrics',
  operationId: 'metrics',
  tags: ['operations'],
  summary: 'Metrics for Prometheus; for a key that covers all accounts, since labels name them',
  'x-summary-zh': 'Prometheus 指标；标签中含账号 id，因此 key 须覆盖全部账号',
  'x-scope': 'metrics',
  security: [{ apiKey: [] }],
  middleware: [named('/metrics'), guard('metrics')],
  responses: { 200: { description: 'The exposition text' } },
});

/** No scripts, no other hosts; its own styles only. */
const PAGE_HEADERS = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
};

export function mountSystem(app: OpenAPIHono<Env>): void {
  // Made at the first question: it takes some milliseconds that a start should not.
  let made: OpenApiDocument | undefined;
  const document = (version: string): OpenApiDocument => (made ??= documentOf(app, version));

  app.openapi(healthz, () => json({ status: 'ok' }));

  app.openapi(readyz, (c) => {
    const { ready, status, causes } = c.env.deps.health();
    // Nobody needs a key to ask: the code says what, and where the store is stays with the operators.
    const reason = status === 'degraded' ? causes[0]?.code : undefined;
    return json({ status, ...(reason === undefined ? {} : { reason }) }, ready ? 200 : 503);
  });

  app.openapi(metrics, async (c) => {
    const { contentType, body } = await c.env.deps.metrics();
    return respond({ status: 200, headers: { 'content-type': contentType, 'cache-control': 'no-store' }, body });
  });

  app.get('/openapi.json', named('/openapi.json'), async (c) => {
    const { options } = c.env.deps;
    if (!options.docsPublic) await requireAnyKey(c);
    return json(document(options.version));
  });

  app.get('/docs', named('/docs'), async (c) => {
    const { options } = c.env.deps;
    if (!options.docsPublic) await requireAnyKey(c);
    return respond({ status: 200, headers: PAGE_HEADERS, body: docsPage(document(options.version)) });
  });
}
