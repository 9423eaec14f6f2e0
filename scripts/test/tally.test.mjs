/** The closing line of `npm test`: what counts as passed, failed and skipped. */

import { describe, expect, it } from 'vitest';
import { starts } from './requirements.mjs';
import { summarize, tally } from './tally.mjs';

const file = (name, statuses, status = statuses.includes('failed') ? 'failed' : 'passed') => ({
  name: `/repo/${name}`,
  status,
  assertionResults: statuses.map((state, index) => ({ status: state, fullName: `test ${index}` })),
});
const close = (files, options = {}) =>
  summarize({ ...tally({ testResults: files }, '/repo'), missing: [], vitestOk: true, strict: false, ...options });
const UNIT = 'packages/server/test/unit/a.test.ts';
const REDIS = { name: 'Redis contract', install: 'apt-get install redis-server' };

describe('closing line', () => {
  it('counts by status and says what ran', () => {
    const { lines, closing, ok } = close([file(UNIT, ['passed', 'failed', 'pending']), file('scripts/test/b.test.mjs', ['passed'])]);
    expect(closing).toBe('2 passed, 1 failed, 1 skipped');
    expect(lines).toContain('ran: server/unit 3, workspace 1');
    expect(ok).toBe(false);
  });

  it('names a missing program with the command that installs it', () => {
    const { lines, closing, ok } = close([file(UNIT, ['passed'])], { missing: [REDIS] });
    expect(closing).toBe('1 passed, 0 failed, 1 skipped');
    expect(lines.join('\n')).toContain('Redis contract (install: apt-get install redis-server)');
    expect(ok).toBe(true);
  });

  it('turns every skip into a failure when all is required', () => {
    const { closing, ok } = close([file(UNIT, ['passed', 'skipped'])], { missing: [REDIS], strict: true });
    expect(closing).toBe('1 passed, 2 failed, 0 skipped');
    expect(ok).toBe(false);
  });

  it('counts a file that could not be loaded as a failure', () => {
    expect(close([file(UNIT, ['passed']), file('x', [], 'failed')], { vitestOk: false }).closing).toBe('1 passed, 1 failed, 0 skipped');
  });

  it('fails for an error outside of tests, and when nothing ran', () => {
    expect(close([file(UNIT, ['passed'])], { vitestOk: false }).ok).toBe(false);
    expect(close([]).closing).toBe('0 passed, 1 failed, 0 skipped');
    expect(summarize({ ...tally(null, '/repo'), missing: [], vitestOk: false, strict: false }).ok).toBe(false);
  });

  it('knows an installed program from a missing one', () => {
    expect(starts(process.execPath, '--version')).toBe(true);
    expect(starts('no-such-program-here')).toBe(false);
  });
});
