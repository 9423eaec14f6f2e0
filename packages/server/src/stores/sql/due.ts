/** DueQueue over SQL: the credentials themselves, by their `next_attempt_at`; claiming is taking leases. */

import type { Acquired, DueQueue } from '../../core/store.ts';
import type { SqlConnection } from './connection.ts';
import { take } from './credentials.ts';

export class SqlDueQueue implements DueQueue {
  readonly #db: SqlConnection;

  constructor(db: SqlConnection) {
    this.#db = db;
  }

  async claim(holder: string, durationMs: number, limit: number): Promise<readonly Acquired[]> {
    const { rowLocks, now } = this.#db.profile;
    if (limit <= 0) return [];
    return this.#db.write(async (trx) => {
      const at = await now(trx);
      const rows = await trx
        .selectFrom('credentials')
        .selectAll()
        .where('next_attempt_at', '<=', at)
        .where((where) => where.or([where('lease_until', 'is', null), where('lease_until', '<=', at)]))
        .orderBy('next_attempt_at')
        .limit(limit)
        // Rows that another node is claiming this very moment are its own: take others instead of waiting.
        .$if(rowLocks, (query) => query.forUpdate().skipLocked())
        .execute();
      const claimed: Acquired[] = [];
      for (const row of rows) claimed.push(await take(trx, row, holder, at + durationMs));
      return claimed;
    });
  }

  async nextDueAt(): Promise<number | null> {
    const row = await this.#db.read((db) =>
      db
        .selectFrom('credentials')
        .select(({ fn }) => fn.min('next_attempt_at').as('at'))
        .executeTakeFirst(),
    );
    return row?.at ?? null;
  }
}
