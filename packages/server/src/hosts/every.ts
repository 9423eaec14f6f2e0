/** Runs an async job again and again, never twice at once; a failure is handed on and does not end it. */

export interface Loop {
  /** A round in a moment, or right after the running one; many calls until then are one. */
  soon(): void;
  /** No further round; resolves when a running one has ended. */
  stop(): Promise<void>;
}

/** So many calls of `soon` come in one burst that they are worth waiting for each other, ms. */
const BURST_MS = 10;

/** `ms` between the end of a round and the start of the next. The first round comes after `ms`. */
export function every(ms: number, job: () => Promise<void>, failed: (error: unknown) => void): Loop {
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> | null = null;
  let wanted = false;
  let stopped = false;
  const plan = (): void => {
    clearTimeout(timer);
    if (!stopped) timer = setTimeout(round, wanted ? BURST_MS : ms);
  };
  const round = (): void => {
    wanted = false;
    running = job()
      .catch(failed)
      .finally(() => {
        running = null;
        plan();
      });
  };
  plan();
  return {
    soon() {
      if (wanted) return;
      wanted = true;
      if (running === null) plan();
    },
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await running;
    },
  };
}
