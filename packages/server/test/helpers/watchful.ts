/** Lets time pass while somebody reads all the time, and remembers every value that WeChat would have refused. */

import type { Node, World } from './world.ts';

export interface Seen {
  /** Values handed out, in order of first sight. */
  readonly values: string[];
  /** Reads that got a value WeChat refuses at that moment. */
  readonly refused: { readonly atMs: number; readonly value: string; readonly state: string }[];
  /** Reads that got an error. */
  readonly failed: { readonly atMs: number; readonly code: string }[];
  /** Reads that were not answered without time passing. */
  waited: number;
  /** Told to live longer than it did. */
  readonly broken: { readonly atMs: number; readonly value: string; readonly byMs: number }[];
}

/** Read at every node each `everyMs`, for `ms`. Afterwards, each told lifetime is compared with what became of the value. */
export async function watchfully(world: World, nodes: readonly Node[], ms: number, everyMs = 1000): Promise<Seen> {
  const { clock, model } = world;
  const seen: Seen = { values: [], refused: [], failed: [], waited: 0, broken: [] };
  const told: { atMs: number; value: string; until: number }[] = [];
  for (let passed = 0; passed < ms; passed += everyMs) {
    for (const node of nodes) {
      const atMs = clock.monotonic();
      let answered = false;
      const read = node.read().then(
        (served) => {
          answered = true;
          if (!seen.values.includes(served.value)) seen.values.push(served.value);
          if (!model.accepts(served.value)) seen.refused.push({ atMs, value: served.value, state: served.state });
          if (served.state !== 'suspect') told.push({ atMs, value: served.value, until: served.expiresAt });
        },
        (error: { code?: string }) => {
          answered = true;
          seen.failed.push({ atMs, code: error.code ?? String(error) });
        },
      );
      await clock.advance(0);
      if (!answered) seen.waited += 1;
      void read;
    }
    await clock.advance(everyMs);
  }
  for (const { atMs, value, until } of told) {
    const byMs = Math.min(until, clock.wall()) - model.diesAt(value);
    if (byMs > 0) seen.broken.push({ atMs, value, byMs });
  }
  return seen;
}
