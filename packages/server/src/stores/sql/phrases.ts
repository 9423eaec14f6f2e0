/** Phrases of SQL that several databases share, for their profiles. */

import { type RawBuilder, type SqlBool, sql } from 'kysely';
import type { RowSource, SqlProfile } from './profile.ts';

type Ids = Parameters<SqlProfile['isAmong']>[0];

/** `values (…), (…)` */
export const values = ({ rows }: RowSource): RawBuilder<unknown> => sql`values ${sql.join(rows.map((row) => sql`(${sql.join(row)})`))}`;

/** One by equality, which every planner understands; several as a list of rows. */
export function isAmong(ids: Ids): RawBuilder<SqlBool> {
  const [one] = ids;
  if (one && ids.length === 1) return sql`account = ${one.account} and kind = ${one.kind} and chain = ${one.chain}`;
  return sql`(account, kind, chain) in (${sql.join(ids.map(({ account, kind, chain }) => sql`(${account}, ${kind}, ${chain})`))})`;
}

/** `on conflict …`, as SQLite and PostgreSQL have it. */
export function onConflict(key: readonly string[], columns: readonly string[]): RawBuilder<unknown> {
  const target = sql`on conflict (${sql.join(key.map((name) => sql.ref(name)))})`;
  if (columns.length === 0) return sql`${target} do nothing`;
  return sql`${target} do update set ${sql.join(columns.map((name) => sql`${sql.ref(name)} = ${sql.ref(`excluded.${name}`)}`))}`;
}

/** `on duplicate key update …`, as MariaDB and MySQL have it. */
export function onDuplicateKey(key: readonly string[], columns: readonly string[]): RawBuilder<unknown> {
  const set = columns.map((name) => sql`${sql.ref(name)} = values(${sql.ref(name)})`);
  // Setting a column of the key to itself changes nothing, unlike INSERT IGNORE, which ignores every other error too.
  const nothing = key.slice(0, 1).map((name) => sql`${sql.ref(name)} = ${sql.ref(name)}`);
  return sql`on duplicate key update ${sql.join(set.length > 0 ? set : nothing)}`;
}
