/**
 * Time from the start of the process to `/readyz`, and memory at rest: with an empty store, and with 10,000 accounts
 * whose credentials are fresh.
 */

import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { node, residentMb, withCleanup } from './lib/process.mjs';
import { say, table } from './lib/report.mjs';
import { startServer, startSimulator, temporaryFolder } from './lib/zhongkong.mjs';

const ACCOUNTS = 10_000;
/** Long enough for what a start leaves behind to be collected. */
const REST_MS = 5000;

export const run = () =>
  withCleanup(async (atEnd) => {
    const simulator = await startSimulator(atEnd);
    const folders = { none: await temporaryFolder(atEnd), full: await temporaryFolder(atEnd) };
    const filler = fileURLToPath(new URL('./peers/refresh-zhongkong.mjs', import.meta.url));
    const filled = await node(filler, [`${folders.full}/zhongkong.db`, simulator.url, 'stable', String(ACCOUNTS)], { ready: /result / });
    await filled.stop();

    const results = [];
    for (const [name, folder] of [
      ['no account', folders.none],
      [`${ACCOUNTS.toLocaleString('en')} accounts`, folders.full],
    ]) {
      const startedAt = performance.now();
      const server = await startServer(atEnd, folder, simulator.url);
      while (!(await fetch(`${server.url}/readyz`)).ok) await delay(5);
      const readyMs = performance.now() - startedAt;
      await delay(REST_MS);
      results.push({ name, readyMs, residentMb: residentMb(server.pid) });
      await server.stop();
    }
    table([
      ['zhongkong serve on SQLite', 'ready after ms', 'resident MB at rest'],
      ...results.map((one) => [one.name, one.readyMs.toFixed(0), one.residentMb?.toFixed(0) ?? '-']),
    ]);
    say(`at rest: ${REST_MS / 1000} s after it was ready`);
    return { accounts: ACCOUNTS, runs: results };
  });
