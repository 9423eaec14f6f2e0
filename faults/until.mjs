/** Asks again until it succeeds: for what another process does in its own time. */

const LOOK_MS = 50;

export const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Resolves with what `ask` gave when it did not throw; rejects with the last failure after `withinMs`. */
export async function until(ask, withinMs) {
  const end = performance.now() + withinMs;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (performance.now() > end) throw error;
    }
    await wait(LOOK_MS);
  }
}
