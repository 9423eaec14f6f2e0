/** The schema's number, and the proof that writing works. */

import { script } from '../script.ts';
import { EPOCH } from './epoch.ts';

/** The schema's number; a new store gets `known`. */
export const OPEN = script('open', {
  keys: ['meta'],
  args: ['known', 'seen'],
  uses: [EPOCH],
  lua: `
redis.call('HSETNX', meta, 'schema', known)
epoch_of(seen)
return redis.call('HGET', meta, 'schema')`,
});

/** A real write, since a server that is full or read-only lets everything else pass. */
export const PING = script('ping', {
  keys: ['meta'],
  args: ['known'],
  lua: `
redis.call('HINCRBY', meta, 'ping', 1)
redis.call('HSETNX', meta, 'schema', known)
return redis.call('HGET', meta, 'schema')`,
});
