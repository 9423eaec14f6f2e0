/** The place of a reader in the change log: whatever order transactions commit in, every change is seen once. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  advanced,
  type ChangeCursor,
  cursorText,
  GAP_PATIENCE_MS,
  gapsAmong,
  MAX_GAPS,
  parseCursor,
} from '../../../src/stores/sql/change-cursor.ts';

const at = 1_754_000_000_000;
const start: ChangeCursor = { last: 0, gaps: [] };

test('in any order of commits, with any looks in between, every number is seen exactly once', () => {
  const order = fc.integer({ min: 1, max: 40 }).chain((count) =>
    fc.record({
      commits: fc.shuffledSubarray(
        Array.from({ length: count }, (_, index) => index + 1),
        { minLength: 1 },
      ),
      looks: fc.array(fc.boolean(), { minLength: count, maxLength: count }),
    }),
  );
  fc.assert(
    fc.property(order, ({ commits, looks }) => {
      const visible = new Set<number>();
      const seen: number[] = [];
      let cursor: ChangeCursor | null = start;
      const look = (): void => {
        const from: ChangeCursor = cursor ?? start;
        const seqs = [...visible].filter((seq) => seq > from.last).sort((a, b) => a - b);
        const late = from.gaps.map(({ seq }) => seq).filter((seq) => visible.has(seq));
        seen.push(...late, ...seqs);
        // Over the wire and back each time.
        cursor = parseCursor(cursorText(advanced(from, { seqs, late, pruned: 0, at }) ?? start));
      };
      for (const [index, seq] of commits.entries()) {
        visible.add(seq);
        if (looks[index]) look();
      }
      look();
      expect([...seen].sort((a, b) => a - b)).toEqual([...commits].sort((a, b) => a - b));
    }),
  );
});

describe('a gap', () => {
  const withGap = advanced(start, { seqs: [1, 3], late: [], pruned: 0, at });

  test('is kept with when it was first missed, and gone once it has shown', () => {
    expect(withGap).toEqual({ last: 3, gaps: [{ seq: 2, at }] });
    expect(advanced(withGap ?? start, { seqs: [], late: [2], pruned: 0, at: at + 5 })).toEqual({ last: 3, gaps: [] });
  });

  test('is waited for until no transaction can live that long', () => {
    const later = (ms: number) => advanced(withGap ?? start, { seqs: [], late: [], pruned: 0, at: at + ms });
    expect(later(GAP_PATIENCE_MS - 1)?.gaps).toEqual([{ seq: 2, at }]);
    expect(later(GAP_PATIENCE_MS)?.gaps).toEqual([]);
  });

  test('that was pruned may have been missed: everything is to be dropped', () => {
    expect(advanced(withGap ?? start, { seqs: [], late: [], pruned: 1, at })).not.toBeNull();
    expect(advanced(withGap ?? start, { seqs: [], late: [], pruned: 2, at })).toBeNull();
  });

  test('among too many is an overflow; who begins keeps the newest', () => {
    const seqs = [MAX_GAPS + 10];
    expect(gapsAmong(0, seqs)).toHaveLength(MAX_GAPS + 1);
    expect(advanced(start, { seqs, late: [], pruned: 0, at })).toBeNull();
    expect(advanced(start, { seqs, late: [], pruned: 0, at, bounded: true })?.gaps).toHaveLength(MAX_GAPS);
  });
});

test.each(['', ' 1', '-5', '1;', '1;2', '1;2@', '1;2@3,', '1;2@3;4@5', '99999999999999999', 'nonsense'])(
  '%j is no cursor of ours',
  (text) => {
    expect(parseCursor(text)).toBeNull();
  },
);
