/** A TCP proxy between a client and a server, which does to the bytes what a bad network, or a bad moment, would. */

import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export interface TcpProxy {
  readonly port: number;
  /** What happens to the bytes that a client sends: handed on, or the connection cut before or after they are. */
  judge: (sent: Buffer) => 'pass' | 'cut' | 'cut after';
  /** Every connection breaks, and no new one is made. */
  down(): Promise<void>;
  /** Connections are made again, on the same port. */
  up(): Promise<void>;
}

export async function startProxy(target: { readonly host: string; readonly port: number }): Promise<TcpProxy> {
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(target.port, target.host);
    const cut = (): void => {
      client.destroy();
      upstream.destroy();
    };
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', cut);
      socket.on('close', () => {
        sockets.delete(socket);
        cut();
      });
    }
    upstream.pipe(client);
    client.on('data', (sent) => {
      const verdict = proxy.judge(sent);
      if (verdict === 'pass') upstream.write(sent);
      else if (verdict === 'cut') cut();
      // The server must have it before the connection ends; its answer finds nobody.
      else {
        upstream.unpipe(client);
        client.destroy();
        upstream.end(sent);
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const proxy: TcpProxy = {
    port,
    judge: () => 'pass',
    async down() {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
    async up() {
      server.listen(port, '127.0.0.1');
      await once(server, 'listening');
    },
  };
  return proxy;
}
