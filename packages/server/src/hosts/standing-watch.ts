/**
 * What this process knows of its store's standing, and what follows from it: a store that was moved takes no changes of
 * accounts and keys, since nobody would carry them over.
 *
 * A process that starts refuses a store that is half filled, being moved, or moved: `refuseUnlessOurs`.
 */

import { ZhongkongError } from '../core/errors.ts';
import type { Bilingual } from '../core/failure.ts';
import { readStanding, type Standing, type Suspension, suspendedError, suspensionOf } from '../core/standing.ts';
import type { Directory } from '../core/store.ts';
import { withMethods } from './port-methods.ts';

export class StandingWatch {
  #standing: Standing;
  #suspension: Suspension | null;

  constructor(standing: Standing) {
    this.#standing = standing;
    this.#suspension = suspensionOf(standing);
  }

  get standing(): Standing {
    return this.#standing;
  }

  readonly suspended = (): Suspension | null => this.#suspension;

  /** True when what is told of it is another than before. */
  async look(directory: Directory): Promise<boolean> {
    const { standing } = await readStanding(directory);
    const before = this.#suspension?.code;
    this.#standing = standing;
    this.#suspension = suspensionOf(standing);
    return before !== this.#suspension?.code;
  }

  /** The directory, refusing to be changed while its accounts and keys are with another store. */
  guard(directory: Directory): Directory {
    return withMethods(directory, (name, method) => {
      if (!GUARDED.has(name)) return method;
      return async (...args) => {
        const suspension = this.#suspension;
        if (suspension && !suspension.leases) throw suspendedError(suspension);
        return method(...args);
      };
    });
  }
}

const GUARDED: ReadonlySet<string> = new Set(['putAccount', 'removeAccount', 'putKey'] satisfies (keyof Directory)[]);

/** Throws `config_invalid` for a store that is not to be started on. */
export function refuseUnlessOurs(standing: Standing, place: string): void {
  const refusal = REFUSALS[standing.state]?.(place, 'to' in standing ? standing.to : '');
  if (refusal) throw new ZhongkongError('config_invalid', refusal, { advice: refusal.advice });
}

const REFUSALS: Readonly<Partial<Record<Standing['state'], (place: string, to: string) => Bilingual & { readonly advice: Bilingual }>>> = {
  filling: (place) => ({
    en: `${place} is half filled: a move to it was not finished`,
    zh: `${place} 只迁入了一部分：向它的迁移没有完成`,
    advice: {
      en: 'Run "zhongkong migrate --to" again with the configuration of the old store: it starts over and finishes.',
      zh: '请用原存储的配置重新执行 “zhongkong migrate --to”，它会从头再来并完成迁移。',
    },
  }),
  moving: (place, to) => ({
    en: `${place} is being moved to ${to}, or a move to it was cut off`,
    zh: `${place} 正在迁移到 ${to}，或迁移中途被打断`,
    advice: {
      en: 'Run "zhongkong migrate --to" again to finish the move, or "zhongkong migrate --undo" to give it up.',
      zh: '请重新执行 “zhongkong migrate --to” 完成迁移，或执行 “zhongkong migrate --undo” 放弃迁移。',
    },
  }),
  moved: (place, to) => ({
    en: `${place} was moved to ${to}`,
    zh: `${place} 已迁移到 ${to}`,
    advice: {
      en: 'Set the option store to that one. To give the move up: "zhongkong migrate --undo", with no server on the new store.',
      zh: '请把配置项 store 改为新存储。如要放弃迁移：先确认没有服务在使用新存储，再执行 “zhongkong migrate --undo”。',
    },
  }),
};
