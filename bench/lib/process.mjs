/** Child processes of a benchmark: started, waited for, measured, and ended with it. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';

/** Linux counts CPU time in ticks of 10 ms. */
const TICK_US = 10_000;

const PATIENCE_MS = 30_000;

/**
 * Starts a program and waits for a line that matches `ready` on either output, `patienceMs` at most (default 30 s). The
 * result holds the match, the process id, how to wait for what it says next, and how to end it.
 */
export async function start(command, args, { env = {}, ready, patienceMs = PATIENCE_MS }) {
  const child = spawn(command, args, { env: { ...process.env, LANG: 'C', ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  let look = () => undefined;
  const heard = (chunk) => {
    output = (output + chunk).slice(-20_000);
    look();
  };
  child.stdout.on('data', heard);
  child.stderr.on('data', heard);
  const said = (pattern, withinMs) =>
    new Promise((resolve, reject) => {
      const failed = (why) => reject(new Error(`${command} ${args[0]} ${why}:\n${output}`));
      const timer = setTimeout(() => failed(`did not say ${pattern} in ${withinMs / 1000} s`), withinMs);
      child.once('error', reject);
      child.once('exit', (code) => failed(`ended with ${code}`));
      look = () => {
        const found = pattern.exec(output);
        if (!found) return;
        clearTimeout(timer);
        look = () => undefined;
        resolve(found);
      };
      look();
    });
  const match = await said(ready, patienceMs);
  return {
    match,
    pid: child.pid,
    /** What it says in answer to `ask`. */
    async answer(ask, pattern) {
      output = '';
      ask();
      return said(pattern, PATIENCE_MS);
    },
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGTERM');
      await once(child, 'exit');
    },
  };
}

export const node = (file, args, options) => start(process.execPath, [file, ...args], options);

/** CPU time a process has used so far, µs; null where the system does not say. */
export function cpuUs(pid) {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
    return (Number(fields[11]) + Number(fields[12])) * TICK_US;
  } catch {
    return null;
  }
}

/** Resident memory of a process, MB; null where the system does not say. */
export function residentMb(pid) {
  try {
    return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) / 1024;
  } catch {
    return null;
  }
}

/** Runs `work` with a list of things to end; ends them in reverse order, whatever happens. */
export async function withCleanup(work) {
  const ends = [];
  try {
    return await work((end) => ends.push(end));
  } finally {
    for (const end of ends.reverse()) await end();
  }
}
