/** What changed since a cursor. A cursor is of one epoch: what came before it may have been undone. */

import { script } from '../script.ts';
import { EPOCH } from './epoch.ts';

/** Epoch, highest fence, number of the newest change, whether the cursor leads nowhere or too far, and the changes. */
export const CHANGES = script('changes', {
  keys: ['meta', 'changes'],
  args: ['epoch', 'from', 'limit', 'seen'],
  uses: [EPOCH],
  lua: `
local current, fence = epoch_of(seen)
local newest = tonumber(redis.call('HGET', meta, 'change_seq') or '0')
local function answer(overflow, rows) return { int(current), int(fence), int(newest), overflow, rows } end
if from == '' then return answer(0, {}) end
local after = tonumber(from)
if epoch ~= int(current) or after > newest then return answer(1, {}) end
if after == newest then return answer(0, {}) end
local oldest = redis.call('XRANGE', changes, '-', '+', 'COUNT', 1)[1]
if not oldest or tonumber(string.match(oldest[1], '^%d+')) > after + 1 then return answer(1, {}) end
local rows = redis.call('XRANGE', changes, int(after + 1), '+', 'COUNT', limit + 1)
if #rows > tonumber(limit) then return answer(1, {}) end
local told = {}
for index, row in ipairs(rows) do
  local fields = row[2]
  told[index] = { fields[2], fields[4], fields[6], fields[8], fields[10] }
end
return answer(0, told)`,
});
