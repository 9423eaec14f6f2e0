/** Loaded into a server with `--import`: counts what its PostgreSQL driver sends, and says the number on SIGUSR2. */

import pg from 'pg';

const { query } = pg.Client.prototype;
let statements = 0;
pg.Client.prototype.query = function counted(...args) {
  statements += 1;
  return query.apply(this, args);
};
process.on('SIGUSR2', () => process.stderr.write(`statements ${statements}\n`));
