/** A Redis of our own, when one is installed: a port that was free a moment ago, no data kept unless asked for. */

import { once } from 'node:events';
import { createServer } from 'node:net';
import { start } from './process.mjs';

/** `{ port, pid }`, or a text that says what is missing. `settings` are further arguments of redis-server. */
export async function startRedis(atEnd, folder, settings = []) {
  try {
    await import('ioredis');
  } catch {
    return 'ioredis is not installed';
  }
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address();
  probe.close();
  await once(probe, 'close');
  try {
    const args = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', folder, ...settings];
    const redis = await start('redis-server', args, { ready: /Ready to accept connections/ });
    atEnd(() => redis.stop());
    return { port, pid: redis.pid };
  } catch (error) {
    if (error.code === 'ENOENT') return 'redis-server is not installed (apt-get install redis-server)';
    throw error;
  }
}
