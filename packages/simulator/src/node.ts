/**
 * The simulator on a real socket (node:http), where connections can really break: dropped, left
 * hanging, or cut in the middle of a body. Header order and form are WeChat's; nothing is chunked.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { plainIp } from './ip.ts';
import { createSimulator, type Simulator, type SimulatorOptions } from './simulator.ts';
import type { Call, Outcome, Reply } from './wire.ts';

export interface ListenOptions extends SimulatorOptions {
  /** Default 0: any free port. */
  port?: number;
  /** Default 127.0.0.1. */
  host?: string;
  /** An existing simulator to serve; its own options then win over those given here. */
  simulator?: Simulator;
}

export interface ListeningSimulator {
  /** Base URL without a trailing slash, e.g. `http://127.0.0.1:8701`. */
  readonly url: string;
  readonly port: number;
  readonly simulator: Simulator;
  /** Breaks what is open and frees the port. */
  close(): Promise<void>;
}

const BODY_LIMIT = 67_108_864; // bytes; WeChat's largest upload is far below
const IDLE_MS = 60_000; // how long an idle connection is kept
/** Lets a test on one machine call from many addresses; WeChat itself looks only at the peer. */
const IP_HEADER = 'x-sim-client-ip';

export async function listenSimulator(options: ListenOptions = {}): Promise<ListeningSimulator> {
  const { port = 0, host = '127.0.0.1', simulator = createSimulator(options) } = options;
  const server = createServer((request, response) => receive(simulator, request, response));
  server.keepAliveTimeout = IDLE_MS;
  server.requestTimeout = 0; // a test may send as slowly as it likes
  await new Promise<void>((resolve, fail) => {
    server.once('error', fail);
    server.listen(port, host, resolve);
  });
  const address = server.address() as AddressInfo;
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${address.port}`,
    port: address.port,
    simulator,
    close: () => close(server),
  };
}

const close = (server: Server): Promise<void> =>
  new Promise((resolve, fail) => {
    server.close((error) => (error ? fail(error) : resolve()));
    server.closeAllConnections();
  });

function receive(simulator: Simulator, request: IncomingMessage, response: ServerResponse): void {
  const { headers } = request;
  if (headers['content-length'] === undefined && headers['transfer-encoding'] === undefined) {
    answer(simulator, request, response, null);
    return;
  }
  const parts: Buffer[] = [];
  let size = 0;
  request.on('data', (part: Buffer) => {
    size += part.length;
    if (size <= BODY_LIMIT) parts.push(part);
    else request.destroy();
  });
  request.on('error', () => {}); // the caller went away: nobody to answer
  request.on('end', () => answer(simulator, request, response, parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts)));
}

function answer(simulator: Simulator, request: IncomingMessage, response: ServerResponse, body: Uint8Array | null): void {
  const outcome = simulator.handle(callOf(request, body));
  if (outcome instanceof Promise) {
    outcome.then(
      (late) => send(late, response),
      () => response.destroy(),
    );
  } else send(outcome, response);
}

function callOf(request: IncomingMessage, body: Uint8Array | null): Call {
  const target = request.url ?? '/';
  const mark = target.indexOf('?');
  const claimed = request.headers[IP_HEADER];
  return {
    method: request.method ?? 'GET',
    path: mark < 0 ? target : target.slice(0, mark),
    query: mark < 0 ? '' : target.slice(mark + 1),
    header: (name) => {
      const value = request.headers[name];
      return Array.isArray(value) ? value.join(', ') : value;
    },
    body,
    clientIp: typeof claimed === 'string' ? claimed : plainIp(request.socket.remoteAddress ?? ''),
    secure: false,
  };
}

function send(outcome: Outcome, response: ServerResponse): void {
  if (outcome.kind === 'hang' || response.destroyed) return;
  if (outcome.kind === 'drop') {
    response.destroy();
    return;
  }
  response.sendDate = false; // the reply brings the simulated date
  response.writeHead(outcome.status, headerList(outcome, response.shouldKeepAlive));
  if (outcome.cutAt === undefined || outcome.cutAt >= outcome.body.length) response.end(outcome.body);
  else cut(outcome.body.subarray(0, outcome.cutAt), response);
}

/** Connection first, as in the samples; named explicitly, so that Node adds no Keep-Alive of its own. */
function headerList({ headers }: Reply, keepAlive: boolean): string[] {
  const list = ['Connection', keepAlive ? 'keep-alive' : 'close'];
  for (const [name, value] of headers) list.push(name, value);
  return list;
}

/** Sends what there is, and only then breaks the connection. */
function cut(part: Uint8Array, response: ServerResponse): void {
  response.flushHeaders();
  if (part.length === 0) setImmediate(() => response.destroy());
  else response.write(part, () => response.destroy());
}
