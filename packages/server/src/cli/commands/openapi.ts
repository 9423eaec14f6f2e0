/** `zhongkong openapi`: the API's document, as the server gives it. */

import type { Command } from 'commander';
import { withApi } from '../connect.ts';
import { type Context, globalOptions, type StoreOptions, withStoreOptions } from '../context.ts';
import { json } from '../output.ts';

export function openapiCommand(program: Command, context: Context): void {
  const { io, say } = context;
  withStoreOptions(
    program.command('openapi').description(say({ en: 'print the OpenAPI document of /v1', zh: '输出 /v1 的 OpenAPI 文档' })),
    context,
  ).action(async (options: StoreOptions) => {
    io.out(json(await withApi(globalOptions(options), io, (api) => api.call('GET', '/openapi.json'))));
  });
}
