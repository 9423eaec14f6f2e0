/** Load on one URL: wrk when it is installed, else a loop of our own on another thread. */

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';

export const CONNECTIONS = 64;
const run = promisify(execFile);

const UNIT_MS = { us: 0.001, ms: 1, s: 1000 };

/** Which generator is used: it limits what can be measured. */
export async function generator() {
  return run('wrk', ['-v']).then(
    () => 'wrk',
    // wrk prints its version with exit code 1.
    (error) => (error.code === 'ENOENT' ? 'own loop (install wrk for sharper numbers)' : 'wrk'),
  );
}

/** Loads `url` for so many seconds. Gives requests per second, latencies in ms and the count. Rejects on any bad answer. */
export async function load(url, headers, seconds) {
  return (await generator()) === 'wrk' ? withWrk(url, headers, seconds) : withWorker(url, headers, seconds);
}

async function withWrk(url, headers, seconds) {
  const asked = Object.entries(headers).flatMap(([name, value]) => ['-H', `${name}: ${value}`]);
  const { stdout } = await run('wrk', ['-t1', `-c${CONNECTIONS}`, `-d${seconds}s`, '--latency', ...asked, url]);
  if (/Non-2xx|Socket errors/.test(stdout)) throw new Error(`bad answers from ${new URL(url).pathname}:\n${stdout}`);
  const percentile = (name) => {
    const [, value, unit] = new RegExp(`${name}%\\s+([\\d.]+)(us|ms|s)`).exec(stdout);
    return Number(value) * UNIT_MS[unit];
  };
  const [, requests] = /(\d+) requests in/.exec(stdout);
  const [, perSecond] = /Requests\/sec:\s+([\d.]+)/.exec(stdout);
  return { perSecond: Number(perSecond), p50: percentile(50), p99: percentile(99), requests: Number(requests) };
}

function withWorker(url, headers, seconds) {
  return new Promise((resolve, reject) => {
    const workerData = { url, headers, seconds, connections: CONNECTIONS };
    const worker = new Worker(new URL('./load-worker.mjs', import.meta.url), { workerData });
    worker.once('message', resolve);
    worker.once('error', reject);
  });
}
