/** The yardstick: bare node:http, one lookup of the key in a Map, a constant body of the given size. */

import { createServer } from 'node:http';

const [size, key] = process.argv.slice(2);
const body = Buffer.alloc(Number(size), 'x');
const keys = new Map([[key, true]]);

const server = createServer((request, response) => {
  const { authorization } = request.headers;
  if (!authorization || !keys.has(authorization.slice(7))) {
    response.writeHead(401);
    response.end();
    return;
  }
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length });
  response.end(body);
});
server.listen(0, '127.0.0.1', () => process.stdout.write(`ready ${server.address().port}\n`));
