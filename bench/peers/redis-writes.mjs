/**
 * What a refresh writes, over and over: the lease, the value, and the value again with the lease given back. Either the
 * least that Redis can be asked for it (three plain commands by ioredis, nothing compared), or our store's three methods.
 */

import { Redis } from 'ioredis';
import { part } from '../lib/zhongkong.mjs';

const [port, who, count] = process.argv.slice(2);
const IN_FLIGHT = 64;
const BODY = JSON.stringify({ value: 'x'.repeat(1100) });
const LEASE_MS = 30_000;

const WAYS = {
  async bare() {
    const redis = new Redis({ host: '127.0.0.1', port: Number(port) });
    return async (account, generation) => {
      await redis.set(`lease:${account}`, 'h', 'PX', LEASE_MS, 'NX');
      await redis.hset(`credential:${account}`, 'generation', generation, 'body', BODY);
      await redis.del(`lease:${account}`);
    };
  },
  async zhongkong() {
    const { openRedis } = await part('stores/redis/open.js');
    const { credentials } = await openRedis('redis', `//127.0.0.1:${port}?allowVolatile=true`);
    return async (account, generation) => {
      const { lease } = await credentials.acquire({ account, kind: 'access_token', chain: 'stable' }, 'h', LEASE_MS);
      const next = { generation, nextAttemptAt: Date.now() + 6_900_000, body: BODY };
      await credentials.write(lease, next, { release: false });
      await credentials.write(lease, next, { release: true });
    };
  },
};

const refresh = await WAYS[who]();
let next = 0;
async function work() {
  while (next < Number(count)) {
    next += 1;
    await refresh(`wx${next}`, 1);
  }
}
const cpu = process.cpuUsage();
const startedAt = performance.now();
await Promise.all(Array.from({ length: IN_FLIGHT }, work));
const seconds = (performance.now() - startedAt) / 1000;
const { user, system } = process.cpuUsage(cpu);
process.stdout.write(`result ${JSON.stringify({ refreshes: Number(count), seconds, cpuUs: (user + system) / Number(count) })}\n`);
process.once('SIGTERM', () => process.exit());
setInterval(() => undefined, 1000);
