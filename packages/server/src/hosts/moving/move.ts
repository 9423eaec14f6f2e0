/**
 * Moves everything from one store to another while a server may be running on the first.
 *
 * Invariant: of the two, at most one ever lets anybody issue. Marks first: the source is `copying`, the target is
 * `filling` and nobody starts on it. What takes long is copied then, beside servers that go on issuing. Then the source
 * is `moving`: each credential is copied under a lease that is never given back, so whatever was committed before is in
 * the copy and nothing is committed after. Last the source becomes `moved`, and only then the target loses its mark. Cut
 * off anywhere, a second run starts over; whatever fails takes the first marks back.
 *
 * What a server on the source changes until it has heard is found in the change log and carried over.
 */

import { ZhongkongError } from '../../core/errors.ts';
import type { Bilingual } from '../../core/failure.ts';
import { changeStanding, HEARD_AFTER_MS, type KnownStanding, readStanding, STANDING, type Standing } from '../../core/standing.ts';
import type { Census, Store } from '../../core/store.ts';
import { assertNoRotation } from '../master-key.ts';
import { Copy } from './copy.ts';
import { endAll, FOR_EVER_MS } from './held.ts';
import { stillOurs } from './mark.ts';
import type { Pace } from './pace.ts';

export interface Side {
  readonly store: Store;
  /** For messages: without user and password. */
  readonly place: string;
}

export interface MoveOptions {
  readonly source: Side;
  readonly target: Side;
  /** Names a new run; unique. */
  readonly run: string;
  readonly pace: Pace;
}

/** The setting by which a store recognises its master key. */
const MASTER_KEY = 'master_key';

export interface Moved {
  readonly census: Census;
  /** How long nothing was issued on either store. */
  readonly suspendedMs: number;
}

export const holderOf = (run: string): string => `move ${run}`;

/** What was moved. Throws ZhongkongError with nothing changed on the source. */
export async function moveStore(options: MoveOptions): Promise<Moved> {
  const { source, target, pace } = options;
  const { directory } = source.store;
  const before = await readStanding(directory);
  const there = await readStanding(target.store.directory);
  const resumed = resumable(before.standing, there.standing);
  if (!resumed) await assertMovable(before.standing, source);
  const { run, was } = resumed ?? { run: options.run, was: stateOf(before.standing) };
  const since = Date.now();
  const holder = holderOf(run);
  const mark = (state: 'copying' | 'moving' | 'moved'): Standing => ({ state, since, run, to: target.place, was });
  let known = await changeStanding(directory, before, mark('copying'));
  let filling: KnownStanding | null = null;
  try {
    // After the mark: a rotation that begins now sees it and leaves off.
    await assertNoRotation(directory, source.place);
    filling = await claimTarget(options, run, since);
    // Of a run that was cut off: what it held is issued again until its turn comes.
    if (resumed) await endAll(source.store, holder);
    const assertOurs = (): Promise<void> => stillOurs(directory, known, pace);
    const copy = await Copy.start({ store: source.store, holder, durationMs: FOR_EVER_MS, pace, assertOurs }, target.store);
    await copy.besideServers();
    await assertOurs();
    const suspendedAt = pace.now();
    known = await changeStanding(directory, known, mark('moving'));
    const census = await copy.whileNobodyIssues(source.place, suspendedAt + HEARD_AFTER_MS);
    await assertOurs();
    const data = { from: source.place, to: target.place };
    await target.store.directory.appendAudit([{ at: since, action: 'store.moved', actor: 'cli', subject: '', data }]);
    known = await changeStanding(directory, known, mark('moved'));
    await changeStanding(
      target.store.directory,
      filling,
      was === 'active' ? { state: 'active' } : { state: 'dormant', since, marked: true },
    );
    return { census, suspendedMs: pace.now() - suspendedAt };
  } catch (error) {
    const isBack = await giveBack(source.store, known, run, was, error);
    // Best effort: what cannot be emptied says that it is half filled, and is refused by whoever starts on it.
    if (isBack && filling) await unclaim(target.store, filling).catch(() => undefined);
    throw error;
  }
}

const stateOf = ({ state }: Standing): 'active' | 'dormant' => (state === 'dormant' ? 'dormant' : 'active');

/** The run that was cut off between these two stores. */
function resumable(source: Standing, target: Standing): { readonly run: string; readonly was: 'active' | 'dormant' } | null {
  if (!('to' in source) || target.state !== 'filling' || source.run !== target.run) return null;
  return { run: source.run, was: source.was };
}

