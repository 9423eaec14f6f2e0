/** The OpenAPI 3.1 document, generated from the routes' own schemas; never written twice. */

import type { OpenAPIHono } from '@hono/zod-openapi';
import type { Env } from './environment.ts';

export type OpenApiDocument = ReturnType<OpenAPIHono<Env>['getOpenAPI31Document']>;

/** The document of this version. The routes are those mounted on `router`. */
export function documentOf(router: OpenAPIHono<Env>, version: string): OpenApiDocument {
  return router.getOpenAPI31Document({
    openapi: '3.1.0',
    info: {
      title: 'Zhongkong 中控',
      version,
      description: "Hands out and keeps fresh WeChat's short-lived credentials. 统一获取、刷新并下发微信的短期凭据。",
      license: { name: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    tags: [
      { name: 'credentials', description: 'Credentials 凭据' },
      { name: 'accounts', description: 'Accounts 账号' },
      { name: 'keys', description: 'API keys' },
      { name: 'operations', description: 'Operations 运维' },
      { name: 'drop-in', description: "WeChat's own shapes 微信兼容接口" },
    ],
  });
}
