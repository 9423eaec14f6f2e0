/**
 * The change log: what caches have to drop. Written in the transaction of the change itself, read by number.
 *
 * It is bounded: the newest 10,000 stay, which at 140 refreshes a second is over a minute of a poll that comes every
 * two seconds. A reader that falls behind that is told to drop everything.
 *
 * A number is taken when a change is written and becomes visible when it is committed, so where transactions run side
 * by side, 12 may be there before 11. A reader goes on behind 12 at once and keeps 11 in its cursor as a gap, which it
 * looks for again (`change-cursor.ts`): nobody waits for a slow transaction, and none of its changes is missed.
 */

import { type Kysely, type RawBuilder, sql, type Transaction } from 'kysely';
import type { CredentialId } from '../../core/credential.ts';
import type { Change, ChangePage } from '../../core/store.ts';
import { advanced, type ChangeCursor, cursorText, gapsAmong, parseCursor } from './change-cursor.ts';
import type { SqlProfile } from './profile.ts';
import { storeNow } from './store-clock.ts';
import { type ChangesTable, COUNTERS, type Tables } from './tables.ts';

export const CHANGES_KEPT = 10_000;
/** Look for something to prune once in so many changes of this handle. */
const PRUNE_EVERY = 1000;

const COLUMNS = ['topic', 'subject', 'kind', 'chain', 'origin'] as const;
type Row = Pick<ChangesTable, (typeof COLUMNS)[number]>;

export class ChangeLog {
  readonly #profile: SqlProfile;
  readonly #origin: string;
  #untilPrune = PRUNE_EVERY;

  /** `origin` names this handle in the log. */
  constructor(profile: SqlProfile, origin: string) {
    this.#profile = profile;
    this.#origin = origin;
  }

  async account(trx: Transaction<Tables>, id: string): Promise<void> {
    await this.#add(trx, [{ topic: 'account', subject: id, kind: '', chain: '', origin: '' }]);
  }

  async key(trx: Transaction<Tables>, id: string): Promise<void> {
    await this.#add(trx, [{ topic: 'key', subject: id, kind: '', chain: '', origin: '' }]);
  }

  /** `byHolder`: written under a lease, so this handle's caller knows it already. */
  async credentials(
    trx: Transaction<Tables>,
    changed: readonly { readonly id: CredentialId; readonly byHolder: boolean }[],
  ): Promise<void> {
    const rows = changed.map(({ id, byHolder }): Row => {
      const origin = byHolder ? this.#origin : '';
      return { topic: 'credential', subject: id.account, kind: id.kind, chain: id.chain, origin };
    });
    await this.#add(trx, rows);
  }

  /** Part of a statement: logs the credentials in `rows`, a table expression of it, as written under their leases. */
  byHolderFrom(rows: string): RawBuilder<unknown> {
    return sql`insert into changes (topic, subject, kind, chain, origin)
      select 'credential', account, kind, chain, ${this.#origin} from ${sql.ref(rows)}`;
  }

  /** So many rows more were logged. True: it is time to `prune`. */
  grown(rows: number): boolean {
    this.#untilPrune -= rows;
    if (this.#untilPrune > 0) return false;
    this.#untilPrune = PRUNE_EVERY;
    return true;
  }

  /** At most `limit` rows; see `Directory.changes`. */
  async read(db: Kysely<Tables>, cursor: string | null, limit: number): Promise<ChangePage> {
    if (cursor === null) return { cursor: await this.#now(db), changes: [], overflow: false };
    const overflow = async (): Promise<ChangePage> => ({ cursor: await this.#now(db), changes: [], overflow: true });
    const from = parseCursor(cursor);
    if (from === null) return overflow();
    const wanted = from.gaps.map(({ seq }) => seq);
    const late = wanted.length === 0 ? [] : await numbered(db, wanted);
    const rows = await after(db, from.last, limit + 1);
    // Asked for after the rows: what is pruned meanwhile shows, and an overflow costs only a reload.
    const pruned = await prunedUpTo(db);
    const last = rows.at(-1)?.seq ?? (await newest(db));
    if (from.last < pruned || from.last > last || late.length + rows.length > limit) return overflow();
    const seqs = rows.map(({ seq }) => seq);
    const at = wanted.length > 0 || gapsAmong(from.last, seqs).length > 0 ? await storeNow(db, this.#profile) : 0;
    const next = advanced(from, { seqs, late: late.map(({ seq }) => seq), pruned, at });
    if (next === null) return overflow();
    return { cursor: cursorText(next), changes: this.#distinct([...late, ...rows]), overflow: false };
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
    return (await newest(db)) - (await prunedUpTo(db)) > CHANGES_KEPT + PRUNE_EVERY;
  }

  async #add(trx: Transaction<Tables>, rows: readonly Row[]): Promise<void> {
    if (rows.length === 0) return;
    const { rows: source } = this.#profile;
    await trx
      .insertInto('changes')
      .columns(COLUMNS)
      .expression(
        source({
          columns: COLUMNS.map((name) => ({ name, type: 'text' })),
          rows: rows.map((row) => COLUMNS.map((name) => row[name])),
        }),
      )
      .execute();
    if (this.grown(rows.length)) await this.prune(trx);
  }

  /** Now, with the gaps of now: changes that have a number and are not committed yet. */
  async #now(db: Kysely<Tables>): Promise<string> {
    const { first, last, count } = await db
      .selectFrom('changes')
      .select(({ fn }) => [fn.min('seq').as('first'), fn.max('seq').as('last'), fn.countAll<number>().as('count')])
      .executeTakeFirstOrThrow();
    const none: ChangeCursor = { last: last ?? 0, gaps: [] };
    if (first === null || last === null || last - first + 1 === Number(count)) return cursorText(none);
    const kept = await db.selectFrom('changes').select('seq').where('seq', '<=', last).orderBy('seq').execute();
    const seqs = kept.map(({ seq }) => seq);
    const at = await storeNow(db, this.#profile);
    const next = advanced({ last: first - 1, gaps: [] }, { seqs, late: [], pruned: 0, at, bounded: true });
    return cursorText(next ?? none);
  }

  #distinct(rows: readonly Row[]): readonly Change[] {
    const changes = new Map<string, Change>();
    for (const { topic, subject, kind, chain, origin } of rows) {
      const key = `${topic} ${subject} ${kind} ${chain} ${origin === this.#origin}`;
      if (topic !== 'credential') changes.set(key, { topic, id: subject });
      else {
        const id = { account: subject, kind, chain };
        changes.set(key, origin === this.#origin ? { topic, id, own: true } : { topic, id });
      }
    }
    return [...changes.values()];
  }
}

const after = (db: Kysely<Tables>, seq: number, limit: number) =>
  db
    .selectFrom('changes')
    .select(['seq', ...COLUMNS])
    .where('seq', '>', seq)
    .orderBy('seq')
    .limit(limit)
    .execute();

const numbered = (db: Kysely<Tables>, seqs: readonly number[]) =>
  db
    .selectFrom('changes')
    .select(['seq', ...COLUMNS])
    .where('seq', 'in', seqs)
    .orderBy('seq')
    .execute();

async function newest(db: Kysely<Tables>): Promise<number> {
  const row = await db.selectFrom('changes').select('seq').orderBy('seq', 'desc').limit(1).executeTakeFirst();
  return row?.seq ?? 0;
}

/** Changes up to here are gone. */
async function prunedUpTo(db: Kysely<Tables>): Promise<number> {
  const row = await db.selectFrom('counters').select('value').where('name', '=', COUNTERS.changesPruned).executeTakeFirst();
  return row?.value ?? 0;
}
