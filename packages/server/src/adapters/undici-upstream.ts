/**
 * The upstream port over undici: kept-alive connections, verified TLS, one bounded answer within one deadline.
 *
 * Invariants: a call is `never_left` only when undici had not begun to write it, which undici says itself
 * (`onRequestStart`), so no list of error codes decides; a call goes on the wire at most once; redirects are not
 * followed; no error carries a URL, a header or a body, because they hold AppSecrets and tokens.
 */

import { Agent, type buildConnector, type Dispatcher, Pool, ProxyAgent } from 'undici';
import { type Upstream, UpstreamError, type UpstreamReply, type UpstreamRequest } from '../core/upstream.ts';
import { type Delivery, upstreamError } from './upstream-failure.ts';

/** An issue's answer is 200 bytes and a list of addresses a few thousand: more is not WeChat. */
const MAX_BODY_BYTES = 64 * 1024;
/** Shorter than the usual deadline of a call (5 s), so that an unreachable host is told from a slow one. */
const CONNECT_TIMEOUT_MS = 4000;
/** The next address is tried after so long; Node's own 250 ms gives up on addresses an ocean away. */
const NEXT_ADDRESS_MS = 1000;
/** More than a process ever refreshes at once; what exceeds it waits its turn, within its deadline. */
const MAX_CONNECTIONS = 128;

export interface UndiciUpstreamOptions {
  /** Origin by upstream name, e.g. `{ wechat: 'https://api.weixin.qq.com' }`. */
  readonly bases: Readonly<Record<string, string>>;
  /** `http://[user:password@]host:port`; every call goes through it, in a CONNECT tunnel. Default: none. */
  readonly egressProxy?: string | null;
  /** PEM of the authorities to trust instead of Node's. Default: Node's, with NODE_EXTRA_CA_CERTS. */
  readonly ca?: string;
}

/** The port, and `close()`: ends every connection at once, calls in the air are rejected. */
export function createUndiciUpstream(options: UndiciUpstreamOptions): Upstream & { close(): Promise<void> } {
  const dispatcher = options.egressProxy ? viaProxy(options.egressProxy, options.ca) : direct(options.ca);
  return {
    send(request, deadlineMs) {
      const origin = Object.hasOwn(options.bases, request.upstream) ? options.bases[request.upstream] : undefined;
      if (origin === undefined) return Promise.reject(new UpstreamError('never_left', 'unconfigured'));
      return new Promise((resolve, reject) => {
        const call = new Call(deadlineMs, resolve, reject);
        try {
          dispatcher.dispatch({ origin, ...onTheWire(request) }, call);
        } catch (error) {
          call.onResponseError(null, error as Error);
        }
      });
    },
    close: () => dispatcher.destroy(),
  };
}

function onTheWire({ method, path, query, json }: UpstreamRequest) {
  const body = json === undefined ? null : JSON.stringify(json);
  return {
    method,
    path: query === undefined ? path : `${path}?${new URLSearchParams(query)}`,
    headers: {
      accept: 'application/json',
      'user-agent': 'zhongkong',
      ...(body === null ? {} : { 'content-type': 'application/json' }),
    },
    body,
  };
}

/** One call: collects the answer, and remembers whether any of the request was written. */
class Call implements Dispatcher.DispatchHandler {
  readonly #resolve: (reply: UpstreamReply) => void;
  readonly #reject: (error: UpstreamError) => void;
  readonly #timer: NodeJS.Timeout;
  readonly #chunks: Buffer[] = [];
  #size = 0;
  #controller: Dispatcher.DispatchController | null = null;
  #settled = false;
  #status = 0;
  #dateMs: number | null = null;

  constructor(deadlineMs: number, resolve: (reply: UpstreamReply) => void, reject: (error: UpstreamError) => void) {
    this.#resolve = resolve;
    this.#reject = reject;
    // Node's timers run on the monotonic clock.
    this.#timer = setTimeout(() => this.#fail(new UpstreamError(this.#delivery, 'timeout')), deadlineMs);
  }

