/**
 * A node's way to the store: a TCP proxy that breaks connections, refuses new ones, or lets the bytes stand still.
 *
 * Nothing is lost or reordered within a connection: that is what TCP promises, and all that it promises.
 */

import { once } from 'node:events';
import { connect, createServer } from 'node:net';

export class Link {
  #open = true;
  #still = false;
  #sockets = new Set();
  #server;

  static async start(targetPort) {
    const link = new Link();
    link.#server = createServer((client) => link.#join(client, targetPort)).listen(0, '127.0.0.1');
    await once(link.#server, 'listening');
    return link;
  }

  get port() {
    return this.#server.address().port;
  }

  /** Every connection that stands breaks. */
  break() {
    for (const socket of this.#sockets) socket.destroy();
  }

  /** And new ones break as soon as they are made. */
  close() {
    this.#open = false;
    this.break();
  }

  /** Nothing comes through, and nobody is told. */
  stall() {
    this.#still = true;
    for (const socket of this.#sockets) socket.pause();
  }

  /** As it should be. */
  heal() {
    this.#open = true;
    this.#still = false;
    for (const socket of this.#sockets) socket.resume();
  }

  async end() {
    this.break();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #join(client, targetPort) {
    if (!this.#open) {
      client.destroy();
      return;
    }
    const service = connect(targetPort, '127.0.0.1');
    for (const [socket, other] of [
      [client, service],
      [service, client],
    ]) {
      this.#sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', () => undefined);
      socket.on('data', (data) => other.write(data));
      socket.on('close', () => {
        this.#sockets.delete(socket);
        other.destroy();
      });
      if (this.#still) socket.pause();
    }
  }
}
