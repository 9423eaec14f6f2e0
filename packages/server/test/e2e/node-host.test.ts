// The Node host on the wire: what is refused before the app, who is calling, TLS, and how it ends.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { listen, type Served } from '../../src/hosts/node/listen.ts';
import { get, RawConnection } from './raw-http.ts';
import { selfSigned } from './self-signed.ts';

type Fetch = Served['app']['fetch'];

const ended: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ended.splice(0).reverse()) await end();
});

const LOOPBACK = { listen: { host: '127.0.0.1', port: 0 }, tls: null, trustedProxies: [] as string[] };

async function serve(fetch: Fetch, config: Partial<Parameters<typeof listen>[1]> = {}, limits: Parameters<typeof listen>[2] = {}) {
  const calls: string[] = [];
  const engine: Served = {
    app: { fetch },
    fast: null,
    health: { draining: () => void calls.push('draining') },
    stop: async () => void calls.push('stopped'),
  };
  const server = await listen(engine, { ...LOOPBACK, ...config }, limits);
  ended.push(() => server.close());
  const open = (options: { ca?: string } = {}) => {
    const connection = new RawConnection(server.port, options);
    ended.push(() => connection.close());
    return connection;
  };
  return { server, calls, open };
}

const echo: Fetch = async (request, context) => Response.json({ url: request.url, ...context, body: await request.text() });
const json = (body: string) => JSON.parse(body) as Record<string, unknown>;

