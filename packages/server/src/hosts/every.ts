/** Runs an async job again and again, never twice at once; a failure is handed on and does not end it. */

export interface Loop {
  /** A round now instead of later: within 30 ms, or right after the one that is running. */
  soon(): void;
  /** No further round; resolves when a running one has ended. */
  stop(): Promise<void>;
}

/** Rounds that were asked for keep this distance, however often they are asked for, ms. */
const SOON_MS = 30;

/** `ms` between the end of a round and the start of the next. The first round comes after `ms`. */
export function every(ms: number, job: () => Promise<void>, failed: (error: unknown) => void): Loop {
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> | null = null;
  let isWanted = false;
  let stopped = false;
  let endedAt = Number.NEGATIVE_INFINITY;
  const plan = (inMs: number): void => {
    clearTimeout(timer);
    if (!stopped) timer = setTimeout(round, inMs);
  };
  const round = (): void => {
    isWanted = false;
    running = job()
      .catch(failed)
      .finally(() => {
        running = null;
        endedAt = performance.now();
        plan(isWanted ? SOON_MS : ms);
      });
  };
  plan(ms);
  return {
    soon() {
      if (isWanted) return;
      isWanted = true;
      if (running === null) plan(Math.max(0, endedAt + SOON_MS - performance.now()));
    },
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await running;
    },
  };
}
