/** The judge can say no: each rule is fed a run in which one thing is wrong, and one in which the excuse for it holds. */

import { describe, expect, test } from 'vitest';
import { judge } from '../judge/judge.mjs';
import { isRight, summary } from '../report.mjs';
import { at, fault, madeUp, read, ROWS } from './made-up.mjs';

/** The names of the counts that are not 0. */
const wrong = (run) =>
  Object.entries(judge(run).violations).flatMap(([name, found]) => (found.length > 0 ? [`${name}: ${found.length}`] : []));

const order = { account: 'classic', node: 'node-1', at: at(100), status: null };
/** classic-2 never reached a caller; its successor came when the grace was nearly over, and ended classic-1 at once. */
const LOST = [
  ...ROWS.slice(0, 2),
  ['classic-1', 'classic', 'node-1', 0, 370.2],
  ['classic-2', 'classic', 'node-2', 100, 670.2],
  ['classic-3', 'classic', 'node-3', 370, 7570],
];
const lostRun = (more = {}) => ({
  rows: LOST,
  orders: [order],
  faults: [fault('killed', 'node-2', 100.1, 103)],
  reads: [...madeUp().reads, read('classic', 2, 'classic-3', 372)],
  stored: new Map([...madeUp().stored, ['classic', { generation: 2, fence: 3 }]]),
  ...more,
});

test('a run in which all is well has nothing to complain about', () => {
  expect(wrong(madeUp())).toEqual([]);
  expect(judge(madeUp()).counts).toMatchObject({ reads: 3, rotations: 1, lostIssues: 0 });
});

describe('right', () => {
  const result = (counts = {}, found = []) => ({
    counts: { reads: 600, rotations: 1, faults: 1, reports: {}, ...counts },
    violations: { 'reads refused': found },
    allowed: [],
    seconds: 30,
  });

  test('a run in which enough happened and nothing was wrong', () => {
    expect(isRight(result())).toBe(true);
    expect(isRight(result({}, ['one']))).toBe(false);
  });

  test.each([
    ['fewer than 20 reads a second', { reads: 599 }, '599 reads, of at least 600'],
    ['no rotation', { rotations: 0 }, '0 rotations, of at least 1'],
    ['no fault', { faults: 0 }, '0 faults, of at least 1'],
  ])('not one with %s, and it says so', (_, counts, told) => {
    expect(isRight(result(counts))).toBe(false);
    expect(summary('redis', result(counts))).toContain(`  too little happened: ${told}`);
  });
});

