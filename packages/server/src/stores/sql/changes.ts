/**
 * The change log: what caches have to drop. Written in the transaction of the change itself, read by number.
 *
 * It is bounded: the newest 10,000 stay, which at 140 refreshes a second is over a minute of a poll that comes every
 * two seconds. A reader that falls behind that is told to drop everything.
 */

import type { Kysely, Transaction } from 'kysely';
import type { CredentialId } from '../../core/credential.ts';
import type { Change, ChangePage } from '../../core/store.ts';
import type { SqlConnection } from './connection.ts';
import { type ChangesTable, COUNTERS, type Tables } from './tables.ts';

export const CHANGES_KEPT = 10_000;
/** Look for something to prune once in so many changes of this handle. */
const PRUNE_EVERY = 1000;

type Row = Pick<ChangesTable, 'topic' | 'subject' | 'kind' | 'chain' | 'origin'>;

export class ChangeLog {
  readonly #db: SqlConnection;
  #untilPrune = PRUNE_EVERY;

  constructor(db: SqlConnection) {
    this.#db = db;
  }

  async account(trx: Transaction<Tables>, id: string): Promise<void> {
    await this.#add(trx, { topic: 'account', subject: id, kind: '', chain: '', origin: '' });
  }

  async key(trx: Transaction<Tables>, id: string): Promise<void> {
    await this.#add(trx, { topic: 'key', subject: id, kind: '', chain: '', origin: '' });
  }

  /** `byHolder`: written under a lease, so this handle's caller knows it already. */
  async credential(trx: Transaction<Tables>, id: CredentialId, byHolder: boolean): Promise<void> {
    const origin = byHolder ? this.#db.origin : '';
    await this.#add(trx, { topic: 'credential', subject: id.account, kind: id.kind, chain: id.chain, origin });
  }

  async read(cursor: string | null, limit: number): Promise<ChangePage> {
    return this.#db.read(async (db) => {
      if (cursor === null) return { cursor: String(await newest(db)), changes: [], overflow: false };
      const from = Number(cursor);
      const rows = await db
        .selectFrom('changes')
        .select(['seq', 'topic', 'subject', 'kind', 'chain', 'origin'])
        .where('seq', '>', from)
        .orderBy('seq')
        .limit(limit + 1)
        .execute();
      // Asked for after the rows: what is pruned meanwhile shows, and an overflow costs only a reload.
      const pruned = await db.selectFrom('counters').select('value').where('name', '=', COUNTERS.changesPruned).executeTakeFirst();
      const last = rows.at(-1)?.seq ?? (await newest(db));
      const isKnown = Number.isSafeInteger(from) && from >= (pruned?.value ?? 0) && from <= last;
      if (!isKnown || rows.length > limit) return { cursor: String(await newest(db)), changes: [], overflow: true };
      return { cursor: String(last), changes: this.#distinct(rows), overflow: false };
    });
  }

  /** Removes what is more than `CHANGES_KEPT` behind. The newest always stays, so numbers only grow. */
  async prune(trx: Transaction<Tables>): Promise<void> {
    const upTo = (await newest(trx)) - CHANGES_KEPT;
    if (upTo <= 0) return;
    await trx.deleteFrom('changes').where('seq', '<=', upTo).execute();
    await trx.updateTable('counters').set({ value: upTo }).where('name', '=', COUNTERS.changesPruned).where('value', '<', upTo).execute();
  }

  /** There is something to prune. */
  async overgrown(db: Kysely<Tables>): Promise<boolean> {
    const pruned = await db.selectFrom('counters').select('value').where('name', '=', COUNTERS.changesPruned).executeTakeFirst();
    return (await newest(db)) - (pruned?.value ?? 0) > CHANGES_KEPT + PRUNE_EVERY;
  }

  async #add(trx: Transaction<Tables>, row: Row): Promise<void> {
    await trx.insertInto('changes').values(row).execute();
    this.#untilPrune -= 1;
    if (this.#untilPrune > 0) return;
    this.#untilPrune = PRUNE_EVERY;
    await this.prune(trx);
  }

  #distinct(rows: readonly Row[]): readonly Change[] {
    const changes = new Map<string, Change>();
    for (const { topic, subject, kind, chain, origin } of rows) {
      const key = `${topic} ${subject} ${kind} ${chain} ${origin === this.#db.origin}`;
      if (topic !== 'credential') changes.set(key, { topic, id: subject });
      else {
        const id = { account: subject, kind, chain };
        changes.set(key, origin === this.#db.origin ? { topic, id, own: true } : { topic, id });
      }
    }
    return [...changes.values()];
  }
}

async function newest(db: Kysely<Tables>): Promise<number> {
  const row = await db.selectFrom('changes').select('seq').orderBy('seq', 'desc').limit(1).executeTakeFirst();
  return row?.seq ?? 0;
}
