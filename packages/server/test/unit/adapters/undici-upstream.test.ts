// The upstream adapter against real servers: what it sends, and how each way of failing is told apart.
import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { createUndiciUpstream, type UndiciUpstreamOptions } from '../../../src/adapters/undici-upstream.ts';
import { UpstreamError, type UpstreamRequest } from '../../../src/core/upstream.ts';
import { selfSigned } from './certificate.ts';
import { closedPort, closeLater, connectProxy, httpServer, httpsServer, tcpServer } from './upstream-servers.ts';

const SECRET = 'c0ffee00c0ffee00c0ffee00c0ffee00';
const TOKEN = { upstream: 'wechat', method: 'GET', path: '/cgi-bin/token', query: { appid: 'wx1', secret: SECRET } } as const;
const STABLE = { upstream: 'wechat', method: 'POST', path: '/cgi-bin/stable_token', json: { secret: SECRET } } as const;
/** Long enough for whatever should happen before it. */
const AMPLE_MS = 4000;

function upstreamTo(base: string, options: Omit<UndiciUpstreamOptions, 'bases'> = {}) {
  const upstream = createUndiciUpstream({ bases: { wechat: base }, ...options });
  closeLater(() => upstream.close());
  return upstream;
}

/** One turn of the event loop: a finished call has given its connection back. */
const turn = (): Promise<void> => new Promise((done) => setImmediate(done));

/** A promise and what fulfils it. */
function moment(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve = (): void => undefined;
  const promise = new Promise<void>((fulfil) => {
    resolve = fulfil;
  });
  return { promise, resolve };
}

