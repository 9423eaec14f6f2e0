/**
 * A node's way to WeChat: an HTTP proxy that writes down who asked for which token, when, and what WeChat gave.
 *
 * A request that was handed over is carried to WeChat whether or not its node still lives, as a network would.
 */

import { once } from 'node:events';
import { Agent, createServer, request as ask } from 'node:http';

const ISSUES = new Map([
  ['/cgi-bin/token', 'classic'],
  ['/cgi-bin/stable_token', 'stable'],
]);

/** `issues` gets `{ node, account, chain, sentAt, answeredAt, value }`; instants are epoch ms, value null when there was none. */
export async function startWire(node, simulator, issues) {
  const agent = new Agent({ keepAlive: true });
  const pass = async (incoming, outgoing) => {
    const sentAt = Date.now();
    const body = await all(incoming);
    const answer = await carry(simulator, agent, incoming, body);
    note(issues, node, incoming.url, body, sentAt, answer.body);
    outgoing.writeHead(answer.status, answer.headers).end(answer.body);
  };
  const server = createServer((incoming, outgoing) => {
    outgoing.on('error', () => undefined);
    pass(incoming, outgoing).catch(() => outgoing.destroy());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    async end() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
      agent.destroy();
    },
  };
}

async function all(stream) {
  const parts = [];
  for await (const part of stream) parts.push(part);
  return Buffer.concat(parts);
}

function carry(simulator, agent, { method, url, headers }, body) {
  return new Promise((resolve, reject) => {
    const carried = ask(simulator + url, { method, headers: { ...headers, host: new URL(simulator).host }, agent }, (response) => {
      all(response).then((text) => resolve({ status: response.statusCode, headers: response.headers, body: text }), reject);
    });
    carried.on('error', reject);
    carried.end(body);
  });
}

function note(issues, node, target, body, sentAt, answer) {
  const { pathname, searchParams } = new URL(target, 'http://wechat');
  const chain = ISSUES.get(pathname);
  if (chain === undefined) return;
  const account = searchParams.get('appid') ?? JSON.parse(body.toString()).appid;
  const { access_token: value = null } = JSON.parse(answer.toString());
  issues.push({ node, account, chain, sentAt, answeredAt: Date.now(), value });
}
