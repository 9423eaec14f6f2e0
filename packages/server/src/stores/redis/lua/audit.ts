/** The audit trail: a stream numbered from 1, and its numbers by the instant of what happened, for pruning by age. */

import { script } from '../script.ts';

/** `lines` is a JSON list of [instant, subject, action, rest as JSON], all texts. */
export const APPEND = script('audit_append', {
  keys: ['meta', 'audit', 'audit_at'],
  args: ['lines'],
  lua: `
for _, line in ipairs(cjson.decode(lines)) do
  local seq = string.format('%.0f', redis.call('HINCRBY', meta, 'audit_seq', 1))
  redis.call('XADD', audit, seq .. '-0', 'subject', line[2], 'action', line[3], 'entry', line[4])
  redis.call('ZADD', audit_at, line[1], seq)
end`,
});

/** Looks at no more than so many lines a call: where it stopped comes back, to go on from. A millisecond or two. */
const LOOKED_AT = 1000;

/** `subject` and `action` count only when `by_subject` and `by_action` are 1. */
export const PAGE = script('audit_page', {
  keys: ['audit'],
  args: ['before', 'limit', 'by_subject', 'subject', 'by_action', 'action'],
  lua: `
if before ~= '' and tonumber(before) < 1 then return { '', {} } end
local newest = before == '' and '+' or string.format('%.0f', before - 1)
local lines, found, last = redis.call('XREVRANGE', audit, newest, '-', 'COUNT', ${LOOKED_AT}), {}, ''
for _, line in ipairs(lines) do
  local seq, fields = string.match(line[1], '^%d+'), line[2]
  last = seq
  if (by_subject == '0' or fields[2] == subject) and (by_action == '0' or fields[4] == action) then
    found[#found + 1] = { seq, fields[2], fields[4], fields[6] }
    if #found == tonumber(limit) then break end
  end
end
return { #lines < ${LOOKED_AT} and '' or last, found }`,
});

export const PRUNE = script('audit_prune', {
  keys: ['audit', 'audit_at'],
  args: ['older_than', 'limit'],
  lua: `
local old = redis.call('ZRANGEBYSCORE', audit_at, '-inf', '(' .. older_than, 'LIMIT', 0, limit)
if #old == 0 then return 0 end
redis.call('ZREM', audit_at, unpack(old))
for _, seq in ipairs(old) do redis.call('XDEL', audit, seq .. '-0') end
return #old`,
});
