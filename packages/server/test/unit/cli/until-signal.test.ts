/** How a served process ends: what the first, a repeated and a second signal do, and a close that fails. */

import { describe, expect, it } from 'vitest';
import type { Context } from '../../../src/cli/context.ts';
import type { Io } from '../../../src/cli/io.ts';
import { untilSignal } from '../../../src/cli/until-signal.ts';

function rig() {
  const seen: string[] = [];
  let now = 0;
  let signal = (): void => {};
  let hangup = (): void => {};
  const io = {
    err: () => {},
    now: () => now,
    exit: (code: number) => void seen.push(`exit ${code}`),
    onSignals: (handler: () => void, onHangup: () => void) => {
      signal = handler;
      hangup = onHangup;
      return () => void seen.push('off');
    },
  } as unknown as Io;
  let closed = (): void => {};
  let failed = (_: Error): void => {};
  const close = (): Promise<void> => {
    seen.push('close');
    return new Promise((resolve, reject) => {
      closed = resolve;
      failed = reject;
    });
  };
  const context: Context = { io, language: 'en', say: (text) => text.en, exitCode: 0 };
  const running = { close, reload: () => void seen.push('reload'), abandon: () => void seen.push('abandon') };
  const ended = untilSignal(running, context);
  return {
    seen,
    ended,
    after: (ms: number) => {
      now += ms;
      signal();
    },
    hangup: () => hangup(),
    closed: () => closed(),
    failed: () => failed(new Error('x')),
  };
}

describe('until a signal', () => {
  it('closes once, and ends well when all is closed', async () => {
    const { seen, ended, after, closed } = rig();
    after(1000);
    expect(seen).toEqual(['close']);
    closed();
    expect(await ended).toBe(0);
    expect(seen).toEqual(['close', 'off']);
  });

  it('takes what comes right after for the same one, and a later one for impatience', () => {
    const { seen, after } = rig();
    after(1000);
    after(0);
    after(499);
    expect(seen).toEqual(['close']);
    after(1);
    expect(seen).toEqual(['close', 'abandon', 'exit 1']);
  });

  it('reads again on SIGHUP, and ends badly when closing fails', async () => {
    const { seen, ended, after, hangup, failed } = rig();
    hangup();
    expect(seen).toEqual(['reload']);
    after(0);
    failed();
    expect(await ended).toBe(1);
  });
});