  get #delivery(): Delivery {
    return this.#controller === null ? 'never_left' : 'unknown';
  }

  /** The last moment before the first byte: throwing here keeps the request from being written. */
  onRequestStart(controller: Dispatcher.DispatchController): void {
    // Settled: its caller was told `never_left`. Started before: a second time on the wire would be a second issue.
    if (this.#settled || this.#controller !== null) throw new Error('this call must not be written');
    this.#controller = controller;
  }

  onResponseStart(_: Dispatcher.DispatchController, status: number, headers: Record<string, string | string[] | undefined>): void {
    this.#status = status;
    const dateMs = typeof headers.date === 'string' ? Date.parse(headers.date) : Number.NaN;
    this.#dateMs = Number.isNaN(dateMs) ? null : dateMs;
  }

  onResponseData(_: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#size += chunk.length;
    if (this.#size > MAX_BODY_BYTES) this.#fail(new UpstreamError('unknown', 'malformed'));
    else this.#chunks.push(chunk);
  }

  onResponseEnd(): void {
    if (!this.#settle()) return;
    this.#resolve({ status: this.#status, text: new TextDecoder().decode(Buffer.concat(this.#chunks)), dateMs: this.#dateMs });
  }

  onResponseError(_: Dispatcher.DispatchController | null, error: Error): void {
    this.#fail(upstreamError(this.#delivery, error));
  }

  #fail(error: UpstreamError): void {
    if (!this.#settle()) return;
    this.#reject(error);
    // The rest of the answer is of no use, and its connection is in no known state.
    this.#controller?.abort(new Error('call ended early'));
  }

  /** False when the call has ended already. */
  #settle(): boolean {
    if (this.#settled) return false;
    this.#settled = true;
    clearTimeout(this.#timer);
    return true;
  }
}

/** Explicit, so that NODE_TLS_REJECT_UNAUTHORIZED=0 in somebody's environment changes nothing here. */
const verifiedTls = (ca: string | undefined) => ({ rejectUnauthorized: true, ...(ca === undefined ? {} : { ca }) });

const POOL = {
  connections: MAX_CONNECTIONS,
  // One request per connection at a time: a pipelined one would be sent again by itself after a reset.
  pipelining: 1,
  // The deadline of the whole call is the only clock.
  headersTimeout: 0,
  bodyTimeout: 0,
} as const;

function direct(ca: string | undefined): Dispatcher {
  return new Agent({
    ...POOL,
    connect: {
      timeout: CONNECT_TIMEOUT_MS,
      autoSelectFamily: true,
      autoSelectFamilyAttemptTimeout: NEXT_ADDRESS_MS,
      ...verifiedTls(ca),
    },
  });
}

function viaProxy(uri: string, ca: string | undefined): Dispatcher {
  return new ProxyAgent({
    ...POOL,
    uri,
    requestTls: { timeout: CONNECT_TIMEOUT_MS, ...verifiedTls(ca) },
    proxyTls: { timeout: CONNECT_TIMEOUT_MS, ...verifiedTls(ca) },
    // The connection to the proxy: its answer to CONNECT is part of connecting.
    clientFactory: (origin, options) => new Pool(origin, { ...options, headersTimeout: CONNECT_TIMEOUT_MS }),
    factory: (origin, options: Pool.Options) => new Pool(origin, { ...options, connect: failingForGood(options.connect) }),
  });
}

/**
 * undici takes a socket error while connecting for a passing one and connects again at once, without end: behind a
 * proxy that hangs up that is a storm of thousands of connections a second. Any other error fails the calls.
 */
function failingForGood(connect: Pool.Options['connect']): buildConnector.connector {
  return (options, callback) =>
    (connect as buildConnector.connector)(options, (...[error, socket]) => {
      if (error === null) callback(null, socket);
      else callback('code' in error && error.code === 'UND_ERR_SOCKET' ? new Error('the proxy hung up') : error, null);
    });
}
