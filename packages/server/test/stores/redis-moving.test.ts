/** From Redis to the embedded store, while a server runs. */

import { join } from 'node:path';
import { describe, onTestFinished } from 'vitest';
import { RedisServer } from '../helpers/redis-server.ts';
import { movingSuite } from './suites/moving.ts';

describe('Redis to SQLite', () => {
  movingSuite(async (cwd) => {
    const server = await RedisServer.start();
    onTestFinished(() => server.remove());
    return { from: `redis:${server.rest()}`, to: `sqlite:${join(cwd, 'new.db')}` };
  });
});
