/**
 * The way back from a move: the old store issues again.
 *
 * Of a move that was not finished nobody can have used the target, so only leases and mark are taken back. After one
 * that was, the target may have issued: then every credential here is marked as suspect first, as in a restored copy.
 */

import { ZhongkongError } from '../../core/errors.ts';
import type { Seal } from '../../core/seal.ts';
import { changeStanding, readStanding } from '../../core/standing.ts';
import type { Store } from '../../core/store.ts';
import { endAll } from './held.ts';
import { markRestored } from './mark.ts';
import { holderOf, standingOf } from './move.ts';
import type { Pace } from './pace.ts';

export interface UndoOptions {
  readonly store: Store;
  /** For messages. */
  readonly place: string;
  readonly seal: Seal;
  readonly run: string;
  readonly pace: Pace;
}

/** Where it had been moved to. Throws `conflict` when there is nothing to undo. */
export async function undoMove(options: UndoOptions): Promise<{ readonly to: string; readonly finished: boolean }> {
  const { store, place } = options;
  const { directory, credentials } = store;
  const known = await readStanding(directory);
  const { standing } = known;
  if (standing.state !== 'moving' && standing.state !== 'moved') {
    throw new ZhongkongError('conflict', { en: `${place} was not moved`, zh: `${place} 没有被迁移过` });
  }
  const { to, was, run } = standing;
  const finished = standing.state === 'moved';
  await endAll(store, holderOf(run));
  if (finished) {
    await changeStanding(directory, known, standingOf('dormant'));
    await markRestored(options);
  }
  const at = await credentials.now();
  await directory.appendAudit([{ at, action: 'store.move_undone', actor: 'cli', subject: '', data: { to, finished } }]);
  await changeStanding(directory, await readStanding(directory), standingOf(was));
  return { to, finished };
}
