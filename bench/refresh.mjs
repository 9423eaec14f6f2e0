/**
 * Issues kept up per second by one process into SQLite, beside the least that the same work can cost.
 *
 * The simulator is the upstream, in a process of its own; every run has a fresh one and a fresh database.
 */

import { fileURLToPath } from 'node:url';
import { node, withCleanup } from './lib/process.mjs';
import { say, table } from './lib/report.mjs';
import { startSimulator, temporaryFolder } from './lib/zhongkong.mjs';

const ACCOUNTS = 3000;
/** A token lives two hours and is refreshed five minutes before its end. */
const REFRESHES_PER_ACCOUNT_AND_SECOND = 1 / 6900;

const RUNS = [
  { name: 'bare loop, one commit each', file: 'refresh-loop', variant: 'single' },
  { name: 'bare loop, batched commits', file: 'refresh-loop', variant: 'batched' },
  { name: 'zhongkong, stable mode', file: 'refresh-zhongkong', variant: 'stable' },
  { name: 'zhongkong, classic mode', file: 'refresh-zhongkong', variant: 'classic' },
];

export async function run() {
  const results = [];
  for (const { name, file, variant } of RUNS) {
    const result = await withCleanup(async (atEnd) => {
      const folder = await temporaryFolder(atEnd);
      const simulator = await startSimulator(atEnd);
      const path = fileURLToPath(new URL(`./peers/${file}.mjs`, import.meta.url));
      const child = await node(path, [`${folder}/bench.db`, simulator.url, variant, String(ACCOUNTS)], { ready: /result (\{.*\})/ });
      atEnd(() => child.stop());
      return JSON.parse(child.match[1]);
    });
    results.push({ name, ...result, perSecond: result.issued / result.seconds, perCore: 1_000_000 / result.cpuUs });
  }
  say(`${ACCOUNTS} accounts from nothing to a stored credential, 64 calls in the air, synchronous=FULL`);
  const [bare] = results;
  table([
    ['one process', 'issues/s', 'share of bare', 'CPU µs/issue', 'per core', 'accounts kept fresh per core', 'failed'],
    ...results.map((one) => [
      one.name,
      Math.round(one.perSecond),
      (one.perSecond / bare.perSecond).toFixed(2),
      one.cpuUs.toFixed(0),
      Math.round(one.perCore),
      Math.round(one.perCore / REFRESHES_PER_ACCOUNT_AND_SECOND).toLocaleString('en'),
      one.failed,
    ]),
  ]);
  return { accounts: ACCOUNTS, runs: results };
}
