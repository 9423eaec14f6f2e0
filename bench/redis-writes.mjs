/**
 * What one process writes into Redis per second for refreshes (lease, value, value and release), beside an ioredis loop
 * that makes as many round trips and decides nothing. Each run has a Redis of its own.
 */

import { fileURLToPath } from 'node:url';
import { cpuUs, node, withCleanup } from './lib/process.mjs';
import { startRedis } from './lib/redis.mjs';
import { say, table } from './lib/report.mjs';
import { temporaryFolder } from './lib/zhongkong.mjs';

const REFRESHES = 10_000;
const DURABLE = ['--appendonly', 'yes', '--appendfsync', 'always'];

const RUNS = [
  { name: 'bare ioredis loop, nothing kept', who: 'bare', settings: [] },
  { name: 'zhongkong, nothing kept', who: 'zhongkong', settings: [] },
  { name: 'bare ioredis loop, appendfsync always', who: 'bare', settings: DURABLE },
  { name: 'zhongkong, appendfsync always', who: 'zhongkong', settings: DURABLE },
];

export async function run() {
  const results = [];
  for (const { name, who, settings } of RUNS) {
    const result = await withCleanup(async (atEnd) => {
      const redis = await startRedis(atEnd, await temporaryFolder(atEnd), settings);
      if (typeof redis === 'string') return { missing: redis };
      const path = fileURLToPath(new URL('./peers/redis-writes.mjs', import.meta.url));
      const child = await node(path, [String(redis.port), who, String(REFRESHES)], { ready: /result (\{.*\})/ });
      atEnd(() => child.stop());
      return { ...JSON.parse(child.match[1]), redisCpuUs: cpuUs(redis.pid) / REFRESHES };
    });
    if (result.missing !== undefined) {
      say(`left out: ${result.missing}`);
      return { missing: result.missing };
    }
    results.push({ name, ...result, perSecond: REFRESHES / result.seconds });
  }
  say(`${REFRESHES} refreshes' writes, three round trips each, 64 in the air`);
  table([
    ['one process', 'refreshes/s', 'share of bare', 'CPU µs each, ours', "Redis's"],
    ...results.map((one, index) => [
      one.name,
      Math.round(one.perSecond),
      (one.perSecond / results[index - (index % 2)].perSecond).toFixed(2),
      one.cpuUs.toFixed(0),
      one.redisCpuUs.toFixed(0),
    ]),
  ]);
  return { refreshes: REFRESHES, runs: results };
}
