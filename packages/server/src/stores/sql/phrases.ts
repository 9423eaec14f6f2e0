/**
 * Phrases of SQL that several databases share, for their profiles. Names stand in them as they are: ours are no words of
 * any SQL, and one text is built many times faster than the same from parts.
 */

import { type RawBuilder, type SqlBool, sql } from 'kysely';
import type { RowSource, SqlProfile } from './profile.ts';

type Ids = Parameters<SqlProfile['isAmong']>[0];

/** `values (…), (…)` */
export const values = ({ rows }: RowSource): RawBuilder<unknown> => sql`values ${sql.join(rows.map((row) => sql`(${sql.join(row)})`))}`;

/** A number that a row brings counts, and the next one goes on after it. */
export const TAKEN_AS_THEY_ARE: SqlProfile['ownNumbers'] = { words: sql``, afterwards: () => null };

/** One by equality, which every planner understands; several as a list of rows. */
export function isAmong(ids: Ids): RawBuilder<SqlBool> {
  const [one] = ids;
  if (one && ids.length === 1) return sql`account = ${one.account} and kind = ${one.kind} and chain = ${one.chain}`;
  return sql`(account, kind, chain) in (${sql.join(ids.map(({ account, kind, chain }) => sql`(${account}, ${kind}, ${chain})`))})`;
}

/** `on conflict …`, as SQLite and PostgreSQL have it. */
export function onConflict(key: readonly string[], columns: readonly string[]): RawBuilder<unknown> {
  const action = columns.length === 0 ? 'nothing' : `update set ${columns.map((name) => `${name} = excluded.${name}`).join(', ')}`;
  return sql.raw(`on conflict (${key.join(', ')}) do ${action}`);
}

/** `on duplicate key update …`, as MariaDB and MySQL have it. */
export function onDuplicateKey(key: readonly string[], columns: readonly string[]): RawBuilder<unknown> {
  // Setting a column of the key to itself changes nothing, unlike INSERT IGNORE, which ignores every other error too.
  const set = columns.length > 0 ? columns.map((name) => `${name} = values(${name})`) : key.slice(0, 1).map((name) => `${name} = ${name}`);
  return sql.raw(`on duplicate key update ${set.join(', ')}`);
}