describe('reads', () => {
  test('one that was refused', () => {
    const refused = [{ account: 'stable', node: null, askedAt: at(3), arrivedAt: at(6), why: 'no node answered' }];
    expect(wrong(madeUp({ refused }))).toEqual(['reads refused: 1']);
  });

  test('no spare: allowed when a short classic life ended after its refresh was lost, and another fault struck just then', () => {
    const accounts = madeUp().accounts.map((account) => ({ ...account, lifeSeconds: 100 }));
    const rows = [...ROWS.slice(0, 2), ['classic-1', 'classic', 'node-1', 0, 100.2], ['classic-2', 'classic', 'node-2', 50, 150.2]];
    const lostAt50 = fault('killed', 'node-2', 50.1, 53);
    const cut = fault('store away', 'node-3', 100, 103);
    const refused = (asked) => [{ account: 'classic', node: 'node-3', askedAt: at(asked), arrivedAt: at(asked) + 500, why: '503' }];
    const run = (more) => madeUp({ accounts, rows, refused: refused(101), faults: [lostAt50, cut], ...more });
    expect(wrong(run())).toEqual([]);
    expect(judge(run()).allowed).toEqual([expect.stringMatching(/^no spare: classic by node-3 at 101.0 s after 500 ms: 503/)]);
    // Another node has got the next one by then: this one cannot have heard of it.
    const later = [...rows, ['classic-3', 'classic', 'node-1', 100.3, 200.3]];
    const reads = [...madeUp().reads, read('classic', 2, 'classic-3', 102)];
    const stored = new Map([...madeUp().stored, ['classic', { generation: 2, fence: 3 }]]);
    expect(wrong(run({ rows: later, reads, stored }))).toEqual([]);
    // While its life lasted; by a node that was well; of a real life; of a stable account.
    expect(wrong(run({ refused: refused(90), faults: [lostAt50, { ...cut, from: at(90) }] }))).toEqual(['reads refused: 1']);
    expect(wrong(run({ faults: [lostAt50, { ...cut, node: 'node-1' }] }))).toEqual(['reads refused: 1']);
    expect(wrong(run({ accounts: madeUp().accounts, orders: [{ ...order, at: at(49) }] }))).toEqual(['reads refused: 1']);
    expect(wrong(run({ refused: refused(101).map((one) => ({ ...one, account: 'stable' })) }))).toEqual(['reads refused: 1']);
  });

  test('a token that had died before the caller asked; not one that died on its way', () => {
    const late = (asked) => madeUp({ reads: [...madeUp().reads, read('stable', 1, 'stable-1', asked)] });
    expect(wrong(late(100))).toEqual(['reads of a dead token: 1']);
    expect(wrong(late(99.998))).toEqual([]);
    expect(judge(late(99.998)).counts.onTheWay).toBe(1);
  });

  test('a token that WeChat never made', () => {
    const run = madeUp({ reads: [...madeUp().reads, read('stable', 2, 'forged', 61)] });
    run.tokens.set('forged', { state: 'unknown', issued_at: null, valid_until: null });
    expect(wrong(run)).toContain('reads of a dead token: 1');
  });

  test('in doubt: allowed for 2 s after the retry that a lost answer needed, in its time, and only then', () => {
    const dead = (asked, more) => madeUp(lostRun({ reads: [...lostRun().reads, read('classic', 1, 'classic-1', asked)], ...more }));
    expect(wrong(dead(371))).toEqual([]);
    expect(judge(dead(371)).allowed).toEqual([
      expect.stringMatching(/^in doubt: …ssic-1 .* 1 reads, the last 800 ms later; replaced by …ssic-3/),
    ]);
    expect(wrong(dead(373))).toEqual(['reads of a dead token: 1']);
    // Retried at once: that alone ended it.
    const early = LOST.with(2, ['classic-1', 'classic', 'node-1', 0, 112.2]).with(4, ['classic-3', 'classic', 'node-3', 112, 7312]);
    expect(wrong(dead(113, { rows: early, reads: [read('classic', 1, 'classic-1', 113), read('classic', 2, 'classic-3', 114)] }))).toEqual([
      'reads of a dead token: 1',
    ]);
    // Without a fault nothing was to be lost.
    expect(wrong(dead(371, { faults: [] }))).toContain('reads of a dead token: 1');
  });

  describe('paused holder', () => {
    const rows = (foundAt) => [
      ...ROWS.slice(0, 2),
      ['classic-1', 'classic', 'node-1', 0, 115.2],
      ['classic-2', 'classic', 'node-3', 112, 115.2],
      ['classic-3', 'classic', 'node-2', 115, 7200],
      ...(foundAt ? [['classic-4', 'classic', 'node-2', foundAt, 7300]] : []),
    ];
    const orders = [order, { ...order, at: at(110) }];
    const run = ({ from = 100, to = 114.9, foundAt = 118, handedOutAt = [117] } = {}) =>
      madeUp({
        ...{ rows: rows(foundAt), orders, faults: [fault('stopped', 'node-2', from, to)] },
        reads: [
          ...madeUp().reads,
          read('classic', 2, 'classic-2', 114),
          ...handedOutAt.map((asked) => read('classic', 2, 'classic-2', asked)),
          ...(foundAt ? [read('classic', 3, 'classic-4', foundAt + 1)] : []),
        ],
        stored: new Map([...madeUp().stored, ['classic', { generation: foundAt ? 3 : 2, fence: 4 }]]),
      });

    test('allowed when it sent as it went on, nobody stored what it got, and that was found out', () => {
      expect(wrong(run())).toEqual([]);
      expect(judge(run()).allowed).toEqual([expect.stringMatching(/^paused holder: …ssic-2 .* replaced by …ssic-4 of node-2 3000 ms/)]);
    });

    test('not when it sent later, or had not been stopped for a lease', () => {
      expect(wrong(run({ to: 113 }))).toEqual(['reads of a dead token: 1', 'issues beyond one per rotation and crash: 1']);
      expect(wrong(run({ from: 105 }))).toEqual(['reads of a dead token: 1']);
    });

    test('not when it was never found out, or late; unless nobody was handed what it had ended', () => {
      expect(wrong(run({ foundAt: null }))).toEqual(['reads of a dead token: 1']);
      expect(wrong(run({ foundAt: 126 }))).toEqual(['reads of a dead token: 1']);
      expect(wrong(run({ foundAt: null, handedOutAt: [] }))).toEqual([]);
    });

    test('not for what was handed out long after', () => {
      expect(wrong(run({ handedOutAt: [117, 125, 126] }))).toEqual(['reads of a dead token: 1']);
    });
  });
});

