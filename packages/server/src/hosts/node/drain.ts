/**
 * The end of a server: no new connections; those that wait for nothing are closed at once, those under way when they
 * are done, and whatever is left when the time is over.
 */

import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { hadRequest } from './connection.ts';

/** A connection becomes idle between two looks. */
const LOOK_MS = 25;

/** Watches the server's connections from now on; call the result once, to drain within `ms`. */
export function drainer(server: Server): (ms: number) => Promise<void> {
  /** All of them, also in the middle of a TLS handshake. */
  const raw = new Set<Socket>();
  /** Those that speak HTTP. Node counts one that has not asked yet as busy. */
  const speaking = new Set<Socket>();
  const track = (sockets: Set<Socket>) => (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  };
  server.on('connection', track(raw));
  server.on('secureConnection', track(speaking));

  return async (ms) => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    const look = () => {
      server.closeIdleConnections();
      for (const socket of speaking.size > 0 ? speaking : raw) if (!hadRequest(socket)) socket.destroy();
    };
    look();
    const looking = setInterval(look, LOOK_MS);
    const cut = setTimeout(() => raw.forEach((socket) => void socket.destroy()), ms);
    await closed;
    clearInterval(looking);
    clearTimeout(cut);
  };
}
