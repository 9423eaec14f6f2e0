/** Child processes of a benchmark: started, waited for, measured, and ended with it. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';

/** Linux counts CPU time in ticks of 10 ms. */
const TICK_US = 10_000;

/**
 * Starts a program and waits for a line that matches `ready` on either output. The result holds the match, the process
 * id and how to end it.
 */
export async function start(command, args, { env = {}, ready }) {
  const child = spawn(command, args, { env: { ...process.env, LANG: 'C', ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  const match = await new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`${command} ${args[0]} was not ready in 30 s:\n${output}`)), 30_000);
    const look = (chunk) => {
      output = (output + chunk).slice(-20_000);
      const found = ready.exec(output);
      if (!found) return;
      clearTimeout(timer);
      resolve(found);
    };
    child.stdout.on('data', look);
    child.stderr.on('data', look);
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`${command} ${args[0]} ended with ${code}:\n${output}`)));
  });
  return {
    match,
    pid: child.pid,
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
