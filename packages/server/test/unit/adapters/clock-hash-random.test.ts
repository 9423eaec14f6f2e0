// Node's clock, hash and randomness as the core expects them.
import { describe, expect, test } from 'vitest';
import { nodeClock } from '../../../src/adapters/clock.ts';
import { nodeHash } from '../../../src/adapters/hash.ts';
import { nodeRandom } from '../../../src/adapters/random.ts';

describe('nodeClock', () => {
  test('monotonic goes on, wall is the time of day', () => {
    const before = nodeClock.monotonic();
    expect(nodeClock.monotonic()).toBeGreaterThanOrEqual(before);
    expect(Math.abs(nodeClock.wall() - Date.now())).toBeLessThan(1000);
  });

  test('sleep takes its time; one longer than a Node timer can last does not end at once', async () => {
    const before = nodeClock.monotonic();
    await nodeClock.sleep(5);
    await nodeClock.sleep(-1);
    expect(nodeClock.monotonic() - before).toBeGreaterThanOrEqual(4);
    const long = new AbortController();
    const first = await Promise.race([nodeClock.sleep(2 ** 40, long.signal).then(() => 'long'), nodeClock.sleep(20).then(() => 'short')]);
    expect(first).toBe('short');
    long.abort();
  });

  test('sleep ends when nobody waits any more, and leaves no timer behind', async () => {
    const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
    const before = timers();
    const waiting = new AbortController();
    const sleep = nodeClock.sleep(3_600_000, waiting.signal);
    expect(timers()).toBe(before + 1);
    waiting.abort();
    await sleep;
    expect(timers()).toBe(before);
    await nodeClock.sleep(3_600_000, waiting.signal);
  });
});

test('a fingerprint is the first 8 hex of SHA-256 of the UTF-8', () => {
  expect(nodeHash.fingerprint('abc')).toBe('ba7816bf');
  expect(nodeHash.fingerprint('令牌')).toBe('735da237');
});

test('secrets are compared whole', () => {
  expect(nodeHash.equal('令牌', '令牌')).toBe(true);
  expect(nodeHash.equal('', '')).toBe(true);
  expect(nodeHash.equal('abc', 'abd')).toBe(false);
  expect(nodeHash.equal('abc', 'abcd')).toBe(false);
});

test('unit is in [0, 1)', () => {
  for (let i = 0; i < 100; i += 1) {
    const unit = nodeRandom.unit();
    expect(unit >= 0 && unit < 1).toBe(true);
  }
});
