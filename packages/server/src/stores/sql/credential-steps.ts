/**
 * Credential rows under their locks: many steps, each on one row, in one transaction of a few statements.
 *
 * Lock the rows in the order of their keys (so that two batches cannot wait for each other in a circle), let each step
 * decide on what it finds, by the database's clock as read by the very statement that locked; then store all rows
 * that changed with one statement and log all changes with another.
 *
 * Isolation: READ COMMITTED is enough where rows are locked, and better than more. Every decision is about rows that
 * this transaction has locked, and a locking read gives the latest committed version; a snapshot would only add
 * serialization failures (PostgreSQL) and gap locks, hence deadlocks (MySQL).
 */

import { type Kysely, sql, type Transaction } from 'kysely';
import type { CredentialId } from '../../core/credential.ts';
import type { ChangeLog } from './changes.ts';
import type { FencedWrite } from './credential-writes.ts';
import type { RowSource, SqlProfile } from './profile.ts';
import { COLUMNS, COUNTERS, type CredentialsTable, type Tables } from './tables.ts';

/** What one step makes of the row that it found. */
export interface Outcome<T> {
  readonly result: T;
  /** The row to be stored; absent: it stays as it is. */
  readonly next?: CredentialsTable;
  /** Who made the change that others must hear of: the holder of the lease, who knows it, or anyone. */
  readonly changedBy?: 'holder' | 'anyone';
}

export interface CredentialStep<T> {
  readonly id: CredentialId;
  /** Make the row when there is none; without this, `decide` may be given null. */
  readonly makes: boolean;
  /** `at`: the store's clock. Pure: it may be called again when the transaction is. */
  readonly decide: (row: CredentialsTable | null, at: number) => Outcome<T>;
  /** The same as data, of a write under a lease: see `credential-writes.ts`. */
  readonly write?: FencedWrite;
}

export interface StepContext {
  readonly profile: SqlProfile;
  readonly changes: ChangeLog;
}

interface Found {
  readonly stored: CredentialsTable;
  readonly row: CredentialsTable;
  readonly at: number;
}

/** The results, in the order of the steps. Several steps on one row see each other's work. */
export async function applySteps(
  trx: Transaction<Tables>,
  context: StepContext,
  steps: readonly CredentialStep<unknown>[],
): Promise<{ readonly results: readonly unknown[]; readonly changed: boolean }> {
  const found = new Map<string, Found>();
  const lock = async (ids: readonly CredentialId[]): Promise<void> => {
    for (const { at, ...row } of await locked(trx, context.profile, ids)) found.set(keyOf(row), { stored: row, row, at });
  };
  await lock(distinct(steps.map(({ id }) => id)));
  const missing = distinct(steps.filter(({ id, makes }) => makes && !found.has(keyOf(id))).map(({ id }) => id));
  if (missing.length > 0) {
    await make(trx, context.profile, missing);
    await lock(missing);
  }
  const log: { readonly id: CredentialId; readonly byHolder: boolean }[] = [];
  const results = steps.map(({ id, makes, decide }) => {
    const key = keyOf(id);
    const before = found.get(key);
    if (makes && !before) throw new Error('a row that was just made is not there');
    const { result, next, changedBy } = decide(before?.row ?? null, before?.at ?? 0);
    if (next && before) found.set(key, { ...before, row: next });
    if (changedBy) log.push({ id, byHolder: changedBy === 'holder' });
    return result;
  });
  const changed = [...found.values()].filter(({ stored, row }) => stored !== row);
  const hasNewBody = ({ stored, row }: Found): boolean => stored.body !== row.body || stored.generation !== row.generation;
  await store(
    trx,
    context.profile,
    WHOLE,
    changed.filter(hasNewBody).map(({ row }) => row),
  );
  await store(
    trx,
    context.profile,
    LEASE,
    changed.filter((one) => !hasNewBody(one)).map(({ row }) => row),
  );
  // Last, so that the numbers it takes from the log's sequence become visible the moment after.
  await context.changes.credentials(trx, log);
  return { results, changed: log.length > 0 };
}

