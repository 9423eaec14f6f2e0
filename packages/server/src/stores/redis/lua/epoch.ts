/**
 * Fences, and the epoch that keeps them right when Redis comes back with older data than it had acknowledged: after a
 * failover to a replica that lagged, a restart that lost the end of its log, a restored copy.
 *
 * `epoch_of(seen)` is called wherever a fence is given and wherever changes are read. It finds the data to be older
 * when another server answers than the one that wrote last (its replication id is new), or when the caller has seen a
 * higher fence than is stored. Then it raises the epoch: a number above every fence that can have been given before,
 * from which fences go on. A fence is at least the clock's µs too, so that it is not given twice even where nobody
 * notices. Leases and changes of an earlier epoch are recognised by being below it.
 */

import { CHANGE } from './change.ts';
import { CLOCK } from './clock.ts';
import type { Piece } from '../script.ts';

/** More fences than can have been lost at once; 2^53 has room for two million such steps. */
const STEP = 2 ** 32;

export const EPOCH: Piece = {
  keys: ['meta', 'audit', 'audit_at'],
  uses: [CLOCK, CHANGE],
  lua: `
local function server_id()
  local info = redis.pcall('INFO', 'replication')
  return type(info) == 'string' and string.match(info, 'master_replid:(%x+)') or ''
end
local function epoch_of(seen)
  local known = redis.call('HMGET', meta, 'epoch', 'fence', 'server')
  local epoch, fence, server = tonumber(known[1]), tonumber(known[2] or '0'), server_id()
  seen = tonumber(seen)
  if epoch and seen <= fence and (server == known[3] or server == '') then return epoch, fence end
  local at, us = clock()
  if epoch or seen > 0 then
    local seq = int(redis.call('HINCRBY', meta, 'audit_seq', 1))
    redis.call('XADD', audit, seq .. '-0', 'subject', '', 'action', 'store.went_back', 'entry',
      string.format('{"at":%s,"actor":"system","data":{"server_changed":%s,"fences_missing":%s}}',
        int(at), tostring(server ~= known[3]), int(math.max(0, seen - fence))))
    redis.call('ZADD', audit_at, int(at), seq)
    fence = math.max(fence, seen) + ${STEP}
  end
  fence = math.max(fence, us)
  redis.call('HSET', meta, 'epoch', int(fence), 'fence', int(fence), 'server', server)
  redis.pcall('PUBLISH', changes, '')
  return fence, fence
end`,
};
