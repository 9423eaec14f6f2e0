/**
 * Marks a whole store as a restored copy: dormant, every credential suspect, every fence raised by more than the
 * original can have given since. Dormant first, so that cut off anywhere it issues nothing; what is marked twice is only
 * more suspect.
 */

import { decodeRecord, encodeRecord } from '../../core/codec.ts';
import { ZhongkongError } from '../../core/errors.ts';
import type { Seal } from '../../core/seal.ts';
import { changeStanding, type KnownStanding, readStanding, STANDING } from '../../core/standing.ts';
import type { ArchivedCredential, Directory, Store } from '../../core/store.ts';
import { restored } from '../../core/transition.ts';
import { asTheyAre, holdAll } from './held.ts';
import type { Pace } from './pace.ts';

export interface MarkOptions {
  readonly store: Store;
  /** For messages. */
  readonly place: string;
  readonly seal: Seal;
  /** Names this run; unique. */
  readonly run: string;
  readonly pace: Pace;
  /** Nobody else can have it open. Default false: each credential is marked under its lease. */
  readonly alone?: boolean;
}

export interface Marked {
  readonly credentials: number;
  /** Of them, those that the master key does not open: as of no use before as after. */
  readonly unreadable: number;
}

/** As many leases as an original cannot have given in the life of any copy. */
export const FENCE_STEP = 2 ** 32;
/** Long enough for one page, short enough for a run that was cut off, ms. */
export const LEASE_MS = 60_000;

/** Throws ZhongkongError `conflict` for a store that is being moved, or was. */
export async function markRestored({ store, place, seal, run, pace, alone = false }: MarkOptions): Promise<Marked> {
  const { directory, credentials } = store;
  const known = await readStanding(directory);
  if (known.standing.state !== 'active' && known.standing.state !== 'dormant') {
    const state = known.standing.state === 'filling' ? 'filling' : 'moved';
    throw new ZhongkongError('conflict', WRONG_STATE[state](place));
  }
  const since = await credentials.now();
  const dormant = await changeStanding(directory, known, { state: 'dormant', since, marked: false });
  const holder = `mark ${run}`;
  const assertOurs = (): Promise<void> => stillOurs(directory, dormant, pace);
  const pages = alone ? asTheyAre(store, holder) : holdAll({ store, holder, durationMs: LEASE_MS, pace, assertOurs });
  const marked = await markAll(store, seal, pages, pace);
  await directory.appendAudit([
    { at: since, action: 'store.restored', actor: 'cli', subject: '', data: { credentials: marked.credentials } },
  ]);
  await changeStanding(directory, dormant, { state: 'dormant', since, marked: true });
  return marked;
}

/** Every credential that `pages` holds; the standing is the caller's matter, and has to suspend until this is done. */
export async function markAll(
  { archive, credentials }: Store,
  seal: Seal,
  pages: AsyncIterable<readonly ArchivedCredential[]>,
  pace: Pace,
): Promise<Marked> {
  await archive.raiseFenceFloor((await archive.fenceFloor()) + FENCE_STEP);
  let count = 0;
  let unreadable = 0;
  for await (const page of pages) {
    const now = await credentials.now();
    const marked = page.map((row) => mark(row, seal, now));
    await archive.put({ credentials: marked.map(({ row }) => row) });
    count += page.length;
    unreadable += marked.filter(({ opened }) => !opened).length;
    pace.wrote('credentials', page.length);
  }
  return { credentials: count, unreadable };
}

/** Throws `conflict` once the operator wants an end, or another process changed the standing. */
export async function stillOurs(directory: Pick<Directory, 'setting'>, known: KnownStanding, pace: Pace): Promise<void> {
  pace.assertGoingOn();
  if ((await directory.setting(STANDING)) === known.text) return;
  throw new ZhongkongError('conflict', {
    en: 'another process is moving or restoring this store, or undid that',
    zh: '另一个进程正在迁移或恢复此存储，或已将其撤销',
  });
}

function mark(row: ArchivedCredential, seal: Seal, now: number): { readonly row: ArchivedCredential; readonly opened: boolean } {
  const raised = { ...row, fence: row.fence + FENCE_STEP };
  if (row.body === null) return { row: raised, opened: true };
  try {
    const body = encodeRecord(restored(decodeRecord(row.id, row.body, seal), now), seal);
    return { row: { ...raised, body, nextAttemptAt: row.nextAttemptAt === null ? null : now }, opened: true };
  } catch (error) {
    if (error instanceof ZhongkongError && error.code === 'unseal_failed') return { row: raised, opened: false };
    throw error;
  }
}

const WRONG_STATE = {
  filling: (place: string) => ({ en: `${place} is half filled by a move`, zh: `${place} 只迁入了一部分` }),
  moved: (place: string) => ({ en: `${place} was moved, or is being moved`, zh: `${place} 已迁移或正在迁移` }),
} as const;

/** Ends the dormancy: what is suspect is asked for anew. False when it was active already. */
export async function activate(store: Store, place: string): Promise<boolean> {
  const { directory, credentials } = store;
  const known = await readStanding(directory);
  const { standing } = known;
  if (standing.state === 'active') return false;
  if (standing.state !== 'dormant') {
    throw new ZhongkongError('conflict', WRONG_STATE[standing.state === 'filling' ? 'filling' : 'moved'](place));
  }
  if (!standing.marked) {
    throw new ZhongkongError(
      'conflict',
      { en: `${place} is not wholly marked as a restored copy`, zh: `${place} 尚未完整标记为恢复副本` },
      { advice: { en: 'Run "zhongkong restore --mark" again first.', zh: '请先重新执行 “zhongkong restore --mark”。' } },
    );
  }
  await directory.appendAudit([{ at: await credentials.now(), action: 'store.activated', actor: 'cli', subject: '', data: {} }]);
  await changeStanding(directory, known, { state: 'active' });
  return true;
}
