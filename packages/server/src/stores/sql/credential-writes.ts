/**
 * Writes under leases, many in one statement that is a transaction by itself: what a refresher sends most, and all that
 * most batches hold. Each has its condition in the statement, so nothing has to be read, locked and decided before.
 *
 * Meant is the same as by `SqlCredentials.write`'s step: stored if the row's fence is the lease's, logged if stored. Rows
 * are given in the order of their keys, in which they are then locked; where another order makes a circle after all, the
 * database undoes one of the statements and it is sent again.
 *
 * Beside the five statements of `applySteps`, a refresh on PostgreSQL went from 0.43 to 0.22 statements (docs/scale.md).
 */

import { type Kysely, sql } from 'kysely';
import type { CredentialId } from '../../core/credential.ts';
import type { CredentialStep, StepContext } from './credential-steps.ts';
import type { RowSource } from './profile.ts';
import type { Tables } from './tables.ts';

/** What a write under a lease makes of its row. */
export interface FencedWrite {
  readonly fence: number;
  readonly generation: number;
  readonly nextAttemptAt: number | null;
  readonly body: string;
  readonly release: boolean;
}

interface Given {
  readonly id: CredentialId;
  readonly write: FencedWrite;
}

/** The batch as writes and nothing else, no two of one row; null where it is something else. */
export function onlyWrites(steps: readonly CredentialStep<unknown>[]): readonly Given[] | null {
  const writes = steps.flatMap(({ id, write }) => (write ? [{ id, write }] : []));
  const rows = new Set(steps.map(({ id }) => keyOf(id)));
  return writes.length === steps.length && rows.size === steps.length ? writes : null;
}

/** Whether each was committed or came too late, in the order given. */
export async function writeAtOnce(
  db: Kysely<Tables>,
  { profile, changes }: StepContext,
  writes: readonly Given[],
): Promise<readonly ('committed' | 'stale')[]> {
  const sorted = writes.toSorted((one, other) => (keyOf(one.id) < keyOf(other.id) ? -1 : 1));
  const given = profile.rows({ columns: COLUMNS, rows: sorted.map(valuesOf) });
  const { rows } = await sql<CredentialId>`with given (${NAMES}) as (${given}), stored as (
      update credentials c set generation = given.generation, next_attempt_at = given.next_attempt_at, body = given.body,
        lease_holder = case when given.release = 0 then c.lease_holder end,
        lease_until = case when given.release = 0 then c.lease_until end
      from given where c.account = given.account and c.kind = given.kind and c.chain = given.chain and c.fence = given.fence
      returning c.account, c.kind, c.chain
    ), logged as (${changes.byHolderFrom('stored')})
    select account, kind, chain from stored`.execute(db);
  const stored = new Set(rows.map(keyOf));
  return writes.map(({ id }) => (stored.has(keyOf(id)) ? 'committed' : 'stale'));
}

const COLUMNS: RowSource['columns'] = [
  { name: 'account', type: 'text' },
  { name: 'kind', type: 'text' },
  { name: 'chain', type: 'text' },
  { name: 'fence', type: 'integer' },
  { name: 'generation', type: 'integer' },
  { name: 'next_attempt_at', type: 'integer' },
  { name: 'body', type: 'text' },
  { name: 'release', type: 'integer' },
];
const NAMES = sql.raw(COLUMNS.map(({ name }) => name).join(', '));

const valuesOf = ({ id, write }: Given): readonly (string | number | null)[] => [
  ...[id.account, id.kind, id.chain],
  ...[write.fence, write.generation, write.nextAttemptAt, write.body, write.release ? 1 : 0],
];

const keyOf = ({ account, kind, chain }: CredentialId): string => JSON.stringify([account, kind, chain]);
