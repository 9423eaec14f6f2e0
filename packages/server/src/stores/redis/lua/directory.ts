/**
 * Accounts, API keys and settings: records as JSON in hashes, found by id in byte order and through indexes that change
 * in the same step. Scripts read what they need of an old record; they never write JSON of their own, because Lua
 * cannot tell an empty list from an empty object.
 */

import { script } from '../script.ts';
import { CHANGE } from './change.ts';
import type { Piece } from '../script.ts';

/** A page of `records` in the order of `index`. */
const page = (name: string, records: 'accounts' | 'api_keys', index: 'account_ids' | 'key_ids') =>
  script(name, {
    keys: [records, index],
    args: ['after', 'limit'],
    lua: `
local ids = redis.call('ZRANGEBYLEX', ${index}, '(' .. after, '+', 'LIMIT', 0, limit)
if #ids == 0 then return {} end
return redis.call('HMGET', ${records}, unpack(ids))`,
  });

export const ACCOUNTS_PAGE = page('accounts_page', 'accounts', 'account_ids');
export const KEYS_PAGE = page('keys_page', 'api_keys', 'key_ids');

/** `identities` has AppID, platform, parent and id of every account in one sorted text, apart by a NUL. */
const IDENTITIES: Piece = {
  keys: ['identities'],
  lua: `
local function identity(app_id, platform, parent) return app_id .. '\\0' .. platform .. '\\0' .. parent .. '\\0' end
local function identities_under(start) return redis.call('ZRANGEBYLEX', identities, '[' .. start, '(' .. string.sub(start, 1, -2) .. '\\1') end
local function forget_identity(account, id)
  redis.call('ZREM', identities, identity(account.appId, account.platform, account.parent) .. id)
end`,
};

export const ACCOUNTS_BY_APP_ID = script('accounts_by_app_id', {
  keys: ['accounts'],
  args: ['app_id'],
  uses: [IDENTITIES],
  lua: `
local found = {}
for index, member in ipairs(identities_under(app_id .. '\\0')) do
  found[index] = redis.call('HGET', accounts, string.match(member, '%z([^%z]*)$'))
end
return found`,
});

export const PUT_ACCOUNT = script('put_account', {
  keys: ['accounts', 'account_ids'],
  args: ['id', 'revision', 'app_id', 'platform', 'parent', 'record'],
  uses: [IDENTITIES, CHANGE],
  lua: `
local text = redis.call('HGET', accounts, id)
local old = text and cjson.decode(text)
if (old and old.revision or 0) ~= tonumber(revision) then return 0 end
local own = identity(app_id, platform, parent)
local taken = identities_under(own)[1]
if taken and taken ~= own .. id then return 0 end
if old then forget_identity(old, id) end
redis.call('HSET', accounts, id, record)
redis.call('ZADD', account_ids, 0, id)
redis.call('ZADD', identities, 0, own .. id)
changed('account', id, '', '', '')
return 1`,
});

export const REMOVE_ACCOUNT = script('remove_account', {
  keys: ['accounts', 'account_ids'],
  args: ['id'],
  uses: [IDENTITIES, CHANGE],
  lua: `
local text = redis.call('HGET', accounts, id)
if not text then return 0 end
forget_identity(cjson.decode(text), id)
redis.call('HDEL', accounts, id)
redis.call('ZREM', account_ids, id)
changed('account', id, '', '', '')
return 1`,
});

export const KEY_BY_DIGEST = script('key_by_digest', {
  keys: ['api_keys', 'digests'],
  args: ['digest'],
  lua: `
local id = redis.call('HGET', digests, digest)
return id and redis.call('HGET', api_keys, id)`,
});

/** `active` is 0 for a revoked key: its name is free again. */
export const PUT_KEY = script('put_key', {
  keys: ['api_keys', 'key_ids', 'digests', 'names'],
  args: ['id', 'revision', 'digest', 'name', 'active', 'record'],
  uses: [CHANGE],
  lua: `
local function of_another(index, value)
  local owner = redis.call('HGET', index, value)
  return owner and owner ~= id
end
local text = redis.call('HGET', api_keys, id)
local old = text and cjson.decode(text)
if (old and old.revision or 0) ~= tonumber(revision) then return 0 end
if of_another(digests, digest) or (active == '1' and of_another(names, name)) then return 0 end
if old then
  redis.call('HDEL', digests, old.digest)
  if redis.call('HGET', names, old.name) == id then redis.call('HDEL', names, old.name) end
end
redis.call('HSET', api_keys, id, record)
redis.call('ZADD', key_ids, 0, id)
redis.call('HSET', digests, digest, id)
if active == '1' then redis.call('HSET', names, name, id) end
changed('key', id, '', '', '')
return 1`,
});

/** `expected` counts only when `exists` is 1. */
export const PUT_SETTING = script('put_setting', {
  keys: ['settings'],
  args: ['name', 'exists', 'expected', 'value'],
  lua: `
local now = redis.call('HGET', settings, name)
if exists == '1' and now ~= expected or exists == '0' and now then return 0 end
redis.call('HSET', settings, name, value)
return 1`,
});
