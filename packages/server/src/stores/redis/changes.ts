/** What changed, by cursor. A cursor is `EPOCH-NUMBER`: those of another epoch, or of another store, are an overflow. */

import type { Change, ChangePage } from '../../core/store.ts';
import type { RedisConnection } from './connection.ts';
import { CHANGES } from './lua/changes.ts';

type Row = readonly [topic: string, subject: string, kind: string, chain: string, origin: string];
type Reply = readonly [epoch: string, fence: string, newest: string, overflow: number, rows: readonly Row[]];

const CURSOR = /^(\d+)-(\d+)$/;

export async function readChanges(redis: RedisConnection, cursor: string | null, limit: number): Promise<ChangePage> {
  // One that is not of our making asks for the changes of no epoch, which overflows.
  const [, epoch = '', from = '0'] = cursor === null ? [] : (CURSOR.exec(cursor) ?? []);
  const args = { epoch, from: cursor === null ? '' : from, limit, seen: redis.seen };
  const [current, fence, newest, overflow, rows] = (await redis.run(CHANGES, args)) as Reply;
  // What others were given counts too: should Redis go back, any handle can tell.
  redis.saw(Number(fence));
  return { cursor: `${current}-${newest}`, changes: distinct(rows, redis.handle), overflow: overflow === 1 };
}

function distinct(rows: readonly Row[], handle: string): readonly Change[] {
  const changes = new Map<string, Change>();
  for (const [topic, subject, kind, chain, origin] of rows) {
    const own = origin === handle;
    changes.set(`${topic} ${subject} ${kind} ${chain} ${own}`, changeOf(topic, { account: subject, kind, chain }, own));
  }
  return [...changes.values()];
}

function changeOf(topic: string, id: { readonly account: string; readonly kind: string; readonly chain: string }, own: boolean): Change {
  if (topic === 'account' || topic === 'key') return { topic, id: id.account };
  return own ? { topic: 'credential', id, own } : { topic: 'credential', id };
}
