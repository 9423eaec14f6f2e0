/** Three servers on a Redis of their own, killed, stopped and cut off for half a minute: every count is right. */

import { expect, test } from 'vitest';
import { faults } from './a-run.mjs';

test('half a minute of faults on Redis', async () => {
  const { code, output } = await faults('--store', 'redis', '--seconds', '30', '--seed', '383');
  expect(output).toMatch(/^ {2}reads {16}\d{4,} /m);
  expect(output).toMatch(/^faults: the counts are right$/m);
  expect(code).toBe(0);
});
