/**
 * Moves everything from one store to another while a server may be running on the first.
 *
 * Invariant: of the two, at most one ever lets anybody issue. Marks first: the source is `moving`, the target is
 * `filling` and nobody starts on it. Then each credential is copied under a lease that is never given back, so whatever
 * was committed before is in the copy and nothing is committed after. Last the source becomes `moved`, and only then
 * the target loses its mark. Cut off anywhere, a second run starts over; whatever fails takes the first marks back.
 *
 * What a server on the source changes in the few seconds until it has heard is found in the change log and carried over.
 */

import { ZhongkongError } from '../../core/errors.ts';
import type { Bilingual } from '../../core/failure.ts';
import { changeStanding, HEARD_AFTER_MS, type KnownStanding, readStanding, STANDING, type Standing } from '../../core/standing.ts';
import type { Census, Page, Store } from '../../core/store.ts';
import { assertNoRotation } from '../master-key.ts';
import { CatchUp } from './catch-up.ts';
import { endAll, FOR_EVER_MS, holdAll, PAGE } from './held.ts';
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
/** Rounds of catching up before giving up: each carries over what was changed during the one before. */
const MAX_ROUNDS = 20;
const ROUND_MS = 200;

export const holderOf = (run: string): string => `move ${run}`;

/** What was moved. Throws ZhongkongError with nothing changed on the source. */
export async function moveStore(options: MoveOptions): Promise<Census> {
  const { source, target, pace } = options;
  const before = await readStanding(source.store.directory);
  const there = await readStanding(target.store.directory);
  const resumed = resumable(before.standing, there.standing);
  if (!resumed) await assertMovable(before.standing, source);
  const run = resumed?.run ?? options.run;
  const was = before.standing.state === 'moving' || before.standing.state === 'moved' ? before.standing.was : stateOf(before.standing);
  const since = Date.now();
  const moving = await changeStanding(source.store.directory, before, { state: 'moving', since, run, to: target.place, was });
  let filling: KnownStanding | null = null;
  try {
    // After the mark: a rotation that begins now sees it and leaves off.
    await assertNoRotation(source.store.directory, source.place);
    const startedAt = pace.now();
    filling = await claimTarget(options, run, since);
    const census = await copy(options, run, startedAt + HEARD_AFTER_MS);
    pace.assertGoingOn();
    const data = { from: source.place, to: target.place };
    await target.store.directory.appendAudit([{ at: since, action: 'store.moved', actor: 'cli', subject: '', data }]);
    await changeStanding(source.store.directory, moving, { state: 'moved', since, run, to: target.place, was });
    await changeStanding(
      target.store.directory,
      filling,
      was === 'active' ? { state: 'active' } : { state: 'dormant', since, marked: true },
    );
    return census;
  } catch (error) {
    const isBack = await giveBack(source.store, moving, run, was, error);
    // Best effort: what cannot be emptied says that it is half filled, and is refused by whoever starts on it.
    if (isBack && filling) await unclaim(target.store, filling).catch(() => undefined);
    throw error;
  }
}

const stateOf = ({ state }: Standing): 'active' | 'dormant' => (state === 'dormant' ? 'dormant' : 'active');

/** The run that was cut off between these two stores. */
function resumable(source: Standing, target: Standing): { readonly run: string } | null {
  const begun = source.state === 'moving' || source.state === 'moved';
  return begun && target.state === 'filling' && source.run === target.run ? { run: source.run } : null;
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
  if (standing.state === 'moving') {
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
  if (standing.state === 'moving' && standing.run === run) {
    throw refused({ en: `${source.place} and ${target.place} are one store`, zh: `${source.place} 与 ${target.place} 是同一个存储` });
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

/** `heardAt`: from then on every server on the source knows that nothing may be changed. */
async function copy({ source, target, pace }: MoveOptions, run: string, heardAt: number): Promise<Census> {
  const [from, to] = [source.store, target.store];
  const holder = holderOf(run);
  const holding = { store: from, holder, durationMs: FOR_EVER_MS, pace };
  const catchUp = await CatchUp.start(holding, to);
  for await (const accounts of pages((page) => from.directory.accounts(page), pace)) {
    await to.archive.put({ accounts });
    pace.wrote('accounts', accounts.length);
    await catchUp.listen();
  }
  for await (const keys of pages((page) => from.directory.keys(page), pace)) {
    await to.archive.put({ keys });
    pace.wrote('keys', keys.length);
    await catchUp.listen();
  }
  for await (const credentials of holdAll(holding)) {
    await to.archive.put({ credentials });
    pace.wrote('credentials', credentials.length);
    catchUp.reached(credentials);
    await catchUp.listen();
  }
  await to.archive.raiseFenceFloor(await from.archive.fenceFloor());
  await pace.sleep(Math.max(0, heardAt - pace.now()));
  for (let round = 0; ; round += 1) {
    pace.assertGoingOn();
    const quiet = !(await catchUp.run());
    const [here, there] = [await from.archive.census(), await to.archive.census()];
    if (quiet && same(here, there)) break;
    await pace.sleep(ROUND_MS);
    if (round < MAX_ROUNDS) continue;
    throw refused(
      { en: `${source.place} keeps changing`, zh: `${source.place} 一直有改动` },
      { en: 'Let nothing change accounts and keys meanwhile, and run it again.', zh: '请在迁移期间停止修改账号和 key，然后重新执行。' },
    );
  }
  await copySettings(from, to);
  return from.archive.census();
}

const same = (a: Census, b: Census): boolean =>
  a.accounts === b.accounts && a.keys === b.keys && a.credentials === b.credentials && a.audit === b.audit;

async function copySettings({ archive }: Store, { directory }: Store): Promise<void> {
  for (const { name, value } of await archive.settings()) {
    if (name !== STANDING) await directory.putSetting(name, await directory.setting(name), value);
  }
}

async function* pages<T extends { readonly id: string }>(
  read: (page: Page) => Promise<readonly T[]>,
  pace: Pace,
): AsyncGenerator<readonly T[]> {
  for (let after: string | null = null; ; ) {
    pace.assertGoingOn();
    const page: readonly T[] = await read({ after, limit: PAGE });
    if (page.length > 0) yield page;
    if (page.length < PAGE) return;
    after = page.at(-1)?.id ?? null;
  }
}

/** The source as it was. When not even that works, the operator has to hear of both. */
async function giveBack(source: Store, moving: KnownStanding, run: string, was: 'active' | 'dormant', error: unknown): Promise<boolean> {
  try {
    // Nobody must be on both: once it is known to be moved, only the operator may go back.
    if ((await source.directory.setting(STANDING)) !== moving.text) return false;
    await endAll(source, holderOf(run));
    await changeStanding(source.directory, moving, standingOf(was));
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