/** How a call fails; also checks that nothing of its request can be found in the error. */
async function failure(call: Promise<unknown>): Promise<{ delivery: string; reason: string }> {
  const error = await call.then(
    () => expect.unreachable('the call went well'),
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(UpstreamError);
  const everything = inspect(error, { depth: Number.POSITIVE_INFINITY, showHidden: true });
  expect(everything).not.toContain(SECRET);
  expect(everything).not.toContain('appid');
  const { delivery, reason } = error as UpstreamError;
  return { delivery, reason };
}

const send = (base: string, request: UpstreamRequest = TOKEN, deadlineMs = AMPLE_MS, options: Omit<UndiciUpstreamOptions, 'bases'> = {}) =>
  upstreamTo(base, options).send(request, deadlineMs);

describe('what goes out and comes back', () => {
  test('GET with its query, and the whole answer', async () => {
    let seen = '';
    const port = await httpServer((request, response) => {
      seen = `${request.method} ${request.url}`;
      response.setHeader('date', 'Tue, 08 Aug 2023 08:56:10 GMT');
      response.end('{"access_token":"令牌"}');
    });
    const reply = await send(`http://127.0.0.1:${port}`);
    expect(seen).toBe(`GET /cgi-bin/token?appid=wx1&secret=${SECRET}`);
    expect(reply).toEqual({ status: 200, text: '{"access_token":"令牌"}', dateMs: Date.UTC(2023, 7, 8, 8, 56, 10) });
  });

  test('POST as JSON with a length', async () => {
    let seen = '';
    const port = await httpServer((request, response) => {
      seen = `${request.method} ${request.url} ${request.headers['content-type']} ${request.headers['content-length']} `;
      request.on('data', (chunk) => (seen += chunk)).on('end', () => response.end('{}'));
    });
    const reply = await send(`http://127.0.0.1:${port}`, STABLE);
    const body = JSON.stringify({ secret: SECRET });
    expect(seen).toBe(`POST /cgi-bin/stable_token application/json ${body.length} ${body}`);
    expect(reply.dateMs).toBeTypeOf('number');
  });

  test('a status other than 200 is an answer, and a redirect is not followed', async () => {
    let calls = 0;
    const port = await httpServer((_, response) => {
      calls += 1;
      response.writeHead(302, { location: `http://127.0.0.1:${port}/elsewhere`, date: 'nonsense' }).end('moved');
    });
    expect(await send(`http://127.0.0.1:${port}`)).toEqual({ status: 302, text: 'moved', dateMs: null });
    expect(calls).toBe(1);
  });

  test('connections are kept from call to call', async () => {
    const ports = new Set<number | undefined>();
    const port = await httpServer((request, response) => {
      ports.add(request.socket.remotePort);
      response.end('{}');
    });
    const upstream = upstreamTo(`http://127.0.0.1:${port}`);
    for (let i = 0; i < 5; i += 1) {
      await upstream.send(i % 2 ? TOKEN : STABLE, AMPLE_MS);
      await turn();
    }
    expect(ports.size).toBe(1);
  });

  test('a name that no option gives a base for', async () => {
    expect(await failure(send('http://127.0.0.1:1', { ...TOKEN, upstream: 'toString' }))).toEqual({
      delivery: 'never_left',
      reason: 'unconfigured',
    });
  });
});

describe('never left', () => {
  test('nobody listens', async () => {
    expect(await failure(send(`http://127.0.0.1:${await closedPort()}`))).toEqual({ delivery: 'never_left', reason: 'connect' });
  });

  test('no such host', async () => {
    expect(await failure(send('http://wechat.invalid'))).toEqual({ delivery: 'never_left', reason: 'dns' });
  });

  test('a certificate that nobody vouches for, whatever the environment says', async () => {
    let requests = 0;
    const port = await httpsServer(selfSigned(), (_, response) => {
      requests += 1;
      response.end('{}');
    });
    process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
    try {
      expect(await failure(send(`https://127.0.0.1:${port}`))).toEqual({ delivery: 'never_left', reason: 'tls' });
    } finally {
      delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
    }
    expect(requests).toBe(0);
  });

  test('a certificate for another name', async () => {
    const tls = selfSigned();
    const port = await httpsServer(tls, (_, response) => response.end('{}'));
    const named = send(`https://localhost:${port}`, TOKEN, AMPLE_MS, { ca: tls.cert });
    expect(await failure(named)).toEqual({ delivery: 'never_left', reason: 'tls' });
    expect((await send(`https://127.0.0.1:${port}`, TOKEN, AMPLE_MS, { ca: tls.cert })).status).toBe(200);
  });

  test('a host that speaks no TLS, and one that hangs up in the handshake', async () => {
    const plain = await httpServer((_, response) => response.end('{}'));
    expect(await failure(send(`https://127.0.0.1:${plain}`))).toEqual({ delivery: 'never_left', reason: 'tls' });
    const rude = await tcpServer((socket) => socket.once('data', () => socket.destroy()));
    expect(await failure(send(`https://127.0.0.1:${rude}`))).toEqual({ delivery: 'never_left', reason: 'tls' });
  });

  test('the deadline ends in the handshake, and the request is not sent afterwards', async () => {
    let received = 0;
    const port = await tcpServer((socket) => {
      socket.on('data', (chunk) => (received += chunk.length));
    });
    expect(await failure(send(`https://127.0.0.1:${port}`, TOKEN, 50))).toEqual({ delivery: 'never_left', reason: 'timeout' });
    expect(received).toBeGreaterThan(0);
  });

  test('a call that waited for a free connection until its deadline is never written', async () => {
    const urls: string[] = [];
    const answers: (() => void)[] = [];
    const { promise: full, resolve } = moment();
    const port = await httpServer((request, response) => {
      urls.push(request.url ?? '');
      answers.push(() => response.end('{}'));
      if (urls.length === 128) resolve();
    });
    const upstream = upstreamTo(`http://127.0.0.1:${port}`);
    const busy = Array.from({ length: 128 }, () => upstream.send(STABLE, AMPLE_MS));
    await full;
    expect(await failure(upstream.send(TOKEN, 20))).toEqual({ delivery: 'never_left', reason: 'timeout' });
    for (const answer of answers) answer();
    await Promise.all(busy);
    // One more call takes a connection that the abandoned one was waiting for.
    const after = upstream.send(STABLE, AMPLE_MS);
    while (answers.length < 129) await turn();
    answers[128]?.();
    await after;
    expect(urls.filter((url) => url.startsWith('/cgi-bin/token'))).toEqual([]);
  });
});

describe('unknown', () => {
  test.each([
    ['the connection is cut before the answer', ''],
    ['the answer is cut in its head', 'HTTP/1.1 200 OK\r\nContent-Le'],
    ['the answer is cut in its body', 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"access_token":"'],
    ['a chunked answer is cut', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"acc\r\n'],
  ])('%s', async (_, bytes) => {
    const port = await tcpServer((socket) => socket.once('data', () => socket.end(bytes)));
    expect(await failure(send(`http://127.0.0.1:${port}`))).toEqual({ delivery: 'unknown', reason: 'reset' });
  });

  test('the connection is reset', async () => {
    const port = await tcpServer((socket) => socket.once('data', () => socket.resetAndDestroy()));
    expect(await failure(send(`http://127.0.0.1:${port}`, STABLE))).toEqual({ delivery: 'unknown', reason: 'reset' });
  });

  test('an answer that is no HTTP, and repeats the request', async () => {
    const port = await tcpServer((socket) => socket.once('data', (request) => socket.end(`SSH-2.0 ${request}`)));
    expect(await failure(send(`http://127.0.0.1:${port}`))).toEqual({ delivery: 'unknown', reason: 'malformed' });
  });

  test('no answer, or one that drips beyond the deadline', async () => {
    const silent = await httpServer(() => undefined);
    expect(await failure(send(`http://127.0.0.1:${silent}`, TOKEN, 60))).toEqual({ delivery: 'unknown', reason: 'timeout' });
    let closed = false;
    const dripping = await httpServer((_, response) => {
      const timer = setInterval(() => response.write(' '), 5);
      response.on('close', () => {
        closed = true;
        clearInterval(timer);
      });
    });
    const startedAt = performance.now();
    expect(await failure(send(`http://127.0.0.1:${dripping}`, TOKEN, 100))).toEqual({ delivery: 'unknown', reason: 'timeout' });
    expect(performance.now() - startedAt).toBeLessThan(AMPLE_MS / 2);
    // The connection is given up too: the server sees it close.
    while (!closed) await turn();
  });

  test('an answer of more than 64 KiB', async () => {
    const port = await httpServer((_, response) => response.end('x'.repeat(64 * 1024 + 1)));
    expect(await failure(send(`http://127.0.0.1:${port}`))).toEqual({ delivery: 'unknown', reason: 'malformed' });
    const fits = await httpServer((_, response) => response.end('x'.repeat(64 * 1024)));
    expect((await send(`http://127.0.0.1:${fits}`)).text).toHaveLength(64 * 1024);
  });

  test('a kept connection that the server drops as the next call arrives: unknown, and not sent again', async () => {
    let connections = 0;
    let requests = 0;
    const port = await tcpServer((socket) => {
      connections += 1;
      socket.on('data', () => {
        requests += 1;
        if (requests === 1) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}');
        else socket.resetAndDestroy();
      });
    });
    const upstream = upstreamTo(`http://127.0.0.1:${port}`);
    await upstream.send(TOKEN, AMPLE_MS);
    await turn();
    expect(await failure(upstream.send(TOKEN, AMPLE_MS))).toEqual({ delivery: 'unknown', reason: 'reset' });
    expect({ connections, requests }).toEqual({ connections: 1, requests: 2 });
  });

  test('a kept connection that the server has closed meanwhile: a new one is opened, one request each', async () => {
    let connections = 0;
    let requests = 0;
    const { promise: closed, resolve } = moment();
    const port = await tcpServer((socket) => {
      connections += 1;
      socket.on('data', () => {
        requests += 1;
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}');
        // Only when the client has read its answer: an idle connection that times out on the server.
        if (requests === 1) setImmediate(() => socket.end(resolve));
      });
    });
    const upstream = upstreamTo(`http://127.0.0.1:${port}`);
    await upstream.send(TOKEN, AMPLE_MS);
    await closed;
    expect((await upstream.send(TOKEN, AMPLE_MS)).text).toBe('{}');
    expect({ connections, requests }).toEqual({ connections: 2, requests: 2 });
  });

  test('closed while a call is in the air', async () => {
    const { promise: arrived, resolve } = moment();
    const port = await httpServer(() => resolve());
    const upstream = upstreamTo(`http://127.0.0.1:${port}`);
    const call = failure(upstream.send(TOKEN, AMPLE_MS));
    await arrived;
    await upstream.close();
    expect(await call).toEqual({ delivery: 'unknown', reason: 'reset' });
  });
});

describe('through an egress proxy', () => {
  test('https goes in a tunnel, with the proxy’s user and password and verified to the far end', async () => {
    const tls = selfSigned();
    const port = await httpsServer(tls, (request, response) => response.end(`{"seen":"${request.headers['proxy-authorization'] ?? ''}"}`));
    const targets: string[] = [];
    const proxy = await connectProxy((target, headers) => {
      targets.push(`${target} ${headers['proxy-authorization']}`);
      return 200;
    });
    const egressProxy = `http://user:pass@127.0.0.1:${proxy}`;
    const reply = await send(`https://127.0.0.1:${port}`, TOKEN, AMPLE_MS, { egressProxy, ca: tls.cert });
    expect(reply.text).toBe('{"seen":""}');
    expect(targets).toEqual([`127.0.0.1:${port} Basic ${btoa('user:pass')}`]);
    expect(await failure(send(`https://127.0.0.1:${port}`, TOKEN, AMPLE_MS, { egressProxy }))).toEqual({
      delivery: 'never_left',
      reason: 'tls',
    });
  });

  test('http goes in a tunnel too, and is cut like any other call', async () => {
    const port = await tcpServer((socket) => socket.once('data', () => socket.destroy()));
    const proxy = await connectProxy(() => 200);
    const call = send(`http://127.0.0.1:${port}`, TOKEN, AMPLE_MS, { egressProxy: `http://127.0.0.1:${proxy}` });
    expect(await failure(call)).toEqual({ delivery: 'unknown', reason: 'reset' });
  });

  test('a proxy that refuses, is not there, or hangs up: never left, and no storm of attempts', async () => {
    let asked = 0;
    const refusing = await connectProxy(() => {
      asked += 1;
      return 407;
    });
    let hungUp = 0;
    const rude = await tcpServer((socket) => {
      hungUp += 1;
      socket.once('data', () => socket.destroy());
    });
    for (const port of [refusing, rude, await closedPort()]) {
      const call = send('https://api.weixin.qq.com', TOKEN, 300, { egressProxy: `http://127.0.0.1:${port}` });
      expect(await failure(call)).toEqual({ delivery: 'never_left', reason: 'connect' });
    }
    expect({ asked, hungUp }).toEqual({ asked: 1, hungUp: 1 });
  });
});
