/** Whole rows out and in. Redis numbers fences for all credentials together, so what is given in may be raised here. */

import { script } from '../script.ts';
import { EPOCH } from './epoch.ts';
import { ROWS } from './rows.ts';

/** As `stored` gives each, with end and holder of its lease. */
export const CREDENTIALS_PAGE = script('credentials_page', {
  args: ['after', 'limit'],
  uses: [ROWS],
  lua: `
local rows = {}
for index, id in ipairs(redis.call('ZRANGEBYLEX', ids, after == '' and '-' or '(' .. after, '+', 'LIMIT', 0, limit)) do
  local text = redis.call('HGET', leases, id)
  local fence, ends, holder = string.match(text, '^(%d+) (%d+) (.*)$')
  rows[index] = { stored(id, fence or text), ends or '', holder or '' }
end
return rows`,
});

export const AUDIT_PAGE = script('audit_oldest_first', {
  keys: ['audit'],
  args: ['after', 'limit'],
  lua: `
local found = {}
for index, line in ipairs(redis.call('XRANGE', audit, string.format('%.0f', after + 1), '+', 'COUNT', limit)) do
  local fields = line[2]
  found[index] = { string.match(line[1], '^%d+'), fields[2], fields[4], fields[6] }
end
return found`,
});

export const CENSUS = script('census', {
  keys: ['accounts', 'api_keys', 'ids', 'audit'],
  lua: `
return { redis.call('HLEN', accounts), redis.call('HLEN', api_keys), redis.call('ZCARD', ids), redis.call('XLEN', audit) }`,
});

export const RAISE_FENCE = script('raise_fence', {
  args: ['at_least', 'seen'],
  uses: [EPOCH],
  lua: `
local _, fence = epoch_of(seen)
if fence < tonumber(at_least) then redis.call('HSET', meta, 'fence', at_least) end`,
});

/**
 * `rows` is a JSON list of [id, fence, end of the lease, holder, generation, next, body], all texts. A fence of another
 * store says nothing about the epoch of this one: every row starts at the highest of all, so no epoch is later.
 */
export const PUT_CREDENTIALS = script('put_credentials', {
  args: ['rows', 'seen'],
  uses: [ROWS, EPOCH],
  lua: `
local _, highest = epoch_of(seen)
local given = cjson.decode(rows)
for _, row in ipairs(given) do highest = math.max(highest, tonumber(row[2])) end
local fence = int(highest)
redis.call('HSET', meta, 'fence', fence)
for _, row in ipairs(given) do
  local id, ends, holder, generation, next, body = row[1], row[3], row[4], row[5], row[6], row[7]
  for _, set in ipairs({ due, held, held_due }) do redis.call('ZREM', set, id) end
  redis.call('ZADD', ids, 0, id)
  if body == '' then redis.call('HDEL', credentials, id) else redis.call('HSET', credentials, id, generation .. ' ' .. body) end
  if ends == '' then redis.call('HSET', leases, id, fence) else redis.call('HSET', leases, id, fence .. ' ' .. ends .. ' ' .. holder) end
  if ends ~= '' then redis.call('ZADD', held, ends, id) end
  plan(id, next)
end`,
});

/** As in PUT_ACCOUNT, without asking for a revision. `rows`: a JSON list of [id, AppID, platform, parent, record]. */
export const PUT_ACCOUNTS = script('put_accounts', {
  keys: ['accounts', 'account_ids', 'identities'],
  args: ['rows'],
  lua: `
local function identity(app_id, platform, parent, id) return app_id .. '\\0' .. platform .. '\\0' .. parent .. '\\0' .. id end
for _, row in ipairs(cjson.decode(rows)) do
  local id, text = row[1], redis.call('HGET', accounts, row[1])
  if text then
    local old = cjson.decode(text)
    redis.call('ZREM', identities, identity(old.appId, old.platform, old.parent, id))
  end
  redis.call('HSET', accounts, id, row[5])
  redis.call('ZADD', account_ids, 0, id)
  redis.call('ZADD', identities, 0, identity(row[2], row[3], row[4], id))
end`,
});

/** Likewise. `rows`: a JSON list of [id, digest, name of a key that is not revoked or '', record]. */
export const PUT_KEYS = script('put_keys', {
  keys: ['api_keys', 'key_ids', 'digests', 'names'],
  args: ['rows'],
  lua: `
local given = cjson.decode(rows)
for _, row in ipairs(given) do
  local text = redis.call('HGET', api_keys, row[1])
  if text then
    local old = cjson.decode(text)
    redis.call('HDEL', digests, old.digest)
    if redis.call('HGET', names, old.name) == row[1] then redis.call('HDEL', names, old.name) end
  end
end
for _, row in ipairs(given) do
  redis.call('HSET', api_keys, row[1], row[4])
  redis.call('ZADD', key_ids, 0, row[1])
  redis.call('HSET', digests, row[2], row[1])
  if row[3] ~= '' then redis.call('HSET', names, row[3], row[1]) end
end`,
});

/** `lines`: a JSON list of [seq, instant, subject, action, rest as JSON]. A number that is taken goes on after the last. */
export const PUT_AUDIT = script('put_audit', {
  keys: ['meta', 'audit', 'audit_at'],
  args: ['lines'],
  lua: `
local last = tonumber(redis.call('HGET', meta, 'audit_seq') or '0')
for _, line in ipairs(cjson.decode(lines)) do
  last = math.max(last + 1, tonumber(line[1]))
  local seq = string.format('%.0f', last)
  redis.call('XADD', audit, seq .. '-0', 'subject', line[3], 'action', line[4], 'entry', line[5])
  redis.call('ZADD', audit_at, line[2], seq)
end
redis.call('HSET', meta, 'audit_seq', string.format('%.0f', last))`,
});

/** Everything but `meta`, whose numbers go on, the settings and the log of changes, whose epoch they are of. */
export const CLEAR = script('clear', {
  keys: [
    ...(['meta', 'credentials', 'leases', 'ids', 'due', 'held', 'held_due', 'accounts', 'account_ids', 'identities'] as const),
    ...(['api_keys', 'key_ids', 'digests', 'names', 'audit', 'audit_at'] as const),
  ],
  lua: `
redis.call('UNLINK', unpack(KEYS, 2))
redis.call('HDEL', meta, 'audit_seq')`,
});
