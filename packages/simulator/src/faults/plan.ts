/** What the faults that hit one call add up to. Before: nothing reached WeChat. After: it did its work. */
import type { ChainName } from '../state/chain.ts';
import type { IssueEffects } from '../state/issuer.ts';
import type { Answer } from '../wire.ts';

/** What the caller gets instead of WeChat's answer. */
export type Instead =
  | { readonly kind: 'drop' }
  | { readonly kind: 'hang' }
  | { readonly kind: 'errcode'; readonly errcode: number; readonly errmsg: string | undefined }
  | { readonly kind: 'answer'; readonly answer: Answer };

export type When = 'before' | 'after';

export interface Plan {
  readonly delayMs: Record<When, number>;
  readonly instead: Record<When, Instead | null>;
  readonly rogue: Record<When, { chain: ChainName; force: boolean }[]>;
  readonly effects: IssueEffects;
  /** Changes to the answer, in order. */
  readonly edits: ((answer: Answer) => Answer)[];
  /** Break the connection after so many bytes of the body. */
  cutAt: number | null;
  dateSkewMs: number;
}

export const emptyPlan = (): Plan => ({
  delayMs: { before: 0, after: 0 },
  instead: { before: null, after: null },
  rogue: { before: [], after: [] },
  effects: {},
  edits: [],
  cutAt: null,
  dateSkewMs: 0,
});