async function assertMovable(standing: Standing, { store, place }: Side): Promise<void> {
  if (standing.state === 'filling') {
    throw refused({ en: `${place} is itself half filled by a move`, zh: `${place} 本身只迁入了一部分` });
  }
  if (standing.state === 'moved') {
    throw refused(
      { en: `${place} was moved to ${standing.to} already`, zh: `${place} 已迁移到 ${standing.to}` },
      {
        en: 'Start the server on that store, or give the move up with "zhongkong migrate --undo".',
        zh: '请用那个存储启动服务，或执行 “zhongkong migrate --undo” 放弃迁移。',
      },
    );
  }
  if (standing.state === 'moving' || standing.state === 'copying') {
    throw refused(
      { en: `a move of ${place} to ${standing.to} was cut off, or is running`, zh: `${place} 向 ${standing.to} 的迁移被打断，或正在进行` },
      {
        en: 'Name that store to finish the move, or give it up with "zhongkong migrate --undo".',
        zh: '请指定同一个目标存储以完成迁移，或执行 “zhongkong migrate --undo” 放弃。',
      },
    );
  }
  if (standing.state === 'dormant' && !standing.marked) {
    throw refused({ en: `${place} is a restored copy that is not wholly marked`, zh: `${place} 是尚未标记完的恢复副本` });
  }
  if ((await store.directory.setting(MASTER_KEY)) === null) {
    throw refused({ en: `${place} was never used: there is nothing to move`, zh: `${place} 从未使用过，没有可迁移的内容` });
  }
}

/** Marks the target as being filled, empty but for what was sealed with the same master key. */
async function claimTarget({ source, target }: MoveOptions, run: string, since: number): Promise<KnownStanding> {
  const { directory, archive } = target.store;
  // Read after the source was marked: if this is the source under another name, it says so.
  const there = await readStanding(directory);
  const { standing } = there;
  if (standing.state === 'copying' && standing.run === run) {
    throw refused(
      { en: `${source.place} and ${target.place} are one store`, zh: `${source.place} 与 ${target.place} 是同一个存储` },
      { en: 'Name another one, new and empty.', zh: '请指定另一个全新的空存储。' },
    );
  }
  const key = await directory.setting(MASTER_KEY);
  if (key !== null && key !== (await source.store.directory.setting(MASTER_KEY))) {
    throw refused(
      { en: `${target.place} was sealed with another master key`, zh: `${target.place} 使用的是另一个主密钥` },
      { en: 'Choose a new, empty store.', zh: '请换用全新的空存储。' },
    );
  }
  if (standing.state === 'filling' && standing.run !== run) {
    throw refused(
      { en: `${target.place} is half filled by another move`, zh: `${target.place} 正由另一次迁移写入，或只迁入了一部分` },
      { en: 'Empty it (drop and make the database again), or choose another.', zh: '请清空它（删除并重建数据库），或换用另一个存储。' },
    );
  }
  if (standing.state !== 'filling') await assertEmpty(target);
  const filling = await changeStanding(directory, there, { state: 'filling', since, run });
  await archive.clear();
  return filling;
}

async function unclaim({ archive, directory }: Store, filling: KnownStanding): Promise<void> {
  if ((await directory.setting(STANDING)) !== filling.text) return;
  await archive.clear();
  await changeStanding(directory, filling, { state: 'active' });
}

async function assertEmpty({ store: { archive }, place }: Side): Promise<void> {
  const settings = (await archive.settings()).filter(({ name }) => name !== STANDING && name !== MASTER_KEY);
  const found = Object.entries({ ...(await archive.census()), settings: settings.length }).filter(([, count]) => count > 0);
  if (found.length === 0) return;
  const list = found.map(([what, count]) => `${what} ${count}`).join(', ');
  throw refused(
    { en: `${place} is not empty (${list})`, zh: `${place} 不是空的（${list}）` },
    {
      en: 'Choose a new, empty store; start no server on it before the move.',
      zh: '请换用全新的空存储，迁移之前不要在它上面启动服务。',
    },
  );
}

/** The source as it was, true when that is done. When not even that works, the operator has to hear of both. */
async function giveBack(source: Store, known: KnownStanding, run: string, was: 'active' | 'dormant', error: unknown): Promise<boolean> {
  try {
    const { standing, text } = await readStanding(source.directory);
    const isOurs = text === known.text;
    // Nobody must be on both: once it is known to be moved, only the operator may go back. And another process may have
    // taken this very run up; its leases are that one's then.
    if (isOurs ? standing.state === 'moved' : 'run' in standing && standing.run === run) return false;
    await endAll(source, holderOf(run));
    if (isOurs) await changeStanding(source.directory, known, standingOf(was));
    return true;
  } catch (cause) {
    const first = error instanceof ZhongkongError ? error.text : { en: 'unexpected fault', zh: '意外错误' };
    throw new ZhongkongError(
      'store_unavailable',
      { en: `${first.en}; and the old store could not be given back`, zh: `${first.zh}；而且原存储未能恢复原状` },
      {
        cause,
        advice: {
          en: 'Once both stores answer: run the move again, or "zhongkong migrate --undo". Until then nothing is issued.',
          zh: '待两个存储都恢复后，请重新执行迁移，或执行 “zhongkong migrate --undo”；在此之前不会签发凭据。',
        },
      },
    );
  }
}

export const standingOf = (was: 'active' | 'dormant'): Standing =>
  was === 'active' ? { state: 'active' } : { state: 'dormant', since: Date.now(), marked: true };

function refused(text: Bilingual, advice: Bilingual | null = null): ZhongkongError {
  return new ZhongkongError('conflict', text, advice === null ? {} : { advice });
}
