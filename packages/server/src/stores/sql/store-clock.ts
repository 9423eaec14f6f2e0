/** The store's clock by itself; statements that decide by it have it inside (`SqlProfile.clock`). */

import { type Kysely, sql } from 'kysely';
import type { SqlProfile } from './profile.ts';
import type { Tables } from './tables.ts';

/** Epoch ms. */
export async function storeNow(db: Kysely<Tables>, { clock }: SqlProfile): Promise<number> {
  const { rows } = await sql<{ at: number }>`select ${clock()} as at`.execute(db);
  return rows[0]?.at ?? 0;
}
