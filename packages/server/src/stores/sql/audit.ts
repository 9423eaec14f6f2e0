/** The audit trail: appended in order, read newest first, pruned in steps small enough not to hold anything up. */

import type { AuditEntry, Directory, StoredAuditEntry } from '../../core/store.ts';
import type { SqlConnection } from './connection.ts';
import { COLUMNS } from './tables.ts';

/** Rows per INSERT: 5 values each, well under the number of parameters any database takes. */
const INSERT_ROWS = 100;
/** Rows per transaction of a prune: a few milliseconds. */
const PRUNE_ROWS = 500;

export class SqlAudit {
  readonly #db: SqlConnection;

  constructor(db: SqlConnection) {
    this.#db = db;
  }

  async append(entries: readonly AuditEntry[]): Promise<void> {
    if (entries.length === 0) return;
    const rows = entries.map(({ at, action, actor, subject, data }) => ({ at, action, actor, subject, data: JSON.stringify(data) }));
    await this.#db.write(async (trx) => {
      for (let from = 0; from < rows.length; from += INSERT_ROWS) {
        await trx
          .insertInto('audit')
          .values(rows.slice(from, from + INSERT_ROWS))
          .execute();
      }
    });
  }

  async page({ before, limit, subject, action }: Parameters<Directory['audit']>[0]): Promise<readonly StoredAuditEntry[]> {
    const rows = await this.#db.read((db) =>
      db
        .selectFrom('audit')
        .select(COLUMNS.audit)
        .where('seq', '<', before ?? Number.MAX_SAFE_INTEGER)
        .$if(subject !== undefined, (query) => query.where('subject', '=', subject ?? ''))
        .$if(action !== undefined, (query) => query.where('action', '=', action ?? ''))
        .orderBy('seq', 'desc')
        .limit(limit)
        .execute(),
    );
    return rows.map((row) => ({ ...row, data: JSON.parse(row.data) }));
  }

  async prune(olderThan: number): Promise<number> {
    for (let pruned = 0; ; ) {
      const count = await this.#db.write(async (trx) => {
        const old = await trx.selectFrom('audit').select('seq').where('at', '<', olderThan).limit(PRUNE_ROWS).execute();
        const seqs = old.map(({ seq }) => seq);
        if (seqs.length > 0) await trx.deleteFrom('audit').where('seq', 'in', seqs).execute();
        return seqs.length;
      });
      pruned += count;
      if (count < PRUNE_ROWS) return pruned;
    }
  }
}
