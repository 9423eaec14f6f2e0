/**
 * The least that can answer for WeChat's token endpoint: a new token to each call, nothing remembered.
 *
 * `GET /count` says how many there were.
 */

import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';

/** As long as WeChat's are today. */
const TOKEN_BYTES = 102;

let calls = 0;
const server = createServer((request, response) => {
  if (request.url === '/count') return response.end(String(calls));
  request.resume();
  request.once('end', () => {
    calls += 1;
    const body = JSON.stringify({ access_token: randomBytes(TOKEN_BYTES).toString('base64url'), expires_in: 7200 });
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length });
    response.end(body);
  });
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');
process.stdout.write(`ready ${server.address().port}\n`);
