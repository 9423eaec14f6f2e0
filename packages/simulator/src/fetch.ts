/** The web's Request and Response around the simulator, broken connections included. */
import { plainIp } from './ip.ts';
import type { Call, Outcome, Reply } from './wire.ts';

export async function fetchCall(handle: (call: Call) => Outcome | Promise<Outcome>, request: Request, ip: string): Promise<Response> {
  const url = new URL(request.url);
  const outcome = await handle({
    method: request.method,
    path: url.pathname,
    query: url.search.slice(1),
    header: (name) => request.headers.get(name) ?? undefined,
    body: request.body ? new Uint8Array(await request.arrayBuffer()) : null,
    clientIp: plainIp(ip),
    secure: url.protocol === 'https:',
  });
  request.signal.throwIfAborted();
  if (outcome.kind === 'drop') throw reset();
  if (outcome.kind === 'hang') return untilAborted(request.signal);
  const headers = outcome.headers.map(([name, value]): [string, string] => [name, value]);
  return new Response(bodyOf(outcome), { status: outcome.status, headers });
}

/** What undici throws when the other side goes away. */
const reset = (): TypeError =>
  new TypeError('fetch failed', { cause: Object.assign(new Error('other side closed'), { code: 'ECONNRESET' }) });

const untilAborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_resolve, fail) => signal.addEventListener('abort', () => fail(signal.reason as Error), { once: true }));

function bodyOf({ body, status, cutAt }: Reply): ConstructorParameters<typeof Response>[0] {
  if (status === 204 || status === 205 || status === 304) return null; // Response refuses a body here
  const bytes = new Uint8Array(body); // a copy: its buffer is an ArrayBuffer, as Response wants
  if (cutAt === undefined || cutAt >= bytes.length) return bytes;
  return new ReadableStream({
    start(stream) {
      if (cutAt > 0) stream.enqueue(bytes.subarray(0, cutAt));
      stream.error(reset());
    },
  });
}
