/**
 * What is known of one connection, kept on its socket: asked for with every request, worked out once.
 */

import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { type ClientIp, peerIp } from './client-ip.ts';

export interface Connection {
  /** The peer's own address, normalised; null when the socket is gone already. */
  readonly peer: string | null;
  /** The peer may speak for others. */
  readonly trusted: boolean;
  /** The last `Host` that was found plain, so that the hot path need not look at it again. */
  plainHost: string;
}

const CONNECTION = Symbol('connection');

type Known = Socket & { [CONNECTION]?: Connection };

export function connectionOf(socket: Socket, clientIp: ClientIp): Connection {
  const known = socket as Known;
  known[CONNECTION] ??= open(socket, clientIp);
  return known[CONNECTION];
}

/** Whether a request ever came over it. */
export const hadRequest = (socket: Socket): boolean => (socket as Known)[CONNECTION] !== undefined;

function open(socket: Socket, clientIp: ClientIp): Connection {
  const peer = peerIp(socket.remoteAddress);
  return { peer, trusted: clientIp.isTrusted(peer), plainHost: '' };
}

/** The client's IP of a request, or null when it cannot be known. */
export function ipOf(request: IncomingMessage, clientIp: ClientIp): string | null {
  const { peer, trusted } = connectionOf(request.socket, clientIp);
  return trusted ? clientIp.behindProxy(request.headers['x-forwarded-for'] as string | undefined) : peer;
}
