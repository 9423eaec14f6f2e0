import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RateLimiter } from '../../../src/access/rate.ts';

const limited = (callsPerMinute: number | null, id = 'k_1') => ({ id, callsPerMinute });

describe('calls per minute', () => {
  test('so many and no more, until the first of them is a minute old', () => {
    let now = 5_300;
    const limiter = new RateLimiter(() => now);
    for (let i = 0; i < 3; i += 1) expect(limiter.take(limited(3))).toBe(0);
    const wait = limiter.take(limited(3));
    expect(wait).toBe(59_700);
    now += wait - 1;
    expect(limiter.take(limited(3))).toBe(1);
    now += 1;
    for (let i = 0; i < 3; i += 1) expect(limiter.take(limited(3))).toBe(0);
  });

  test('refused calls do not count, other keys neither, and no limit is no limit', () => {
    const limiter = new RateLimiter(() => 0);
    limiter.take(limited(1));
    for (let i = 0; i < 10; i += 1) expect(limiter.take(limited(1))).toBeGreaterThan(0);
    expect(limiter.take(limited(1, 'k_2'))).toBe(0);
    for (let i = 0; i < 1000; i += 1) expect(limiter.take(limited(null))).toBe(0);
  });

  test('after a long silence nothing of the past counts', () => {
    // Whichever slot of the ring the silence ends on.
    for (let second = 60; second < 200; second += 1) {
      let now = 0;
      const limiter = new RateLimiter(() => now);
      for (let i = 0; i < 5; i += 1) limiter.take(limited(5));
      now = second * 1000;
      for (let i = 0; i < 5; i += 1) expect(limiter.take(limited(5))).toBe(0);
      expect(limiter.take(limited(5))).toBeGreaterThan(0);
    }
  });

  test('never more than the limit in any minute, whatever the rhythm; and the wait it names is enough', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 8 }), fc.array(fc.integer({ min: 0, max: 20_000 }), { maxLength: 120 }), (limit, steps) => {
        let now = 0;
        const limiter = new RateLimiter(() => now);
        const taken: number[] = [];
        for (const step of steps) {
          now += step;
          const wait = limiter.take(limited(limit));
          if (wait > 0) {
            now += wait;
            expect(limiter.take(limited(limit))).toBe(0);
          }
          taken.push(now);
        }
        for (const end of taken) expect(taken.filter((at) => at <= end && at > end - 59_000).length).toBeLessThanOrEqual(limit);
      }),
      { numRuns: 200 },
    );
  });
});
