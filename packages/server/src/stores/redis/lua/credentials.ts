/** One script per method of CredentialStore that reads and writes, or reads more than one key. */

import { script } from '../script.ts';
import { CLOCK } from './clock.ts';
import { GRANT, ROWS } from './rows.ts';

// A key, although it reads none: proxies of managed Redis route by it.
export const NOW = script('now', { keys: ['meta'], uses: [CLOCK], lua: 'return int((clock()))' });

export const READ = script('read', {
  args: ['id'],
  uses: [ROWS],
  lua: `
local lease = lease_of(id)
return lease and stored(id, lease.fence)`,
});

export const LIST = script('list', {
  args: ['account'],
  uses: [ROWS],
  lua: `
local rows = {}
-- Parts of an id are apart by a space, which none of them can have; '!' comes right after it.
for index, id in ipairs(redis.call('ZRANGEBYLEX', ids, '[' .. account .. ' ', '(' .. account .. '!')) do
  rows[index] = stored(id, lease_of(id).fence)
end
return rows`,
});

export const ACQUIRE = script('acquire', {
  args: ['id', 'holder', 'duration', 'seen'],
  uses: [GRANT],
  lua: `
local at, us = clock()
local lease = lease_of(id)
if lease and lease.ends and lease.ends > at then return int(lease.ends) end
local epoch, fence = epoch_of(seen)
local number, text = next_fence(fence, us)
lease = lease or made(id)
redis.call('HSET', meta, 'fence', text)
return grant(id, lease, holder, int(at + duration), epoch, text)`,
});

export const WRITE = script('write', {
  args: ['id', 'fence', 'generation', 'next', 'body', 'release'],
  uses: [ROWS],
  lua: `
local lease = lease_of(id)
if not lease or lease.fence ~= fence then return 0 end
redis.call('HSET', credentials, id, generation .. ' ' .. body)
if release == '1' then free(id, fence) end
plan(id, next)
changed_credential(id, handle)
return 1`,
});

export const RELEASE = script('release', {
  args: ['id', 'fence'],
  uses: [ROWS],
  lua: `
local lease = lease_of(id)
if lease and lease.fence == fence then free(id, fence) end`,
});

export const SCHEDULE = script('schedule', {
  args: ['id', 'next'],
  uses: [ROWS],
  lua: `
if not lease_of(id) then made(id) end
plan(id, next)
changed_credential(id, '')`,
});

export const REMOVE_ALL = script('remove_all', {
  args: ['account'],
  uses: [ROWS],
  lua: `
for _, id in ipairs(redis.call('ZRANGEBYLEX', ids, '[' .. account .. ' ', '(' .. account .. '!')) do
  redis.call('HDEL', credentials, id)
  redis.call('HDEL', leases, id)
  for _, set in ipairs({ ids, due, held, held_due }) do redis.call('ZREM', set, id) end
  changed_credential(id, '')
end`,
});
