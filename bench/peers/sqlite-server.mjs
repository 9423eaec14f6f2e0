/** The same read the simple way: node:http, the key in a Map, one prepared SQLite query per request, JSON per request. */

import { createServer } from 'node:http';
import Libsql from 'libsql';

const [file, key, row] = process.argv.slice(2);
const database = new Libsql(file);
database.exec('pragma journal_mode = wal; create table credential (account text primary key, body text not null)');
const { account, ...body } = JSON.parse(row);
database.prepare('insert into credential values (?, ?)').run(account, JSON.stringify(body));
const select = database.prepare('select body from credential where account = ?');
const keys = new Map([[key, true]]);

const server = createServer((request, response) => {
  const { authorization } = request.headers;
  if (!authorization || !keys.has(authorization.slice(7))) {
    response.writeHead(401);
    response.end();
    return;
  }
  const text = JSON.stringify({ account, ...JSON.parse(select.get(request.url.split('/')[3]).body) });
  response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-store', 'content-length': Buffer.byteLength(text) });
  response.end(text);
});
server.listen(0, '127.0.0.1', () => process.stdout.write(`ready ${server.address().port}\n`));
