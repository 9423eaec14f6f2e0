/** The audit trail: appended in order, read newest first, pruned in steps small enough not to hold anything up. */

import type { AuditEntry, Directory, StoredAuditEntry } from '../../core/store.ts';
import type { RedisConnection } from './connection.ts';
import { APPEND, PAGE, PRUNE } from './lua/audit.ts';

/** Lines per script: a few milliseconds. */
const APPENDED = 500;
const PRUNED = 500;

export type Line = readonly [seq: string, subject: string, action: string, entry: string];

export class RedisAudit {
  readonly #redis: RedisConnection;

  constructor(redis: RedisConnection) {
    this.#redis = redis;
  }

  async append(entries: readonly AuditEntry[]): Promise<void> {
    for (let from = 0; from < entries.length; from += APPENDED) {
      const lines = entries.slice(from, from + APPENDED).map(({ at, subject, action, actor, data }) => {
        return [String(at), subject, action, JSON.stringify({ at, actor, data })];
      });
      await this.#redis.run(APPEND, { lines: JSON.stringify(lines) });
    }
  }

  async page({ before, limit, subject, action }: Parameters<Directory['audit']>[0]): Promise<readonly StoredAuditEntry[]> {
    const entries: StoredAuditEntry[] = [];
    const filters = {
      ...{ by_subject: subject === undefined ? 0 : 1, subject: subject ?? '' },
      ...{ by_action: action === undefined ? 0 : 1, action: action ?? '' },
    };
    for (let from = before === null ? '' : String(before); entries.length < limit; ) {
      const reply = await this.#redis.run(PAGE, { before: from, limit: limit - entries.length, ...filters });
      const [next, lines] = reply as readonly [string, readonly Line[]];
      entries.push(...lines.map(entryOf));
      if (next === '') break;
      from = next;
    }
    return entries;
  }

  async prune(olderThan: number): Promise<number> {
    for (let pruned = 0; ; ) {
      const count = Number(await this.#redis.run(PRUNE, { older_than: olderThan, limit: PRUNED }));
      pruned += count;
      if (count < PRUNED) return pruned;
    }
  }
}

export const entryOf = ([seq, subject, action, entry]: Line): StoredAuditEntry => ({
  ...(JSON.parse(entry) as Pick<AuditEntry, 'at' | 'actor' | 'data'>),
  subject,
  action,
  seq: Number(seq),
});
