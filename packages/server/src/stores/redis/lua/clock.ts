/** The store's clock, asked inside the script that decides by it; and whole numbers as text. */

import type { Piece } from '../script.ts';

export const CLOCK: Piece = {
  lua: `
local function clock()
  if clock_ms ~= '' then return tonumber(clock_ms), tonumber(clock_ms) * 1000 end
  local time = redis.call('TIME')
  local us = time[1] * 1000000 + time[2]
  return math.floor(us / 1000), us
end
-- Lua would write large numbers with an exponent.
local function int(number) return string.format('%.0f', number) end`,
};
