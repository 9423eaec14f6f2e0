/**
 * What a store says of its installation: whether credentials may be issued on the strength of what is in it.
 *
 * WeChat knows one current token per AppID, so of two stores that both believe to keep it, each makes the other's
 * invalid. A store that was copied elsewhere, or that is a copy itself, says so in one setting, which every process on
 * it reads before it does anything and every 2 s from then on. While that setting suspends, nothing is issued: the one
 * gate is in `session.ts`, and no path leads around it.
 */

import { ZhongkongError } from './errors.ts';
import type { Bilingual } from './failure.ts';
import type { Directory } from './store.ts';

export type Standing =
  | { readonly state: 'active' }
  /** A restored copy. `marked`: every credential in it is marked as suspect. */
  | { readonly state: 'dormant'; readonly since: number; readonly marked: boolean }
  /** Being filled from another store by the move `run`; half of everything is missing. */
  | { readonly state: 'filling'; readonly since: number; readonly run: string }
  /**
   * Being moved to the store `to` (its place, without user and password) by the move `run`: while `copying` everything
   * goes on as ever, while `moving` nothing is issued, and then it is replaced.
   */
  | {
      readonly state: 'copying' | 'moving' | 'moved';
      readonly since: number;
      readonly run: string;
      readonly to: string;
      /** What it was before, and is again when the move is undone. */
      readonly was: 'active' | 'dormant';
    };

/** The setting. Absent in a store that never was anything but active. */
export const STANDING = 'standing';
/** Every running process has read a change of the setting after this long, ms: the poll is every 2 s. */
export const HEARD_AFTER_MS = 5000;

const STATES: ReadonlySet<unknown> = new Set(['active', 'dormant', 'filling', 'copying', 'moving', 'moved'] satisfies Standing['state'][]);
const ACTIVE: Standing = { state: 'active' };

export interface KnownStanding {
  readonly standing: Standing;
  /** As it is stored, for changing it. */
  readonly text: string | null;
}

/** Throws `config_invalid` for a standing that only later code knows: it must not be taken for less than it is. */
export async function readStanding(directory: Pick<Directory, 'setting'>): Promise<KnownStanding> {
  const text = await directory.setting(STANDING);
  const standing = text === null ? ACTIVE : (JSON.parse(text) as Standing);
  if (STATES.has(standing.state)) return { standing, text };
  throw new ZhongkongError('config_invalid', {
    en: 'the store is in a state that this version of Zhongkong does not know',
    zh: '存储处于当前版本的 Zhongkong 无法识别的状态',
  });
}

/** Throws `conflict` when somebody else changed it since it was read. */
export async function changeStanding(directory: Directory, known: KnownStanding, next: Standing): Promise<KnownStanding> {
  const text = JSON.stringify(next);
  if (await directory.putSetting(STANDING, known.text, text)) return { standing: next, text };
  throw new ZhongkongError('conflict', {
    en: 'another process is moving or restoring this store',
    zh: '另一个进程正在迁移或恢复此存储',
  });
}

/** Why nothing is issued, for callers and operators; places are left out, since not everybody may know them. */
export interface Suspension {
  readonly code: 'restored_copy' | 'store_moving' | 'store_moved';
  /** Store time, epoch ms. */
  readonly since: number;
  readonly message: Bilingual;
  readonly advice: Bilingual;
  /** Somebody else keeps these credentials now and may replace them any time. */
  readonly elsewhere: boolean;
  /** Leases can be had, so that a value can be probed; else they are all with who moves the store. */
  readonly leases: boolean;
}

type Kind = Omit<Suspension, 'since'>;

const RESTORED: Kind = {
  code: 'restored_copy',
  message: {
    en: 'this store is a restored copy that was not activated: no credential is issued',
    zh: '此存储是恢复出来的副本，尚未激活，不会签发任何凭据',
  },
  advice: {
    en: 'If it replaces the original for good and no server uses the original any more, run "zhongkong restore --activate" here.',
    zh: '如果它将永久取代原来的存储，且已没有服务在使用原存储，请在此执行 “zhongkong restore --activate”。',
  },
  elsewhere: false,
  leases: true,
};
const MOVING: Kind = {
  code: 'store_moving',
  message: {
    en: 'this store is being moved to another: until that is done no credential is issued and nothing can be changed',
    zh: '此存储正在迁移到另一存储，完成之前不签发凭据，也不能修改数据',
  },
  advice: {
    en: 'Wait for "zhongkong migrate --to" to end, then start the server on the new store. If it was cut off, run it again, or "zhongkong migrate --undo".',
    zh: '请等待 “zhongkong migrate --to” 结束，再用新存储启动服务；若它中途被打断，请重新执行，或执行 “zhongkong migrate --undo”。',
  },
  elsewhere: false,
  leases: false,
};
const MOVED: Kind = {
  code: 'store_moved',
  message: {
    en: 'this store was moved to another: no credential is issued here any more and nothing can be changed',
    zh: '此存储已迁移到另一存储，不再签发凭据，也不能修改数据',
  },
  advice: {
    en: 'Start the server on the new store and stop this one. To give the move up: "zhongkong migrate --undo", with no server on the new store.',
    zh: '请用新存储启动服务并停掉当前服务。如要放弃迁移：先确认没有服务在使用新存储，再执行 “zhongkong migrate --undo”。',
  },
  elsewhere: true,
  leases: false,
};

const SUSPENSIONS: Readonly<Record<Exclude<Standing['state'], 'copying'>, Kind | null>> = {
  active: null,
  dormant: RESTORED,
  filling: MOVING,
  moving: MOVING,
  moved: MOVED,
};

/** Whether a cause of this code means that nothing is issued. */
export const isSuspension = (code: string): boolean => Object.values(SUSPENSIONS).some((kind) => kind?.code === code);

export function suspensionOf(standing: Standing): Suspension | null {
  // While it is being copied it is what it was.
  const kind = SUSPENSIONS[standing.state === 'copying' ? standing.was : standing.state];
  return kind && standing.state !== 'active' ? { ...kind, since: standing.since } : null;
}

/** What who asked for something gets that would need an issue. */
export const suspendedError = ({ message, advice }: Suspension): ZhongkongError =>
  new ZhongkongError('issuing_suspended', message, { advice });
