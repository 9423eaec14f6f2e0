/** The layout's number, and the proof that writing works. */

import { script, type Piece } from '../script.ts';
import { EPOCH } from './epoch.ts';

/**
 * `layout()` raises the number to `known` where it is lower, or where there is none yet, and gives what is there then:
 * the number, and the oldest one whose code may work beside it. Neither ever goes down.
 */
const LAYOUT: Piece = {
  keys: ['meta'],
  lua: `
local function layout()
  if tonumber(redis.call('HGET', meta, 'schema') or '0') < tonumber(known) then
    local oldest = math.max(tonumber(redis.call('HGET', meta, 'serves_from') or '1'), tonumber(serves_from))
    redis.call('HSET', meta, 'schema', known, 'serves_from', string.format('%d', oldest))
  end
  return redis.call('HMGET', meta, 'schema', 'serves_from')
end`,
};

export const OPEN = script('open', {
  args: ['known', 'serves_from', 'seen'],
  uses: [LAYOUT, EPOCH],
  lua: `
local found = layout()
epoch_of(seen)
return found`,
});

/** A real write, since a server that is full or read-only lets everything else pass. */
export const PING = script('ping', {
  keys: ['meta'],
  args: ['known', 'serves_from'],
  uses: [LAYOUT],
  lua: `
redis.call('HINCRBY', meta, 'ping', 1)
return layout()`,
});