describe('issues', () => {
  test('one without a reason: before its time and without an order', () => {
    const rows = ROWS.with(1, ['stable-2', 'stable', 'node-2', 40, 140]);
    expect(wrong(madeUp({ rows }))).toEqual(['issues beyond one per rotation and crash: 1']);
  });

  test('an order is a reason for one, not for two', () => {
    const rows = [...ROWS, ['classic-2', 'classic', 'node-2', 101, 7301], ['classic-3', 'classic', 'node-2', 105, 7305]];
    const reads = [...madeUp().reads, read('classic', 2, 'classic-2', 103), read('classic', 3, 'classic-3', 107)];
    const stored = new Map([...madeUp().stored, ['classic', { generation: 3, fence: 3 }]]);
    expect(wrong(madeUp({ rows, reads, stored, orders: [order, { ...order, at: at(104) }] }))).toEqual([]);
    expect(wrong(madeUp({ rows, reads, stored, orders: [order] }))).toEqual(['issues beyond one per rotation and crash: 1']);
  });

  test('one that was lost needs a fault of its own node while it was in the air', () => {
    expect(wrong(madeUp(lostRun()))).toEqual([]);
    expect(judge(madeUp(lostRun())).counts).toMatchObject({ lostIssues: 1, rotations: 2 });
    for (const faults of [
      [],
      [fault('killed', 'node-1', 100.1, 103)],
      [fault('killed', 'node-2', 90, 99)],
      [fault('killed', 'node-2', 103, 105)],
    ]) {
      expect(wrong(madeUp(lostRun({ faults })))).toEqual(['issues beyond one per rotation and crash: 1']);
    }
  });

  test('a store that was away excuses one only when it was not back in time for the last offers under the lease of 10 s', () => {
    const run = (from, to, node = 'node-2') => madeUp(lostRun({ faults: [fault('store away', node, from, to)] }));
    // Sent at 100 s, answered 0.4 s later: a driver and one more offer need 4 s.
    expect(wrong(run(100.1, 106.1))).toEqual([]);
    expect(wrong(run(95, 107))).toEqual([]);
    const lostForNothing = ['issues beyond one per rotation and crash: 1'];
    expect(wrong(run(100.1, 105.9))).toEqual(lostForNothing);
    // All connections broken, once; a restart; it began when the value was stored long since; it held another node.
    expect(wrong(run(100.3, 100.3))).toEqual(lostForNothing);
    expect(wrong(run(100.3, 103.3))).toEqual(lostForNothing);
    expect(wrong(run(102.5, 109))).toEqual(lostForNothing);
    expect(wrong(run(100.1, 109, 'node-1'))).toEqual(lostForNothing);
    expect(judge(run(100.3, 100.3)).violations['issues beyond one per rotation and crash']).toEqual([
      expect.stringMatching(/^issue …ssic-2 of classic by node-2 at 100.0 s was lost without a fault$/),
    ]);
  });

  test('of two faults the one that could cost it is the excuse', () => {
    const faults = [fault('store away', 'node-2', 99, 100.2), fault('killed', 'node-2', 100.3, 103)];
    expect(wrong(madeUp(lostRun({ faults })))).toEqual([]);
  });

  test('one fault excuses one lost issue of an account', () => {
    const rows = [...LOST.slice(0, 4), ['classic-2b', 'classic', 'node-2', 100.5, 670], LOST[4]];
    const orders = [order, { ...order, at: at(100.2) }];
    expect(wrong(madeUp(lostRun({ rows, orders })))).toEqual(['issues beyond one per rotation and crash: 1']);
  });

  test('one that was stored and replaced before anybody read it is not lost', () => {
    const rows = [...ROWS, ['classic-2', 'classic', 'node-2', 101, 7301], ['classic-3', 'classic', 'node-2', 105, 7305]];
    const reads = [...madeUp().reads, read('classic', 3, 'classic-3', 107)];
    const stored = new Map([...madeUp().stored, ['classic', { generation: 3, fence: 3 }]]);
    expect(wrong(madeUp({ rows, reads, stored, orders: [order, { ...order, at: at(104) }] }))).toEqual([]);
  });
});

describe('commits', () => {
  test('something in the store that went back', () => {
    const wentBack = [{ at: at(5), account: 'stable', what: 'fence', from: 7, to: 6 }];
    expect(wrong(madeUp({ wentBack }))).toEqual(['lost commits: 1']);
  });

  test('a generation that a caller saw and the store has not', () => {
    expect(wrong(madeUp({ stored: new Map([...madeUp().stored, ['stable', { generation: 1, fence: 2 }]]) }))).toEqual(['lost commits: 1']);
  });

  test('one number for two values', () => {
    const reads = [...madeUp().reads, read('stable', 1, 'stable-2', 61)];
    expect(wrong(madeUp({ reads }))).toEqual(['lost commits: 1']);
  });
});

describe('the end', () => {
  const final = (node, more = {}) => ({ account: 'stable', node, status: 200, generation: 2, state: 'alive', ...more });

  test.each([
    ['a node that refuses', [final('node-1'), final('node-2', { status: 503, generation: null, state: null })]],
    ['a dead token', [final('node-1', { state: 'dead' })]],
    ['nodes that differ', [final('node-1'), final('node-2', { generation: 1 })]],
  ])('%s', (_, finals) => {
    expect(wrong(madeUp({ finals }))).toEqual(['not well at the end: 1']);
  });

  test('a node that ended by itself', () => {
    expect(wrong(madeUp({ ended: [{ name: 'node-1', endedBy: 'exit code 1, signal null' }] }))).toEqual(['not well at the end: 1']);
  });
});
