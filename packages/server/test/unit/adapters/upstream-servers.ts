/** Small servers on loopback that behave as a test wants, each closed with its connections after the test. */

import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import { afterEach } from 'vitest';

const closers: (() => Promise<void>)[] = [];

afterEach(async () => {
  await Promise.all(closers.splice(0).map((close) => close()));
});

/** Have something closed after the test. */
export function closeLater(close: () => Promise<void>): void {
  closers.push(close);
}

async function listening(server: net.Server): Promise<number> {
  const sockets = new Set<net.Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket.on('error', () => undefined).on('close', () => sockets.delete(socket)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closeLater(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  return (server.address() as net.AddressInfo).port;
}

/** A plain TCP server; gives its port. */
export const tcpServer = (onConnection: (socket: net.Socket) => void): Promise<number> => listening(net.createServer(onConnection));

export const httpServer = (handler: http.RequestListener): Promise<number> => listening(http.createServer(handler));

export const httpsServer = (tls: { key: string; cert: string }, handler: http.RequestListener): Promise<number> =>
  listening(https.createServer(tls, handler));

/** A port on which nobody listens: one that was just given back. */
export async function closedPort(): Promise<number> {
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as net.AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** A forward proxy for CONNECT; `answer` decides about each target, 200 opens the tunnel. */
export async function connectProxy(answer: (target: string, headers: http.IncomingHttpHeaders) => number): Promise<number> {
  const server = http.createServer((_, response) => response.writeHead(500).end());
  server.on('connect', (request, socket) => {
    const status = answer(request.url ?? '', request.headers);
    socket.on('error', () => undefined);
    if (status !== 200) return void socket.end(`HTTP/1.1 ${status} no\r\n\r\n`);
    const [host, port] = (request.url ?? '').split(':');
    const onward = net.connect(Number(port), host);
    onward.on('error', () => socket.destroy()).on('connect', () => socket.write('HTTP/1.1 200 ok\r\n\r\n'));
    socket.on('close', () => onward.destroy());
    onward.pipe(socket).pipe(onward);
  });
  return listening(server);
}
