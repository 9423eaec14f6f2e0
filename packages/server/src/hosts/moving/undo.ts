/**
 * The way back from a move: the old store issues again.
 *
 * Of a move that was not finished nobody can have used the target, so only leases and mark are taken back. After one
 * that was, the target may have issued: then every credential here is marked as suspect first, as in a restored copy. The
 * store stays `moved` until all are, so that an undo that is cut off can only be run again.
 */

import { ZhongkongError } from '../../core/errors.ts';
import type { Seal } from '../../core/seal.ts';
import { changeStanding, readStanding } from '../../core/standing.ts';
import type { Store } from '../../core/store.ts';
import { endAll, holdAll } from './held.ts';
import { LEASE_MS, markAll, stillOurs } from './mark.ts';
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
export async function undoMove({
  store,
  place,
  seal,
  run,
  pace,
}: UndoOptions): Promise<{ readonly to: string; readonly finished: boolean }> {
  const { directory, credentials } = store;
  const known = await readStanding(directory);
  const { standing } = known;
  if (!('to' in standing)) {
    throw new ZhongkongError(
      'conflict',
      { en: `${place} was not moved`, zh: `${place} 没有被迁移过` },
      {
        advice: {
          en: 'Run it with the configuration of the old store, the one that was moved away from.',
          zh: '请使用原存储（迁出的那个）的配置执行本命令。',
        },
      },
    );
  }
  const { to, was } = standing;
  const finished = standing.state === 'moved';
  await endAll(store, holderOf(standing.run));
  if (finished) {
    const assertOurs = (): Promise<void> => stillOurs(directory, known, pace);
    await markAll(store, seal, holdAll({ store, holder: `undo ${run}`, durationMs: LEASE_MS, pace, assertOurs }), pace);
  }
  const at = await credentials.now();
  await directory.appendAudit([{ at, action: 'store.move_undone', actor: 'cli', subject: '', data: { to, finished } }]);
  await changeStanding(directory, known, standingOf(was));
  return { to, finished };
}
