/** What the OpenAPI document says of the drop-in. Its requests are read in WeChat's own way, not by these schemas. */

import { type OpenAPIHono, z } from '@hono/zod-openapi';

type Registry = OpenAPIHono['openAPIRegistry'];

const form = {
  grant_type: z.literal('client_credential'),
  appid: z.string().openapi({ description: 'AppID of an account that the key may read' }),
  secret: z.string().openapi({ description: 'The API key, where SDKs put the AppSecret' }),
};

const answer = {
  200: {
    description: "The token, or WeChat's errcode and errmsg; HTTP 200 whatever happened",
    content: {
      'application/json': {
        schema: z.union([z.object({ access_token: z.string(), expires_in: z.int() }), z.object({ errcode: z.int(), errmsg: z.string() })]),
      },
    },
  },
};

export function describeDropin(registry: Registry): void {
  registry.registerPath({
    method: 'get',
    path: '/cgi-bin/token',
    operationId: 'dropinToken',
    tags: ['drop-in'],
    summary: "As WeChat's getAccessToken",
    'x-summary-zh': '同微信 getAccessToken',
    'x-scope': 'credential:read',
    request: { query: z.object(form) },
    responses: answer,
  });
  registry.registerPath({
    method: 'post',
    path: '/cgi-bin/stable_token',
    operationId: 'dropinStableToken',
    tags: ['drop-in'],
    summary: "As WeChat's getStableAccessToken; force_refresh is a hint, never an order",
    'x-summary-zh': '同微信 getStableAccessToken；force_refresh 只是提示，不会强制刷新',
    'x-scope': 'credential:read',
    request: {
      body: {
        required: true,
        content: { 'application/json': { schema: z.object({ ...form, force_refresh: z.boolean().optional() }) } },
      },
    },
    responses: answer,
  });
}
