/** The small parts: one flight per key, a bounded map, store time, the lease's patience, deadlines. */

import { describe, expect, test } from 'vitest';
import { BoundedMap } from '../../../src/core/bounded-map.ts';
import { within } from '../../../src/core/deadline.ts';
import { Keeper } from '../../../src/core/keeper.ts';
import { SingleFlight } from '../../../src/core/single-flight.ts';
import { StoreTime } from '../../../src/core/store-time.ts';
import { settled, START, VirtualClock } from '../../helpers/clock.ts';
import { EventMonitor } from '../../helpers/event-monitor.ts';

describe('single flight', () => {
  test('joins what runs, shares its failure, and forgets it when it ended', async () => {
    const flights = new SingleFlight<number>();
    let started = 0;
    const start = async (): Promise<number> => {
      started += 1;
      await settled();
      if (started === 2) throw new Error('told');
      return started;
    };
    expect(await Promise.all([flights.run('a', start), flights.run('a', start)])).toEqual([1, 1]);
    expect(flights.get('a')).toBeUndefined();
    const failing = [flights.run('a', start), flights.run('a', start)];
    for (const one of failing) await expect(one).rejects.toThrow('told');
    expect(started).toBe(2);
    expect(await flights.run('a', start)).toBe(3);
    await flights.drain();
  });
});

describe('bounded map', () => {
  test('forgets the least recently used beyond its size', () => {
    const map = new BoundedMap<number>(3);
    for (const [index, key] of ['a', 'b', 'c'].entries()) map.set(key, index);
    expect(map.get('a')).toBe(0);
    map.set('d', 3);
    expect(map.size).toBe(3);
    expect(map.get('b')).toBeUndefined();
    expect(map.get('a')).toBe(0);
  });

  test('never holds more, whatever comes', () => {
    const map = new BoundedMap<number>(100);
    for (let index = 0; index < 10_000; index += 1) map.set(`k${index % 1000}`, index);
    expect(map.size).toBe(100);
  });
});

describe('store time', () => {
  const slowStore = (clock: VirtualClock, aheadMs: number, tripMs: number) => async () => {
    clock.jump(tripMs / 2);
    const now = clock.wall() + aheadMs;
    clock.jump(tripMs / 2);
    return now;
  };

  test("is the store's clock, and half a round trip is its uncertainty", async () => {
    const clock = new VirtualClock();
    const time = new StoreTime(clock, slowStore(clock, 3_600_000, 100), new EventMonitor());
    expect(time.now()).toBe(START);
    await time.sync();
    expect(time.now()).toBe(clock.wall() + 3_600_000);
    expect(time.uncertaintyMs).toBe(50);
  });

  test('paused within the first measurement: it is made again at once', async () => {
    const clock = new VirtualClock();
    let calls = 0;
    const time = new StoreTime(
      clock,
      async () => {
        if (calls++ === 0) clock.jump(80_000);
        return clock.wall();
      },
      new EventMonitor(),
    );
    await time.sync();
    expect(calls).toBe(2);
    expect(time.now()).toBe(clock.wall());
    expect(time.uncertaintyMs).toBe(0);
  });

  test('a jump is an event, a slow answer is none, a silent store leaves everything as it was', async () => {
    const clock = new VirtualClock();
    const events = new EventMonitor();
    let ahead = 0;
    let answer: () => Promise<number> = () => slowStore(clock, ahead, 10)();
    const time = new StoreTime(clock, () => answer(), events);
    await time.sync();
    answer = async () => {
      clock.jump(20_000);
      return clock.wall();
    };
    await time.sync();
    expect(events.count('clock.jumped')).toBe(0);
    expect(time.uncertaintyMs).toBe(5);
    // Both are a little wrong: the slow one would put us 10 s off.
    answer = async () => {
      clock.jump(20_000);
      return clock.wall() + 12;
    };
    const right = time.now();
    await time.sync();
    expect(time.now()).toBe(right + 20_000);
    // Two clocks drift apart for as long as nobody compares them.
    clock.jump(60_000);
    expect(time.uncertaintyMs).toBe(35);
    answer = () => slowStore(clock, ahead, 10)();
    await time.sync();
    ahead = -60_000;
    await time.sync();
    expect(events.all('clock.jumped').map(({ byMs }) => Math.round(byMs / 1000))).toEqual([-60]);
    const before = time.now();
    answer = async () => Promise.reject(new Error('away'));
    await expect(time.sync()).rejects.toThrow('away');
    expect(time.now()).toBe(before);
  });
});

describe("this machine's clock beside the store's", () => {
  test('an hour off is said once, with whose is ahead, again when it grows, and when it is over; minutes of lifetimes are right throughout', async () => {
    const clock = new VirtualClock();
    const events = new EventMonitor();
    let ahead = -3_600_000;
    const time = new StoreTime(clock, async () => clock.wall() + ahead, events);
    for (let round = 0; round < 3; round += 1) await time.sync();
    ahead = -7_200_000;
    await time.sync();
    ahead = -30_000;
    await time.sync();
    await time.sync();
    expect(events.all('clock.off').map(({ byMs }) => byMs)).toEqual([3_600_000, 7_200_000, 0]);
    expect(time.now()).toBe(clock.wall() - 30_000);
  });

  test('less than a minute is nothing to say', async () => {
    const clock = new VirtualClock();
    const events = new EventMonitor();
    const time = new StoreTime(clock, async () => clock.wall() + 59_000, events);
    await time.sync();
    expect(events.count('clock.off')).toBe(0);
  });
});

describe('within', () => {
  test('leaves no sleeper behind when the work was in time', async () => {
    const clock = new VirtualClock();
    expect(await within(clock, Promise.resolve(1), 10_000)).toBe(1);
    await settled();
    expect(clock.sleeping).toBe(0);
  });

  test('says so when it was not, and a later failure of the work bothers nobody', async () => {
    const clock = new VirtualClock();
    let fail = (_error: Error): void => undefined;
    const work = new Promise<never>((_resolve, reject) => {
      fail = reject;
    });
    await expect(clock.until(within(clock, work, 1000))).rejects.toMatchObject({ code: 'deadline_exceeded' });
    fail(new Error('late'));
    await settled();
  });
});

test('a lease that an upstream call outlasts is refused at the start', () => {
  const settings = { upstreamDeadlineMs: 5000, leaseMs: 5000, reportCooldownMs: 1, cacheSize: 1 };
  expect(() => new Keeper({ settings } as ConstructorParameters<typeof Keeper>[0])).toThrow(
    expect.objectContaining({ code: 'config_invalid' }),
  );
});
