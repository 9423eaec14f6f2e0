/** What differs when a person sits at the terminal: the first admin key is shown there, once, and lies in no file. */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { Io } from '../../../src/cli/io.ts';
import { runCli } from '../../../src/cli/program.ts';
import { folder } from './rig.ts';

/** Serves in this process until it is up, then ends it as Ctrl-C does; gives what stood on the terminal. */
async function serveAtTerminal(cwd: string): Promise<{ code: number; out: string }> {
  let out = '';
  let interrupt = (): void => {};
  const unused = (): never => {
    throw new Error('not for a server');
  };
  const io: Io = {
    env: { ZHONGKONG_LISTEN: '127.0.0.1:0', ZHONGKONG_LOG_LEVEL: 'silent' },
    cwd,
    out: (text) => {
      out += text;
      if (text.includes('serves')) interrupt();
    },
    err: () => {},
    outIsTerminal: true,
    canPrompt: true,
    promptHidden: unused,
    readInput: unused,
    onSignals: (handler) => {
      interrupt = handler;
      return () => {};
    },
    now: () => 0,
    fetch: unused,
    exit: unused,
  };
  return { code: await runCli(['serve'], io), out };
}

it('the first admin key is shown at the first start only', async () => {
  const cwd = folder();
  const first = await serveAtTerminal(cwd);
  expect(first.code).toBe(0);
  expect(first.out.match(/zk_[0-9A-Za-z]{40}/g)).toHaveLength(1);
  expect(existsSync(join(cwd, 'data', 'zhongkong.db'))).toBe(true);
  expect(existsSync(join(cwd, 'data', 'admin-key'))).toBe(false);
  const second = await serveAtTerminal(cwd);
  expect(second).toMatchObject({ code: 0 });
  expect(second.out).not.toMatch(/zk_/);
});
