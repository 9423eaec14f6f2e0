/**
 * The token rules under any order of calls and any pauses: a model-free check of the promises that a
 * server relies on. The referee is trusted by others, so it is held to invariants, not only examples.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { APPID, createBench } from '../bench.ts';

type Step = { do: 'classic' | 'stable' | 'force' | 'rogue' } | { do: 'wait'; ms: number };

const pause = fc.oneof(
  fc.integer({ min: 0, max: 10_000 }),
  fc.integer({ min: 29_000, max: 31_000 }), // force spacing
  fc.integer({ min: 299_000, max: 301_000 }), // grace and window
  fc.integer({ min: 6_890_000, max: 7_210_000 }), // life
);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: pause.map((ms): Step => ({ do: 'wait', ms })) },
  { weight: 5, arbitrary: fc.constantFrom<Step>({ do: 'classic' }, { do: 'stable' }, { do: 'force' }, { do: 'rogue' }) },
);
const steps = fc.array(step, { minLength: 1, maxLength: 60 });

function play(story: readonly Step[], after: (bench: ReturnType<typeof createBench>, seen: Seen, step: Step) => void): void {
  const bench = createBench();
  const seen: Seen = { classic: [], stable: [], answer: null };
  for (const one of story) {
    seen.answer = null;
    if (one.do === 'wait') bench.advance(one.ms);
    else if (one.do === 'rogue') seen.classic.push(bench.control.rogue(APPID).values[0] as string);
    else if (one.do === 'classic') seen.classic.push(bench.classic().json.access_token);
    else {
      seen.answer = bench.stable({ force_refresh: one.do === 'force' }).json;
      if (seen.answer?.access_token) seen.stable.push(seen.answer.access_token);
    }
    after(bench, seen, one);
  }
}
interface Seen {
  classic: string[];
  stable: string[];
  answer: { access_token?: string; expires_in?: number; errcode?: number } | null;
}
const unique = (values: readonly string[]) => [...new Set(values)];

describe('chains, whatever happens', () => {
  it('at most two tokens of a chain are good at once: the newest and the one before', () => {
    fc.assert(
      fc.property(steps, (story) =>
        play(story, ({ use }, seen) => {
          for (const chain of [unique(seen.classic), unique(seen.stable)]) {
            for (const value of chain.slice(0, -2)) expect(use(value)).not.toBe(0);
          }
        }),
      ),
      { numRuns: 150 },
    );
  });

  it('a good token is exactly one that control calls alive or grace', () => {
    fc.assert(
      fc.property(steps, (story) =>
        play(story, ({ use, control }, seen) => {
          for (const value of unique([...seen.classic, ...seen.stable]).slice(-6)) {
            expect(use(value) === 0).toBe(['alive', 'grace'].includes(control.token(value).state));
          }
        }),
      ),
      { numRuns: 100 },
    );
  });

  it('the newest classic token is good for its whole life, the one before for min(rest, 300 s)', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 7_300_000 }), { minLength: 1, maxLength: 12 }), (pauses) => {
        const { classic, use, advance, sim } = createBench();
        let before: { value: string; issued: number } | null = null;
        for (const ms of pauses) {
          const now = sim.clock.now();
          const value = classic().json.access_token as string;
          const rest = before ? Math.max(0, Math.min(before.issued + 7_200_000 - now, 300_000)) : 0;
          advance(ms);
          expect(use(value) === 0).toBe(ms < 7_200_000);
          if (before) expect(use(before.value) === 0).toBe(ms < rest);
          before = { value, issued: now };
        }
      }),
      { numRuns: 200 },
    );
  });

  it('stable: expires_in is 300 to 7200 and true; an answered token is good that long if nobody forces', () => {
    fc.assert(
      fc.property(steps, fc.integer({ min: 0, max: 7_199_999 }), (story, later) => {
        let last: Seen['answer'] = null;
        let bench: ReturnType<typeof createBench> | null = null;
        play(story, (now, seen) => {
          bench = now;
          if (!seen.answer?.access_token) return;
          last = seen.answer;
          expect(last.expires_in).toBeGreaterThanOrEqual(300);
          expect(last.expires_in).toBeLessThanOrEqual(7200);
          expect(now.use(seen.answer.access_token)).toBe(0);
          const view = now.control.token(seen.answer.access_token);
          expect(Math.floor(((view.valid_until as number) - now.sim.clock.now()) / 1000)).toBe(last.expires_in);
        });
        const world = bench as ReturnType<typeof createBench> | null;
        if (!world) return;
        const { access_token, expires_in } = world.stable().json;
        const wait = Math.min(later, expires_in * 1000 - 1);
        world.advance(wait);
        world.stable(); // somebody else asking in normal mode never shortens it
        expect(world.use(access_token)).toBe(0);
      }),
      { numRuns: 200 },
    );
  });

  it('stable and classic are isolated: one chain is the same with and without the other', () => {
    fc.assert(
      fc.property(steps, (story) => {
        const lived = (only: (s: Step) => boolean) => {
          const views: object[] = [];
          const bench = createBench();
          for (const one of story) {
            if (one.do === 'wait') bench.advance(one.ms);
            else if (!only(one)) continue;
            else if (one.do === 'rogue') bench.control.rogue(APPID);
            else if (one.do === 'classic') bench.classic();
            else bench.stable({ force_refresh: one.do === 'force' });
          }
          const { classic, stable } = bench.control.account(APPID);
          views.push(classic, stable);
          return { classic, stable };
        };
        const isClassic = (s: Step) => s.do === 'classic' || s.do === 'rogue';
        const both = lived(() => true);
        expect(both.classic).toEqual(lived(isClassic).classic);
        expect(both.stable).toEqual(lived((s) => !isClassic(s)).stable);
      }),
      { numRuns: 150 },
    );
  });

  it('forces never refresh twice within 30 s nor more than 20 times a quota day', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 60_000 }), { minLength: 1, maxLength: 80 }), (pauses) => {
        const { stable, advance, sim, control } = createBench();
        stable();
        const changes: number[] = [];
        let value = stable().json.access_token;
        for (const ms of pauses) {
          advance(ms);
          const next = stable({ force_refresh: true }).json.access_token;
          if (next && next !== value) {
            value = next;
            changes.push(sim.clock.now());
          }
        }
        for (let i = 1; i < changes.length; i++) expect((changes[i] as number) - (changes[i - 1] as number)).toBeGreaterThanOrEqual(30_000);
        expect(changes.length).toBeLessThanOrEqual(20);
        expect(control.account(APPID).counters.issues['/cgi-bin/stable_token']?.forced ?? 0).toBe(changes.length);
      }),
      { numRuns: 100 },
    );
  });
});
