/** `zhongkong openapi`: the API's document, of the server that is named or else of this very version. Needs no store. */

import type { Command } from 'commander';
import { Api } from '../api.ts';
import { remote } from '../connect.ts';
import { type Context, withJson } from '../context.ts';
import { json } from '../output.ts';
import { VERSION } from '../../hosts/version.ts';

export function openapiCommand(program: Command, context: Context): void {
  const { io, say } = context;
  const command = program.command('openapi').description(say({ en: 'print the OpenAPI document of /v1', zh: '输出 /v1 的 OpenAPI 文档' }));
  // It always prints JSON; `--json` is taken as by every other command.
  withJson(command, context).action(async () => {
    const server = remote(io);
    const document = server
      ? await new Api(server).call('GET', '/openapi.json')
      : (await import('../../http/openapi.ts')).openApiDocument(VERSION);
    io.out(json(document));
  });
}
