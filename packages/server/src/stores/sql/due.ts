/** DueQueue over SQL: the credentials themselves, by their `next_attempt_at`; claiming is taking leases. */

import { type Kysely, type RawBuilder, sql, type Transaction } from 'kysely';
import type { Acquired, DueQueue } from '../../core/store.ts';
import type { SqlConnection } from './connection.ts';
import { storeLeases, wholeRow } from './credential-steps.ts';
import { acquired, leased } from './credentials.ts';
import type { CredentialsTable, Tables } from './tables.ts';

type Claimed = CredentialsTable & { readonly was_until: number | null };

export class SqlDueQueue implements DueQueue {
  readonly #db: SqlConnection;

  constructor(db: SqlConnection) {
    this.#db = db;
  }

  async claim(holder: string, durationMs: number, limit: number): Promise<readonly Acquired[]> {
    if (limit <= 0) return [];
    const { updatesAtOnce } = this.#db.profile;
    const rows = updatesAtOnce
      ? await this.#db.statement((db) => this.#atOnce(db, holder, durationMs, limit))
      : await this.#db.write((trx) => this.#inSteps(trx, holder, durationMs, limit));
    return rows.map(({ was_until, ...row }) => acquired(row, was_until !== null));
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

  /**
   * What is due by the database's clock, locked. Rows that another node is claiming this very moment are its own: they
   * are skipped, which is also why only the rows that are taken may be locked, hence the index.
   */
  #due(columns: RawBuilder<unknown>, limit: number): RawBuilder<unknown> {
    const { rowLocks, clock, byIndex } = this.#db.profile;
    return sql`select ${columns} from credentials ${byIndex('credentials_due')}
      where next_attempt_at <= ${clock()} and (lease_until is null or lease_until <= ${clock()})
      order by next_attempt_at limit ${limit} ${rowLocks ? sql`for update skip locked` : sql``}`;
  }

  async #inSteps(trx: Transaction<Tables>, holder: string, durationMs: number, limit: number): Promise<readonly Claimed[]> {
    const { profile } = this.#db;
    const due = this.#due(sql`${wholeRow('credentials')}, ${profile.clock()} as at`, limit);
    const { rows } = await sql<CredentialsTable & { readonly at: number }>`${due}`.execute(trx);
    const claimed = rows.map(({ at, ...row }) => ({ ...leased(row, holder, at + durationMs), was_until: row.lease_until }));
    await storeLeases(trx, profile, claimed);
    return claimed;
  }

  async #atOnce(db: Kysely<Tables>, holder: string, durationMs: number, limit: number): Promise<readonly Claimed[]> {
    const { clock } = this.#db.profile;
    const due = this.#due(sql`account, kind, chain, lease_until as was_until`, limit);
    const { rows } = await sql<Claimed>`with due as (${due})
      update credentials c set fence = c.fence + 1, lease_holder = ${holder}, lease_until = ${clock()} + ${durationMs}
      from due where c.account = due.account and c.kind = due.kind and c.chain = due.chain
      returning ${wholeRow('c')}, due.was_until`.execute(db);
    // RETURNING promises no order.
    return rows.toSorted((one, other) => (one.next_attempt_at ?? 0) - (other.next_attempt_at ?? 0));
  }
}
