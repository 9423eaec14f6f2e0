/** A world for commands to run in: streams that are remembered, a server that is a function, a person who types. */

import type { Io } from '../../../src/cli/io.ts';
import { runCli } from '../../../src/cli/program.ts';

export interface Request1 {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly authorization: string | null;
  readonly body: unknown;
}

export interface Given {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** What the server answers; undefined: the connection is refused. */
  readonly server?: (request: Request1) => Response;
  /** What is typed at a hidden prompt; undefined: nobody sits there. */
  readonly typed?: string;
  readonly input?: string;
  readonly isTerminal?: boolean;
}

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  readonly requests: readonly Request1[];
  readonly prompts: readonly string[];
}

export const KEY = 'zk_0000000000000000000000000000000000000000';

/** A named server, and the key for it. */
export const SERVER = { ZHONGKONG_URL: 'http://127.0.0.1:8700', ZHONGKONG_KEY: KEY };

export async function run(argv: readonly string[], given: Given = {}): Promise<Ran> {
  const { env = SERVER, cwd = '/nowhere', server, typed, input = '', isTerminal = false } = given;
  let out = '';
  let err = '';
  const requests: Request1[] = [];
  const prompts: string[] = [];
  const io: Io = {
    env,
    cwd,
    out: (text) => {
      out += text;
    },
    err: (text) => {
      err += text;
    },
    outIsTerminal: isTerminal,
    canPrompt: typed !== undefined,
    promptHidden: async (question) => {
      prompts.push(question);
      return typed ?? '';
    },
    readInput: async () => input,
    onSignals: () => () => {},
    now: () => 0,
    fetch: async (request) => {
      const text = await request.text();
      const { pathname, search } = new URL(request.url);
      const seen = {
        method: request.method,
        path: pathname + search,
        authorization: request.headers.get('authorization'),
        body: text === '' ? undefined : JSON.parse(text),
      };
      requests.push(seen);
      if (!server) throw new TypeError('fetch failed', { cause: Object.assign(new Error('refused'), { code: 'ECONNREFUSED' }) });
      return server(seen);
    },
    exit: (code) => {
      throw new Error(`ended with ${code}`);
    },
  };
  const code = await runCli(argv, io);
  return { code, out, err, requests, prompts };
}

export const answers =
  (body: unknown, status = 200) =>
  (): Response =>
    status === 204 ? new Response(null, { status }) : Response.json(body, { status });
