/** Runs an async job again and again, never twice at once; a failure is handed on and does not end it. */

export interface Loop {
  /** No further round; resolves when a running one has ended. */
  stop(): Promise<void>;
}

/** `ms` between the end of a round and the start of the next. The first round comes after `ms`. */
export function every(ms: number, job: () => Promise<void>, failed: (error: unknown) => void): Loop {
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> = Promise.resolve();
  let stopped = false;
  const plan = (): void => {
    if (stopped) return;
    timer = setTimeout(() => {
      running = job().catch(failed).finally(plan);
    }, ms);
  };
  plan();
  return {
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await running;
    },
  };
}
