/**
 * The Node host: HTTP or HTTPS in front of the app, with the fast path before it.
 *
 * listening ──close()──▶ draining (/readyz 503, answers end their connection; then not accepting) ──▶ closed ──▶ engine stopped
 * Limits here are about bytes and time on the wire; what a request may say is the app's to judge.
 */

import { createServer as createHttpServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createHttpsServer, type Server as HttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import { ZhongkongError } from '../../core/errors.ts';
import type { Bilingual } from '../../core/failure.ts';
import { isReserved, refusedPath } from '../../http/path.ts';
import { Announcement } from './announcement.ts';
import { ClientIp } from './client-ip.ts';
import { ipOf } from './connection.ts';
import { drainer } from './drain.ts';
import { FastPath, type FastPathParts } from './fast-path.ts';
import { answerProtocolError, protocolErrorResponse, wechatProtocolErrorResponse } from './protocol-error.ts';
import { readTls, type TlsFiles } from './tls.ts';

/** What this host needs of an engine. */
export interface Served {
  readonly app: { fetch(request: Request, context: { readonly ip: string | null; readonly target: string }): Promise<Response> };
  /** The parts that answer the hottest reads, or null to send everything through the app. */
  readonly fast: FastPathParts | null;
  readonly health: { draining(): void };
  stop(): Promise<void>;
}

export interface ListenConfig {
  readonly listen: { readonly host: string; readonly port: number };
  readonly tls: TlsFiles | null;
  /** CIDRs. */
  readonly trustedProxies: readonly string[];
}

export interface Listening {
  /** Where it can be reached, without a trailing slash; the real port when 0 was asked for. */
  readonly url: string;
  readonly port: number;
  /** Read the certificate files again; connections made from then on use them. Throws `config_invalid` and keeps the old. */
  reloadTls(): void;
  /** Drain, stop the engine. Every call returns the same promise. */
  close(): Promise<void>;
}

/** Bytes and milliseconds. Tests shorten them. */
export const LIMITS = {
  /** How long answers under way are waited for before their connections are cut; longer than a read waits by default. */
  drainMs: 12_000,
  /** Request line and headers together. */
  maxHeaderSize: 16 * 1024,
  /** Ours to refuse, in the shape of the path; Node's own 400 is bare. */
  requireHostHeader: false,
  /** All headers have to be here by then: no connection is held by dripping them. */
  headersTimeout: 10_000,
  /** The whole request, body included; bodies are at most some kilobytes. */
  requestTimeout: 20_000,
  connectionsCheckingInterval: 2000,
  /** TLS only. */
  handshakeTimeout: 10_000,
  /** Longer than the 60 s after which common load balancers drop an idle connection, so that they are the ones to do it. */
  keepAliveTimeout: 65_000,
  /** How long the end waits for a load balancer that asks `/readyz` to ask once more; common intervals are 1 to 10 s. */
  announceMs: 5000,
};

/** Each costs some 10 KB; beyond this a machine of the size we run on is under attack, not busy. */
const MAX_CONNECTIONS = 20_000;

/** Serve until closed. Throws `config_invalid` when the address cannot be had or a certificate is wrong. */
export async function listen(engine: Served, config: ListenConfig, limits: Partial<typeof LIMITS> = {}): Promise<Listening> {
  const clientIp = new ClientIp(config.trustedProxies);
  const fast = engine.fast && new FastPath(engine.fast, clientIp);
  let draining = false;

  /** Targets that no URL parser should touch; the app refuses them by what came over the wire. */
  const refused = new WeakMap<IncomingMessage, string>();
  const throughApp = (errorHandler: (error: unknown) => Response) =>
    getRequestListener(
      (request, bindings) => {
        const { incoming } = bindings as { incoming: IncomingMessage };
        return engine.app.fetch(request, { ip: ipOf(incoming, clientIp), target: refused.get(incoming) ?? incoming.url ?? '' });
      },
      // Replacing the process's Request and Response would reach into everything else that runs in it.
      { overrideGlobalObjects: false, errorHandler },
    );
  const ours = throughApp(protocolErrorResponse);
  const wechats = throughApp(wechatProtocolErrorResponse);
  const announcement = new Announcement(() => performance.now());
  const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    announcement.saw(request, response);
    if (draining) response.setHeader('connection', 'close');
    else if (fast?.answer(request, response)) return;
    const target = request.url ?? '';
    if (refusedPath(target)) {
      refused.set(request, target);
      request.url = '/';
    }
    void (isReserved(target) ? ours : wechats)(request, response);
  };

  const wire = { ...LIMITS, ...limits };
  const server = config.tls ? createHttpsServer({ ...wire, ...readTls(config.tls) }, onRequest) : createHttpServer(wire, onRequest);
  const drain = drainer(server);
  server.maxConnections = MAX_CONNECTIONS;
  server.on('clientError', answerProtocolError);
  // Node's own answer would be a bare 417; an expectation that we do not know may as well be left unmet.
  server.on('checkExpectation', onRequest);
  await bound(server, config.listen);

  const { port } = server.address() as AddressInfo;
  const host = config.listen.host.includes(':') ? `[${config.listen.host}]` : config.listen.host;
  let closing: Promise<void> | null = null;
  return {
    url: `${config.tls ? 'https' : 'http'}://${host}:${port}`,
    port,
    reloadTls(): void {
      if (config.tls) (server as HttpsServer).setSecureContext(readTls(config.tls));
    },
    close(): Promise<void> {
      closing ??= (async () => {
        draining = true;
        engine.health.draining();
        await announcement.made(wire.announceMs);
        await drain(wire.drainMs);
        await engine.stop();
      })();
      return closing;
    },
  };
}

function bound(server: Server, { host, port }: ListenConfig['listen']): Promise<void> {
  return new Promise((resolve, reject) => {
    // Stays on: with no listener at all, a later trouble of the listening socket would end the process.
    server.on('error', (error: NodeJS.ErrnoException) => {
      const code = error.code ?? error.message;
      const { en, zh } = LISTEN_ERRORS[code] ?? { en: `cannot be used (${code})`, zh: `无法使用（${code}）` };
      const text = { en: `listen: ${host}:${port} ${en}`, zh: `listen：${host}:${port} ${zh}` };
      reject(new ZhongkongError('config_invalid', text, { cause: error }));
    });
    server.listen({ host, port, backlog: 1024 }, resolve);
  });
}

const LISTEN_ERRORS: Readonly<Record<string, Bilingual>> = {
  EADDRINUSE: { en: 'is in use by another process; stop it or choose another port', zh: '已被其他进程占用；请停止该进程或换一个端口' },
  EACCES: { en: 'needs more rights; ports below 1024 are for root', zh: '权限不足；1024 以下的端口需要 root' },
  EADDRNOTAVAIL: { en: 'is not an address of this machine', zh: '不是本机的地址' },
  ENOTFOUND: { en: 'is not a host name that resolves', zh: '主机名无法解析' },
};