describe('what never becomes a request', () => {
  it.each([
    ['no HTTP at all', '\x16\x03\x01\x02\x00garbage\r\n\r\n', 400],
    ['a broken request line', 'GET\r\n\r\n', 400],
    ['a broken header', 'GET / HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n', 400],
    ['two lengths', 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab', 400],
    ['length and chunked together', 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', 400],
    ['a null byte in a header', 'GET / HTTP/1.1\r\nHost: x\r\nA: \0\r\n\r\n', 400],
    ['headers of 20 KiB', `GET / HTTP/1.1\r\nHost: x\r\nA: ${'a'.repeat(20_480)}\r\n\r\n`, 431],
    ['a request line of 20 KiB', `GET /${'a'.repeat(20_480)} HTTP/1.1\r\nHost: x\r\n\r\n`, 431],
    ['a host that is none', 'GET /v1/keys HTTP/1.1\r\nHost: a b/c\r\n\r\n', 400],
    ['no host', 'GET /v1/keys HTTP/1.1\r\n\r\n', 400],
    ['no host in HTTP/1.0', 'GET /v1/keys HTTP/1.0\r\n\r\n', 400],
  ])('%s is answered with a problem', async (_what, text, status) => {
    let reached = false;
    const { open } = await serve(async () => {
      reached = true;
      return new Response();
    });
    const answer = await open().ask(text);
    expect(answer.status).toBe(status);
    expect(answer.headers).toContainEqual(['content-type', 'application/problem+json']);
    expect(json(answer.body)).toMatchObject({
      status,
      code: 'invalid_request',
      advice: { en: expect.any(String), zh: expect.any(String) },
    });
    expect(reached).toBe(false);
  });

  it.each([
    ['a host that is none', 'GET /cgi-bin/token HTTP/1.1\r\nHost: a b/c\r\n\r\n'],
    ['no host', 'GET /cgi-bin/token HTTP/1.1\r\n\r\n'],
  ])('%s, where paths are WeChat’s, is answered in its shape', async (_what, text) => {
    const { open } = await serve(echo);
    const answer = await open().ask(text);
    expect(answer.status).toBe(200);
    expect(answer.headers).toContainEqual(['content-type', 'application/json; encoding=utf-8']);
    expect(json(answer.body)).toEqual({ errcode: 40066, errmsg: expect.stringMatching(/^invalid url rid: [0-9a-f]{8}(-[0-9a-f]{8}){2}$/) });
  });

  it('an expectation that nobody knows changes no answer', async () => {
    const { open } = await serve(echo);
    const answer = await open().ask('POST /v1/keys HTTP/1.1\r\nHost: x\r\nExpect: the-impossible\r\nContent-Length: 2\r\n\r\nab');
    expect(answer.status).toBe(200);
    expect(json(answer.body)).toMatchObject({ target: '/v1/keys', body: 'ab' });
  });

  it('a client that drips its headers is cut off with 408', async () => {
    const { open } = await serve(echo, {}, { headersTimeout: 100, requestTimeout: 100, connectionsCheckingInterval: 20 });
    const connection = open().send('GET / HTTP/1.1\r\nHost: x\r\n');
    const answer = await connection.answer();
    expect(answer.status).toBe(408);
    expect(json(answer.body)).toMatchObject({ code: 'invalid_request' });
    await connection.closed();
  });

  it('a body that never ends in time cuts the connection', async () => {
    const { open } = await serve(echo, {}, { headersTimeout: 100, requestTimeout: 100, connectionsCheckingInterval: 20 });
    const connection = open().send('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nab');
    expect((await connection.answer()).status).toBe(408);
    await connection.closed();
  });
});

describe('what the app is told', () => {
  it('the target as it came, and nothing that a URL parser made of it', async () => {
    const { open } = await serve(echo);
    const connection = open();
    for (const target of ['/v1/../admin', '//evil/v1', '/v1/accounts/a%2fb/token', '/a\\b', 'http://elsewhere/v1', '/v1/%2e%2e/x']) {
      expect(json((await connection.ask(get(target))).body)).toMatchObject({ target, url: 'http://127.0.0.1/' });
    }
    expect(json((await connection.ask(get('/v1/accounts/a:b/token?x=1'))).body)).toMatchObject({
      target: '/v1/accounts/a:b/token?x=1',
      url: 'http://127.0.0.1/v1/accounts/a:b/token?x=1',
    });
  });

  it('the peer itself when it is no trusted proxy', async () => {
    const { open } = await serve(echo);
    expect(json((await open().ask(get('/', { 'X-Forwarded-For': '203.0.113.9' }))).body)).toMatchObject({ ip: '127.0.0.1' });
  });

  it('the client behind a trusted proxy, or nobody', async () => {
    const { open } = await serve(echo, { trustedProxies: ['127.0.0.0/8'] });
    const connection = open();
    const ipWith = async (headers: Record<string, string>) => json((await connection.ask(get('/', headers))).body).ip;
    expect(await ipWith({ 'X-Forwarded-For': '198.51.100.1, 203.0.113.9' })).toBe('203.0.113.9');
    expect(await ipWith({ 'X-Forwarded-For': 'nonsense' })).toBeNull();
    expect(await ipWith({})).toBeNull();
    const twice = await connection.ask(
      'GET / HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 198.51.100.1\r\nX-Forwarded-For: 203.0.113.9\r\n\r\n',
    );
    expect(json(twice.body).ip).toBe('203.0.113.9');
  });

  it('a dual-stack peer in its IPv4 spelling', async () => {
    const { server } = await serve(echo, { listen: { host: '::', port: 0 }, trustedProxies: [] });
    expect(server.url).toMatch(/^http:\/\/\[::\]:\d+$/);
    const connection = new RawConnection(server.port);
    expect(json((await connection.ask(get('/'))).body).ip).toBe('127.0.0.1');
    connection.close();
  });
});

describe('its end', () => {
  /** An app whose answers wait until the test lets them go. */
  function held() {
    const waiting: (() => void)[] = [];
    let arrived: () => void = () => undefined;
    const fetch: Fetch = () =>
      new Promise((resolve) => {
        waiting.push(() => resolve(new Response('done')));
        arrived();
      });
    return {
      fetch,
      letGo: () => {
        for (const go of waiting.splice(0)) go();
      },
      request: () =>
        new Promise<void>((resolve) => {
          arrived = resolve;
        }),
    };
  }

  it('waits for what is under way, refuses what is new, then stops the engine', async () => {
    const app = held();
    const { server, calls, open } = await serve(app.fetch);
    const [busy, idle] = [open(), open()];
    const first = app.request();
    busy.send(get('/'));
    await first;
    const closing = server.close();
    expect(calls).toEqual(['draining']);
    expect(server.close()).toBe(closing);
    await idle.closed();
    await open().closed();
    app.letGo();
    expect(await busy.answer()).toMatchObject({ status: 200, body: 'done' });
    await busy.closed();
    await closing;
    expect(calls).toEqual(['draining', 'stopped']);
  });

  it('answers on open connections while it drains, and ends them', async () => {
    const app = held();
    const { server, open } = await serve(app.fetch);
    const connection = open();
    const first = app.request();
    connection.send(get('/a'));
    await first;
    const closing = server.close();
    const second = app.request();
    // Sent before the first is answered, so the connection is not idle in between.
    connection.send(get('/b'));
    app.letGo();
    expect((await connection.answer()).status).toBe(200);
    await second;
    app.letGo();
    const last = await connection.answer();
    expect(last.headers).toContainEqual(['connection', 'close']);
    await connection.closed();
    await closing;
  });

  it('cuts what does not come to an end', async () => {
    const app = held();
    const { server, calls, open } = await serve(app.fetch, {}, { drainMs: 50 });
    const connection = open();
    const first = app.request();
    connection.send(get('/'));
    await first;
    await server.close();
    await connection.closed();
    expect(calls).toEqual(['draining', 'stopped']);
  });
});

describe('the address', () => {
  it('in use is said with its name', async () => {
    const { server } = await serve(echo);
    await expect(serve(echo, { listen: { host: '127.0.0.1', port: server.port } })).rejects.toMatchObject({
      code: 'config_invalid',
      message: `listen: 127.0.0.1:${server.port} is in use by another process; stop it or choose another port`,
    });
  });

  it('that is none of ours is said with its name', async () => {
    await expect(serve(echo, { listen: { host: '192.0.2.1', port: 0 } })).rejects.toMatchObject({
      code: 'config_invalid',
      message: expect.stringContaining('listen: 192.0.2.1:0 is not an address of this machine'),
    });
  });
});

describe('TLS of its own', () => {
  const folder = mkdtempSync(join(tmpdir(), 'zhongkong-tls-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const file = (name: string) => join(folder, name);
  const certificate = (name: string) => {
    const { cert, key } = selfSigned();
    writeFileSync(file(`${name}.crt`), cert);
    writeFileSync(file(`${name}.key`), key);
    return { certFile: file(`${name}.crt`), keyFile: file(`${name}.key`) };
  };

  it('serves, tells the app https, and takes a new certificate without a restart', async () => {
    const tls = certificate('one');
    const { server, open } = await serve(echo, { tls });
    expect(server.url).toMatch(/^https:/);
    const before = readFileSync(tls.certFile, 'utf8');
    expect(json((await open({ ca: before }).ask(get('/'))).body)).toMatchObject({ url: 'https://127.0.0.1/', ip: '127.0.0.1' });
    const renewed = certificate('two');
    writeFileSync(tls.certFile, readFileSync(renewed.certFile));
    expect(() => server.reloadTls()).toThrow('are not a PEM certificate and its key');
    expect(json((await open({ ca: before }).ask(get('/'))).body)).toMatchObject({ url: 'https://127.0.0.1/' });
    writeFileSync(tls.keyFile, readFileSync(renewed.keyFile));
    server.reloadTls();
    await expect(open({ ca: before }).ask(get('/'))).rejects.toThrow('the connection ended');
    expect((await open({ ca: readFileSync(renewed.certFile, 'utf8') }).ask(get('/'))).status).toBe(200);
  });

  it('stops the start with the option that is wrong', async () => {
    const tls = certificate('three');
    await expect(serve(echo, { tls: { ...tls, certFile: file('missing') } })).rejects.toMatchObject({
      code: 'config_invalid',
      message: `tls.certFile: ${file('missing')} cannot be read (ENOENT)`,
    });
    await expect(serve(echo, { tls: { ...tls, keyFile: tls.certFile } })).rejects.toMatchObject({ code: 'config_invalid' });
  });
});
