/** A run that was made up: one stable and one classic account, all well, for tests to change one thing in. */

export const STARTED_AT = 1_000_000_000;
const SECOND = 1000;
/** An instant of the run. */
export const at = (seconds) => STARTED_AT + seconds * SECOND;

/** What WeChat made: `[value, account, node, sent at s, valid until s]`, issued 200 ms after it was asked, answered after 400. */
export function made(rows) {
  const issues = [];
  const tokens = new Map();
  for (const [value, account, node, sent, until] of rows) {
    const chain = account === 'classic' ? 'classic' : 'stable';
    issues.push({ node, account, chain, sentAt: at(sent), answeredAt: at(sent) + 400, value });
    tokens.set(value, { state: 'alive', issued_at: at(sent) + 200, valid_until: at(until) });
  }
  return { issues, tokens };
}

export const read = (account, generation, value, asked, more = {}) => ({
  ...{ account, node: 'node-1', askedAt: at(asked), arrivedAt: at(asked) + 5, value, generation, state: 'fresh' },
  ...more,
});

export const fault = (does, node, from, to) => ({ kind: `made-up ${does}`, does, node, from: at(from), to: at(to) });

const ROWS = [
  ['stable-1', 'stable', 'node-1', 0, 100],
  ['stable-2', 'stable', 'node-2', 52, 152],
  ['classic-1', 'classic', 'node-1', 0, 7200],
];

/** `more` is laid over it; `rows` replaces what WeChat made. */
export function madeUp({ rows = ROWS, ...more } = {}) {
  return {
    accounts: [
      { id: 'stable', mode: 'stable', lifeSeconds: 100 },
      { id: 'classic', mode: 'classic', lifeSeconds: 7200 },
    ],
    ...made(rows),
    reads: [read('stable', 1, 'stable-1', 10), read('stable', 2, 'stable-2', 60), read('classic', 1, 'classic-1', 20)],
    refused: [],
    faults: [],
    orders: [],
    stored: new Map([
      ['stable', { generation: 2, fence: 2 }],
      ['classic', { generation: 1, fence: 1 }],
    ]),
    wentBack: [],
    finals: [],
    ended: [],
    startedAt: STARTED_AT,
    endedAt: at(1000),
    ...more,
  };
}

export { ROWS };
