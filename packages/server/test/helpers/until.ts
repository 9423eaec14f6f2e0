/** Asks again until an answer comes that is wanted: for what another process does in its own time. */

const LOOK_MS = 5;

/** Rejects with the last failure, or says that it never came, after `withinMs` (default 10 s). */
export async function until<T>(ask: () => Promise<T>, wanted: (answer: T) => boolean = () => true, withinMs = 10_000): Promise<T> {
  const end = performance.now() + withinMs;
  for (;;) {
    let failure: unknown = new Error('it never came');
    try {
      const answer = await ask();
      if (wanted(answer)) return answer;
    } catch (error) {
      failure = error;
    }
    if (performance.now() > end) throw failure;
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}
