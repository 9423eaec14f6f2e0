/** Claiming: the leases of what is due and free, oldest first, in one step. */

import { script } from '../script.ts';
import { GRANT } from './rows.ts';

/**
 * Leases that ran out go back into the queue first, so many a claim: each comes here once per lease, so a claim's work
 * is bounded even when a node with thousands of leases died.
 */
const RETURNED_PER_CLAIM = 1000;
/**
 * Looks into the queue a claim. One is enough unless the clock was set back: what it finds held leaves the queue again.
 * A fixed number, because a script that does not end holds up everybody.
 */
const LOOKS = 4;

export const CLAIM = script('claim', {
  args: ['holder', 'duration', 'limit', 'seen'],
  uses: [GRANT],
  lua: `
local at, us = clock()
local epoch, fence = epoch_of(seen)
for _, id in ipairs(redis.call('ZRANGEBYSCORE', held, '-inf', at, 'LIMIT', 0, ${RETURNED_PER_CLAIM})) do let_go(id) end
local claimed, ends, text = {}, int(at + duration), nil
for _ = 1, ${LOOKS} do
  if #claimed >= tonumber(limit) then break end
  local free_now = redis.call('ZRANGEBYSCORE', due, '-inf', at, 'LIMIT', 0, limit - #claimed)
  if #free_now == 0 then break end
  for _, id in ipairs(free_now) do
    local lease = lease_of(id)
    if lease.ends and lease.ends > at then
      -- Returned early: the clock was set back since.
      hold(id, int(lease.ends))
    else
      fence, text = next_fence(fence, us)
      claimed[#claimed + 1] = grant(id, lease, holder, ends, epoch, text)
    end
  end
end
if text then redis.call('HSET', meta, 'fence', text) end
return claimed`,
});

export const NEXT_DUE_AT = script('next_due_at', {
  keys: ['due', 'held_due'],
  lua: `
local free, taken = redis.call('ZRANGE', due, 0, 0, 'WITHSCORES')[2], redis.call('ZRANGE', held_due, 0, 0, 'WITHSCORES')[2]
if free and taken then return tonumber(free) < tonumber(taken) and free or taken end
return free or taken`,
});
