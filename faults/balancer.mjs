/**
 * What stands before the nodes: a load balancer as people run them. It asks each node's /readyz four times a second,
 * sends a read to a ready one in turn, and to the next one when no answer comes. An answer is never asked for again.
 */

import { Pool } from 'undici';

const CHECK_MS = 250;
const CHECK_TIMEOUT_MS = 500;
/** Common SDKs give up after this long. */
const ANSWER_TIMEOUT_MS = 3000;

export class Balancer {
  #backends;
  #turn = 0;
  #checks;

  /** `nodes` have a name and a url. */
  constructor(nodes) {
    this.#backends = nodes.map(({ name, url }) => ({ name, ready: true, pool: new Pool(url, { connections: 64, connectTimeout: 1000 }) }));
    this.#checks = setInterval(() => void Promise.all(this.#backends.map(check)), CHECK_MS);
  }

  /** `{ node, status, text }` of the first node that answers, ready ones first; null when none did. */
  async ask(path, { method = 'GET', headers = {}, body } = {}) {
    this.#turn += 1;
    const turned = this.#backends.map((_, index) => this.#backends[(index + this.#turn) % this.#backends.length]);
    for (const backend of [...turned.filter(({ ready }) => ready), ...turned.filter(({ ready }) => !ready)]) {
      const answer = await send(backend, path, { method, headers, body }, ANSWER_TIMEOUT_MS).catch(() => null);
      if (answer !== null) return { node: backend.name, ...answer };
      backend.ready = false;
    }
    return null;
  }

  /** Of this node and no other. Throws when no answer comes. */
  async askNode(name, path, options = {}, withinMs = ANSWER_TIMEOUT_MS) {
    return send(
      this.#backends.find((one) => one.name === name),
      path,
      { method: 'GET', headers: {}, ...options },
      withinMs,
    );
  }

  async end() {
    clearInterval(this.#checks);
    await Promise.all(this.#backends.map(({ pool }) => pool.destroy()));
  }
}

async function check(backend) {
  const answer = await send(backend, '/readyz', { method: 'GET', headers: {} }, CHECK_TIMEOUT_MS).catch(() => null);
  backend.ready = answer?.status === 200;
}

async function send({ pool }, path, { method, headers, body }, withinMs) {
  const response = await pool.request({ path, method, headers, body, signal: AbortSignal.timeout(withinMs) });
  return { status: response.statusCode, text: await response.body.text() };
}
