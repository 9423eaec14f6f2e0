/**
 * A credential's row and where it stands in the due queue.
 *
 * `leases` has every row: its fence alone, or fence, end and holder from a lease's grant to its release. `due` has what
 * wants work and nobody holds; `held` has running leases by their end, `held_due` when those will want work. So a claim
 * never has to step over what others hold.
 */

import { CHANGE } from './change.ts';
import { CLOCK } from './clock.ts';
import { EPOCH } from './epoch.ts';
import type { Piece } from '../script.ts';

export const ROWS: Piece = {
  keys: ['credentials', 'leases', 'ids', 'due', 'held', 'held_due', 'meta'],
  uses: [CLOCK, CHANGE],
  lua: `
local function lease_of(id)
  local text = redis.call('HGET', leases, id)
  if not text then return nil end
  local fence, ends = string.match(text, '^(%d+) (%d+) ')
  return { fence = fence or text, ends = tonumber(ends) }
end
-- A new row starts at the highest fence of all, so that one of before a removal is never its own.
local function made(id)
  local lease = { fence = redis.call('HGET', meta, 'fence') or '0' }
  redis.call('HSET', leases, id, lease.fence)
  redis.call('ZADD', ids, 0, id)
  return lease
end
local function next_of(id)
  return redis.call('ZSCORE', due, id) or redis.call('ZSCORE', held_due, id)
end
local function plan(id, next)
  local queue = redis.call('ZSCORE', held, id) and held_due or due
  if next == '' then redis.call('ZREM', queue, id) else redis.call('ZADD', queue, next, id) end
end
-- Out of the queue while the lease runs.
local function hold(id, ends)
  local next = next_of(id)
  redis.call('ZADD', held, ends, id)
  redis.call('ZREM', due, id)
  if next then redis.call('ZADD', held_due, next, id) end
end
-- Back into the queue.
local function let_go(id)
  if redis.call('ZREM', held, id) == 0 then return end
  local next = redis.call('ZSCORE', held_due, id)
  if next then
    redis.call('ZREM', held_due, id)
    redis.call('ZADD', due, next, id)
  end
end
local function free(id, fence)
  redis.call('HSET', leases, id, fence)
  let_go(id)
end
-- id, fence, next attempt, then "generation body" of what was ever written.
local function stored(id, fence)
  return { id, fence, next_of(id), redis.call('HGET', credentials, id) }
end
local function changed_credential(id, origin)
  local account, kind, chain = string.match(id, '^(%S*) (%S*) (%S*)$')
  changed('credential', account, kind, chain, origin)
end`,
};

/** Taking leases. */
export const GRANT: Piece = {
  uses: [ROWS, EPOCH],
  lua: `
-- A lease of an earlier epoch may be running still, whatever the row says: it counts as taken over.
local function grant(id, lease, holder, ends, epoch, fence)
  redis.call('HSET', leases, id, fence .. ' ' .. ends .. ' ' .. holder)
  hold(id, ends)
  local taken_over = lease.ends ~= nil or tonumber(lease.fence) < epoch
  return { fence, ends, taken_over and 1 or 0, stored(id, fence) }
end
local function next_fence(fence, us)
  fence = math.max(fence + 1, us)
  return fence, int(fence)
end`,
};
