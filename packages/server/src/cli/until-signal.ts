/**
 * Runs a server until SIGINT or SIGTERM: the first drains it, a second one ends the process at once.
 *
 * One Ctrl-C can arrive twice: from the terminal, and from a parent that passes it on as npm does. What comes within
 * half a second of the first is the same.
 */

import type { Context } from './context.ts';
import { reasonOf } from './doctor/finding.ts';
import { DONE, FAILED } from './io.ts';

const SAME_MS = 500;

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
    let firstAt: number | null = null;
    const finish = (code: number): void => {
      off();
      resolve(code);
    };
    const onStop = (): void => {
      if (firstAt !== null) {
        if (io.now() - firstAt < SAME_MS) return;
        abandon?.();
        return io.exit(FAILED);
      }
      firstAt = io.now();
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
