/** docs/storage-schema.md says what keys there are, of which type; nothing expires. */

import { readFileSync } from 'node:fs';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { KEYS } from '../../src/stores/redis/keys.ts';
import { openRedis } from '../../src/stores/redis/open.ts';
import { aKey, anAccount, credentialId, granted } from '../contract/suites/pair.ts';
import { RedisServer } from '../helpers/redis-server.ts';

let server: RedisServer;
beforeAll(async () => {
  server = await RedisServer.start();
});
afterAll(() => server.remove());

test('the document names every key and its type, and no others', async () => {
  const store = await openRedis('redis', server.rest());
  const { credentials, directory } = store;
  await directory.putAccount(anAccount('wx1'));
  await directory.putKey(aKey('k_1'));
  await directory.appendAudit([{ at: 1, action: 'a.b', actor: 'cli', subject: '', data: {} }]);
  await directory.putSetting('x', null, 'v');
  for (const account of ['wx1', 'wx2']) await credentials.schedule(credentialId(account), 1);
  const { lease } = granted(await credentials.acquire(credentialId(), 'h', 60_000));
  await credentials.write(lease, { generation: 1, nextAttemptAt: 1, body: '{}' }, { release: false });
  await store.ping();
  await store.close();

  const admin = new Redis({ port: server.port, host: '127.0.0.1' });
  const actual: Record<string, string> = {};
  for (const key of await admin.keys('*')) {
    const type = await admin.type(key);
    actual[key.replace('{zhongkong}:', '')] = type === 'zset' ? 'sorted set' : type;
    expect(await admin.ttl(key)).toBe(-1);
  }
  admin.disconnect();

  const document = readFileSync(new URL('../../../../docs/storage-schema.md', import.meta.url), 'utf8');
  const section = document.slice(document.indexOf('\n### Keys\n'), document.indexOf('\n### One script per method\n'));
  const described = Object.fromEntries([...section.matchAll(/^\| `(\w+)` \| ([\w ]+) \|/gm)].map(([, key, type]) => [key, type]));
  expect(described).toEqual(actual);
  expect(Object.keys(described).sort()).toEqual([...KEYS].sort());
});
