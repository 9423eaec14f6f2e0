/** The contract on Redis: two handles on one server, each test under a prefix of its own. */

import { afterAll, beforeAll, describe } from 'vitest';
import { openRedis } from '../../src/stores/redis/open.ts';
import { RedisServer } from '../helpers/redis-server.ts';
import { storeContract } from '../contract/suites/store.ts';

describe('Redis', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await RedisServer.start();
  });
  afterAll(() => server.remove());
  let count = 0;

  storeContract(async (now) => {
    count += 1;
    const rest = server.rest({ prefix: `zk_${count}` });
    return { a: await openRedis('redis', rest, { now }), b: await openRedis('redis', rest, { now }) };
  });
});
