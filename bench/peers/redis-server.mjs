/** The same read the usual way: node:http, the key in a Map, one Redis GET per request through ioredis. */

import { createServer } from 'node:http';
import { Redis } from 'ioredis';

const [port, key, row] = process.argv.slice(2);
const redis = new Redis({ host: '127.0.0.1', port: Number(port) });
await redis.set(`credential:${JSON.parse(row).account}`, row);
const keys = new Map([[key, true]]);

const server = createServer((request, response) => void answer(request, response));

async function answer(request, response) {
  const { authorization } = request.headers;
  if (!authorization || !keys.has(authorization.slice(7))) {
    response.writeHead(401);
    response.end();
    return;
  }
  const text = await redis.get(`credential:${request.url.split('/')[3]}`);
  response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-store', 'content-length': Buffer.byteLength(text) });
  response.end(text);
}
server.listen(0, '127.0.0.1', () => process.stdout.write(`ready ${server.address().port}\n`));
