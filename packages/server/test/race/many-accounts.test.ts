/** Ten thousand accounts due at once on one node: no read waits, and memory stays within its bounds. */

import { expect, test } from 'vitest';
import { seededRandom } from '../helpers/plain.ts';
import { World } from '../helpers/world.ts';

const MINUTE = 60_000;
const ACCOUNTS = 10_000;

test('10,000 accounts due within one window are refreshed in it, and no read waits', { timeout: 60_000 }, async () => {
  const world = await World.create({ random: seededRandom(7) });
  const { clock, first, upstream, models } = world;
  const ids = Array.from({ length: ACCOUNTS }, (_, index) => `a${index}`);
  for (const id of ids) await world.add(first, id);
  upstream.latencyMs = 100;
  first.start();
  await clock.advance(30_000);
  const issued = (): number => [...models.values()].reduce((sum, model) => sum + model.calls.classic, 0);
  expect(issued()).toBe(ACCOUNTS + 1);
  clock.jump(103 * MINUTE);
  let waited = 0;
  let refused = 0;
  for (let round = 0; round < 20; round += 1) {
    await clock.advance(10_000);
    for (let index = round % 7; index < ACCOUNTS; index += 7) {
      const id = `a${index}`;
      const target = await first.target(id);
      const served = first.keeper.peek(target) ?? (await first.keeper.read(target, { deadlineMs: 0 }).catch(() => null));
      if (served === null) waited += 1;
      else if (!models.get(id)?.accepts(served.value)) refused += 1;
    }
  }
  expect({ waited, refused }).toEqual({ waited: 0, refused: 0 });
  expect(issued()).toBe(2 * (ACCOUNTS + 1));
  await clock.until(first.stop());
});
