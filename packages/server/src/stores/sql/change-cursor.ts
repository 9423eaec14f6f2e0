/**
 * A reader's place in the change log: the last number it saw, and the numbers below it that were not there yet.
 *
 * A gap is either a transaction that has its number and is not committed, or one that was rolled back. It is looked
 * for until it shows, or is too old to be a transaction that still runs. Text: `120` or `120;117@1754000000000,…`.
 */

interface Gap {
  readonly seq: number;
  /** When it was first missed, epoch ms of the store. */
  readonly at: number;
}

export interface ChangeCursor {
  readonly last: number;
  /** In the order of their numbers. */
  readonly gaps: readonly Gap[];
}

/**
 * No transaction of ours lives this long, ms: one that idles is ended by the server after 10 s (60 s on MySQL), and a
 * statement ends after 10 s. The number is taken by the last statement of a transaction.
 */
export const GAP_PATIENCE_MS = 120_000;
/** More than this is no longer a matter of a few slow transactions. */
export const MAX_GAPS = 500;

const TEXT = /^(\d{1,16})(?:;(\d{1,16}@\d{1,16}(?:,\d{1,16}@\d{1,16})*))?$/;

/** Null for what is none of ours. */
export function parseCursor(text: string): ChangeCursor | null {
  const [, last, gaps] = TEXT.exec(text) ?? [];
  if (last === undefined || !Number.isSafeInteger(Number(last))) return null;
  const list = (gaps?.split(',') ?? []).map((gap) => gap.split('@').map(Number));
  return { last: Number(last), gaps: list.map(([seq = 0, at = 0]) => ({ seq, at })) };
}

export function cursorText({ last, gaps }: ChangeCursor): string {
  if (gaps.length === 0) return String(last);
  return `${last};${gaps.map(({ seq, at }) => `${seq}@${at}`).join(',')}`;
}

/** Numbers between `last` and the end of `seqs` (growing) that are not among them; at most a few more than are kept. */
export function gapsAmong(last: number, seqs: readonly number[]): readonly number[] {
  const missing: number[] = [];
  let expected = last + 1;
  for (const seq of seqs) {
    for (; expected < seq && missing.length <= MAX_GAPS; expected += 1) missing.push(expected);
    expected = seq + 1;
  }
  return missing;
}

export interface Progress {
  /** New numbers, growing. */
  readonly seqs: readonly number[];
  /** Gaps that have shown. */
  readonly late: readonly number[];
  /** Changes up to here are gone from the log. */
  readonly pruned: number;
  /** The store's clock, epoch ms. */
  readonly at: number;
  /** Too many gaps: keep the newest. Else they are an overflow. */
  readonly bounded?: true;
}

/** The cursor after `progress`; null when something may have been missed: the reader has to drop everything. */
export function advanced(from: ChangeCursor, { seqs, late, pruned, at, bounded }: Progress): ChangeCursor | null {
  const isOpen = ({ seq, at: since }: Gap): boolean => !late.includes(seq) && at - since < GAP_PATIENCE_MS;
  const gaps = [...from.gaps.filter(isOpen), ...gapsAmong(from.last, seqs).map((seq) => ({ seq, at }))];
  // It may have been committed and pruned since.
  if (gaps.some(({ seq }) => seq <= pruned)) return null;
  if (gaps.length > MAX_GAPS && !bounded) return null;
  return { last: seqs.at(-1) ?? from.last, gaps: gaps.slice(-MAX_GAPS) };
}
