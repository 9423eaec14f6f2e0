/** The change log: numbered, bounded, and told to whoever listens. The channel is called like the log. */

import type { Piece } from '../script.ts';

/** As in the SQL stores: over a minute of a poll every two seconds at 140 refreshes a second. */
const CHANGES_KEPT = 10_000;

export const CHANGE: Piece = {
  keys: ['meta', 'changes'],
  lua: `
local function changed(topic, subject, kind, chain, origin)
  local seq = string.format('%.0f', redis.call('HINCRBY', meta, 'change_seq', 1))
  redis.call('XADD', changes, 'MAXLEN', '~', ${CHANGES_KEPT}, seq .. '-0',
    'topic', topic, 'subject', subject, 'kind', kind, 'chain', chain, 'origin', origin)
  -- A user that may not publish still works: the poll finds the change.
  redis.pcall('PUBLISH', changes, handle)
end`,
};
