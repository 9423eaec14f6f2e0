/** Runs a server until SIGINT or SIGTERM: the first drains it, a second one ends the process at once. */

import type { Context } from './context.ts';
import { reasonOf } from './doctor/finding.ts';
import { DONE, FAILED } from './io.ts';

export interface Running {
  close(): Promise<void>;
  /** On SIGHUP. */
  reload?(): void;
  /** Before the process ends at once; synchronous. */
  abandon?(): void;
}

/** The exit code, once all is closed. */
export function untilSignal({ close, reload, abandon }: Running, { io, say }: Context): Promise<number> {
  return new Promise((resolve) => {
    let signals = 0;
    const finish = (code: number): void => {
      off();
      resolve(code);
    };
    const onStop = (): void => {
      signals += 1;
      if (signals > 1) {
        abandon?.();
        return io.exit(FAILED);
      }
      io.err(say({ en: 'draining; once more to stop at once\n', zh: '正在平稳退出；再按一次立即结束\n' }));
      close().then(
        () => finish(DONE),
        (error: unknown) => {
          io.err(`${reasonOf(error)}\n`);
          finish(FAILED);
        },
      );
    };
    const onHangup = (): void => {
      try {
        reload?.();
      } catch (error) {
        io.err(`${error instanceof Error ? error.message : reasonOf(error)}\n`);
      }
    };
    const off = io.onSignals(onStop, onHangup);
  });
}
