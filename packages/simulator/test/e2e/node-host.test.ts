/**
 * The Node host over a real socket: header bytes on the wire, keep-alive, and connections that really
 * break. Raw sockets, because an HTTP client would hide what is tested.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ListeningSimulator, listenSimulator } from '../../src/node.ts';
import { APPID, SECRET, TOKEN } from '../bench.ts';

let server: ListeningSimulator;
beforeEach(async () => {
  server = await listenSimulator({ accounts: { [APPID]: { secret: SECRET } } });
});
afterEach(() => server.close());

const tokenPath = `${TOKEN}?grant_type=client_credential&appid=${APPID}&secret=${SECRET}`;
const issued = () => server.simulator.control.account(APPID).counters.issues[TOKEN]?.normal ?? 0;

/** Sends raw text, resolves with everything received once the server ends or breaks the connection. */
async function raw(text: string): Promise<string> {
  const socket = connect(server.port, '127.0.0.1');
  socket.on('error', () => {}); // a reset is an expected end here
  let received = '';
  socket.on('data', (part) => {
    received += part;
  });
  socket.write(text);
  await once(socket, 'close');
  return received;
}
const get = (path: string, more = 'Connection: close\r\n') => `GET ${path} HTTP/1.1\r\nHost: x\r\n${more}\r\n`;

async function until(condition: () => boolean, socket: Socket): Promise<void> {
  while (!condition()) await once(socket, 'data');
}

describe('on the wire', () => {
  it('sends exactly these headers in this order, unchunked', async () => {
    const text = await raw(get(tokenPath));
    expect(text).toMatch(
      /^HTTP\/1\.1 200 OK\r\nConnection: close\r\nDate: [^\r]+ GMT\r\nContent-Type: application\/json; encoding=utf-8\r\nContent-Length: 173\r\n\r\n\{"access_token":"[^"]+","expires_in":7200\}$/,
    );
  });

  it('keeps the connection for the next call', async () => {
    const socket = connect(server.port, '127.0.0.1');
    let text = '';
    socket.on('data', (part) => {
      text += part;
    });
    for (const times of [1, 2]) {
      socket.write(get(tokenPath, ''));
      await until(() => text.split('expires_in').length === times + 1, socket);
    }
    expect(text.match(/Connection: keep-alive\r\n/g)).toHaveLength(2);
    expect(text).not.toMatch(/Keep-Alive:|chunked/);
    socket.destroy();
  });

  it('takes JSON bodies, chunked ones and empty ones', async () => {
    const post = (init: RequestInit & { duplex?: string }) =>
      fetch(`${server.url}/cgi-bin/stable_token`, { method: 'POST', ...init }).then((answer) => answer.json());
    const body = JSON.stringify({ grant_type: 'client_credential', appid: APPID, secret: SECRET });
    expect(await post({ body })).toMatchObject({ expires_in: 7200 });
    expect(await post({ body: new Blob([body]).stream(), duplex: 'half' })).toMatchObject({ access_token: expect.any(String) });
    expect(await post({})).toMatchObject({ errcode: 44002 });
  });

  it('answers HEAD without a body and pictures as bytes', async () => {
    expect(await raw(`HEAD ${tokenPath} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`)).toMatch(/\r\n\r\n$/);
    const { access_token } = (await (await fetch(server.url + tokenPath)).json()) as { access_token: string };
    const init = { method: 'POST', body: '{"scene":"a"}' };
    const picture = await fetch(`${server.url}/wxa/getwxacodeunlimit?access_token=${access_token}`, init);
    expect([picture.headers.get('content-type'), (await picture.arrayBuffer()).byteLength]).toEqual(['image/jpeg', 4096]);
  });

  it('takes the caller address from the peer, or from x-sim-client-ip', async () => {
    server.simulator.control.editWhitelist(APPID, { whitelist: ['9.9.9.9'] });
    const refused = (await (await fetch(server.url + tokenPath)).json()) as { errmsg: string };
    expect(refused.errmsg).toMatch(/^invalid ip 127\.0\.0\.1 ipv6 ::ffff:127\.0\.0\.1, not in whitelist rid/);
    expect(await (await fetch(server.url + tokenPath, { headers: { 'x-sim-client-ip': '9.9.9.9' } })).json()).toHaveProperty(
      'access_token',
    );
  });

  it('is controlled over the same port', async () => {
    const put = await fetch(`${server.url}/_sim/accounts/wx1111111111111111`, { method: 'PUT', body: '{"secret":"s"}' });
    expect(await put.json()).toMatchObject({ id: 'wx1111111111111111' });
    const before = server.simulator.clock.now();
    await fetch(`${server.url}/_sim/clock`, { method: 'POST', body: '{"advance_ms":7200000}' });
    expect(server.simulator.clock.now()).toBeGreaterThanOrEqual(before + 7_200_000);
  });
});

describe('broken connections', () => {
  it('drop before and after: not one byte comes back; after, the token is rotated', async () => {
    server.simulator.control.setFaults({ fault: 'drop' });
    expect([await raw(get(tokenPath)), issued()]).toEqual(['', 0]);
    server.simulator.control.setFaults({ fault: 'drop', when: 'after' });
    expect([await raw(get(tokenPath)), issued()]).toEqual(['', 1]);
  });

  it.each([0, 1, 100])('cut after %i bytes of the body', async (bytes) => {
    server.simulator.control.setFaults({ fault: 'cut', bytes });
    const text = await raw(get(tokenPath));
    const [head, body] = text.split('\r\n\r\n') as [string, string];
    expect(head).toContain('Content-Length: 173');
    expect(body).toHaveLength(bytes);
  });

  it('a client sees a cut as an error, not as a short answer', async () => {
    server.simulator.control.setFaults({ fault: 'cut', bytes: 100 });
    await expect(fetch(server.url + tokenPath).then((answer) => answer.text())).rejects.toThrow('terminated');
  });

  it('hang: nothing comes until the client gives up; the server stays whole', async () => {
    server.simulator.control.setFaults({ fault: 'hang', when: 'after', count: 1 });
    const socket = connect(server.port, '127.0.0.1');
    let bytes = 0;
    socket.on('data', (part: Buffer) => {
      bytes += part.length;
    });
    socket.write(get(tokenPath));
    // A second call on its own connection is answered after the first was taken in: no timer needed.
    while (issued() === 0) await fetch(`${server.url}/_sim/clock`);
    expect(bytes).toBe(0);
    socket.destroy();
    expect(await raw(get(tokenPath))).toMatch(/expires_in/);
  });

  it('close ends hanging connections too, and frees the port', async () => {
    server.simulator.control.setFaults({ fault: 'hang' });
    const hanging = raw(get(tokenPath));
    while ((server.simulator.control.faults()[0] as { hits: number }).hits === 0) await fetch(`${server.url}/_sim/clock`);
    await server.close();
    expect(await hanging).toBe('');
    server = await listenSimulator({ port: server.port });
  });

  it('latency really takes its time', async () => {
    server.simulator.control.setFaults({ fault: 'latency', ms: 30, path: TOKEN });
    const begun = performance.now();
    await fetch(server.url + tokenPath);
    expect(performance.now() - begun).toBeGreaterThanOrEqual(29);
  });

  it('a port in use rejects', async () => {
    await expect(listenSimulator({ port: server.port })).rejects.toThrow(/EADDRINUSE/);
  });
});