const keyOf = ({ account, kind, chain }: CredentialId): string => JSON.stringify([account, kind, chain]);
const distinct = (ids: readonly CredentialId[]): CredentialId[] => [...new Map(ids.map((id) => [keyOf(id), id])).values()];

/** The columns of a credential, of the table by that name. */
export const wholeRow = (name: 'credentials' | 'c') => sql.raw(COLUMNS.credentials.map((column) => `${name}.${column}`).join(', '));

async function locked(db: Kysely<Tables>, { rowLocks, clock, isAmong, byIndex }: SqlProfile, ids: readonly CredentialId[]) {
  const order = rowLocks ? sql`order by account, kind, chain for update` : sql``;
  const { rows } = await sql<CredentialsTable & { readonly at: number }>`select ${wholeRow('credentials')}, ${clock()} as at
    from credentials ${byIndex('primary')} where ${isAmong(ids)} ${order}`.execute(db);
  return rows;
}

/**
 * New rows start at the fence floor, which is at or above every fence of any row that was ever removed. It is read
 * locked, and whoever removes rows locks it first: so no row can be made, used and removed between the reading and the
 * making here, which would give its fences out twice.
 */
async function make(trx: Transaction<Tables>, profile: SqlProfile, ids: readonly CredentialId[]): Promise<void> {
  const { value: fence } = await fenceFloor(trx, profile);
  const rows = ids.map(
    (id): CredentialsTable => ({
      ...{ account: id.account, kind: id.kind, chain: id.chain },
      ...{ generation: 0, fence, lease_holder: null, lease_until: null, next_attempt_at: null, body: null },
    }),
  );
  await insert(trx, profile, WHOLE, rows, []);
}

/** Locked until the end of the transaction. */
export const fenceFloor = (trx: Transaction<Tables>, { rowLocks }: SqlProfile) =>
  trx
    .selectFrom('counters')
    .select('value')
    .where('name', '=', COUNTERS.fenceFloor)
    .$if(rowLocks, (query) => query.forUpdate())
    .executeTakeFirstOrThrow();

const KEY = ['account', 'kind', 'chain'] as const;
type Column = RowSource['columns'][number] & { readonly name: keyof CredentialsTable };
const LEASE: readonly Column[] = [
  { name: 'account', type: 'text' },
  { name: 'kind', type: 'text' },
  { name: 'chain', type: 'text' },
  { name: 'generation', type: 'integer' },
  { name: 'fence', type: 'integer' },
  { name: 'lease_holder', type: 'text' },
  { name: 'lease_until', type: 'integer' },
  { name: 'next_attempt_at', type: 'integer' },
];
const WHOLE: readonly Column[] = [...LEASE, { name: 'body', type: 'text' }];

/**
 * Rows that are there and locked, so this always updates: the one form of "update many rows, each with its own values"
 * that all databases have. Without the body, which may be long, when only the lease or the schedule changed.
 */
async function store(db: Kysely<Tables>, profile: SqlProfile, columns: readonly Column[], rows: readonly CredentialsTable[]) {
  const updated = columns.map(({ name }) => name).filter((name) => !KEY.some((one) => one === name));
  if (rows.length > 0) await insert(db, profile, columns, rows, updated);
}

async function insert(
  db: Kysely<Tables>,
  { rows: source, orUpdate }: SqlProfile,
  columns: readonly Column[],
  rows: readonly CredentialsTable[],
  updated: readonly string[],
): Promise<void> {
  const names = sql.raw(columns.map(({ name }) => name).join(', '));
  const given = source({ columns, rows: rows.map((row) => columns.map(({ name }) => row[name])) });
  await sql`insert into credentials (${names}) ${given} ${orUpdate(KEY, updated)}`.execute(db);
}

/** Rows as they are given, in the place of those with the same key. */
export const storeRows = (db: Kysely<Tables>, profile: SqlProfile, rows: readonly CredentialsTable[]) => store(db, profile, WHOLE, rows);

/** Leases of locked rows, stored for a claim that does not take them in one statement. */
export const storeLeases = (db: Kysely<Tables>, profile: SqlProfile, rows: readonly CredentialsTable[]) => store(db, profile, LEASE, rows);
