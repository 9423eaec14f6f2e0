/**
 * One run: a store, the simulator, three nodes with a link and a wire each, callers, an operator, a witness, and faults
 * for so many seconds. Then everything is healed, looked at, and judged.
 */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { withCleanup } from '../bench/lib/process.mjs';
import { startSimulator } from '../bench/lib/zhongkong.mjs';
import { createRandom } from '../packages/simulator/dist/random.js';
import { addAccounts, drawAccounts, LONG_LIFE_S, prepareWechat, tokenAt } from './accounts.mjs';
import { Balancer } from './balancer.mjs';
import { startCluster } from './cluster.mjs';
import { judgeEnd } from './judge/commits.mjs';
import { judge } from './judge/judge.mjs';
import { line } from './report.mjs';
import { Load, READS } from './load.mjs';
import { Operator } from './operator.mjs';
import { draw, LEASE_MS } from './schedule.mjs';
import { kills, strike } from './strike.mjs';
import { until, wait } from './until.mjs';
import { Witness } from './witness.mjs';

/** Issues ordered of the nodes that a fault strikes, just before it does. */
const AIMED = 8;
/** How long a node may take to have read every account once, on a machine with other work. */
const WARM_MS = 120_000;
const HEARD_MS = 6000;
/** How long the nodes may take to be well after the last fault: two leases, and a look at the store. */
const WELL_MS = 2 * LEASE_MS + 10_000;

/** `interrupted` never resolves; when it rejects, what was started is ended, and so does this. */
export function run(options, say) {
  return withCleanup((atEnd) => Promise.race([options.interrupted, whole(options, say, atEnd)]));
}

async function whole({ store, seconds, seed, accounts: count, server: command, keep }, say, atEnd) {
  const random = (what) => createRandom(`${seed}|${store}|${what}`);
  const folder = await mkdtemp(join(tmpdir(), 'zhongkong-faults-'));
  if (keep) say(`logs in ${folder}`);
  else atEnd(() => rm(folder, { recursive: true, force: true }));
  const simulator = (await startSimulator(atEnd)).url;
  const accounts = drawAccounts(count, random('accounts'));
  await prepareWechat(simulator, accounts);
  const issues = [];
  const { service, nodes, adminKey, url } = await startCluster({ store, simulator, issues, folder, command }, atEnd);
  const key = await addAccounts(nodes[0], adminKey, accounts);
  const balancer = new Balancer(nodes);
  atEnd(() => balancer.end());
  const ids = accounts.map(({ id }) => id);
  // A store that cannot notify is looked at every 5 s: by then every node has heard of every account.
  await wait(HEARD_MS);
  const warm = (node) => readAll(balancer, node.name, ids, key);
  for (const node of nodes) await until(() => warm(node), WARM_MS);

  const startedAt = Date.now();
  const witness = new Witness(store, url);
  const load = new Load({ balancer, simulator, accounts: ids, key, random: random('load') });
  const orderable = accounts.filter(({ mode, lifeSeconds }) => mode === 'stable' || lifeSeconds === LONG_LIFE_S);
  const operator = new Operator(orderable, { balancer, key, random: random('orders'), issues });
  witness.start();
  load.start();
  const faults = [];
  await storm(draw(random('faults')), {
    endsAt: startedAt + seconds * 1000,
    service,
    nodes,
    warm,
    operator,
    rows: faults,
    say: (fault) => say(line(fault, startedAt)),
  });
  const finals = await settle({ nodes, balancer, simulator, ids, key });
  const endedAt = Date.now();
  await load.end();
  await witness.end();
  await witness.look();
  const noted = issues.filter(({ value }) => value !== null);
  const values = new Set([...load.reads, ...noted].map(({ value }) => value));
  const tokens = new Map(await Promise.all([...values].map(async (value) => [value, await tokenAt(simulator, value)])));
  const ended = nodes.filter(({ endedBy }) => endedBy !== null);
  const { orders } = operator;
  const { seen: stored, wentBack, looks } = witness;
  const { reads, refused, uses, rejected, reports } = load;
  const verdict = judge({
    ...{ accounts, reads, refused, issues: noted, tokens, faults, orders, stored, wentBack, finals, ended, startedAt, endedAt },
  });
  const counts = { ...verdict.counts, uses, rejected: rejected.length, reports, orders: orders.length, faults: faults.length, looks };
  return { ...verdict, counts, seconds: Math.round((Date.now() - startedAt) / 1000) };
}

/** Has the node hand out every account's token once in each way: from then on it holds all it needs in memory. */
async function readAll(balancer, node, ids, key) {
  const reader = async (left) => {
    for (let id = left.pop(); id !== undefined; id = left.pop()) {
      for (const { request, parse } of Object.values(READS)) {
        const { path, headers } = request(id, key);
        const answer = await balancer.askNode(node, path, { headers }, 10_000);
        if (parse(answer) === null) throw new Error(`${node} cannot read ${id}: ${answer.text}`);
      }
    }
  };
  const left = [...ids];
  await Promise.all(Array.from({ length: 8 }, () => reader(left)));
}

/**
 * Fault after fault until the time is over; the last one is healed. A node that was killed is warm before the next: what it
 * was never asked for it does not hold, and with the store away it has to say so.
 */
async function storm(faults, { endsAt, service, nodes, warm, operator, rows, say }) {
  for (const fault of faults) {
    await wait(fault.quietMs);
    if (Date.now() > endsAt) return;
    say(fault);
    for (const index of fault.nodes) operator.order(nodes[index].name, Math.ceil(AIMED / fault.nodes.length));
    await wait(fault.aimMs);
    await strike(fault, service, nodes, rows);
    if (kills(fault)) await Promise.all(fault.nodes.map((index) => until(() => warm(nodes[index]), WARM_MS)));
  }
}

/** Every account as every node has it, once they agree on living tokens; as it is when they never do. */
async function settle({ nodes, balancer, simulator, ids, key }) {
  let finals = [];
  const look = async () => {
    finals = [];
    for (const account of ids) for (const { name } of nodes) finals.push(await finalOf(account, name, { balancer, simulator, key }));
    if (judgeEnd({ finals, ended: [] }).length > 0) throw new Error('not well yet');
  };
  await until(look, WELL_MS).catch(() => undefined);
  return finals;
}

async function finalOf(account, node, { balancer, simulator, key }) {
  const headers = { authorization: `Bearer ${key}` };
  const answer = await balancer.askNode(node, `/v1/accounts/${account}/token`, { headers }).catch(() => null);
  if (answer?.status !== 200) return { account, node, status: answer?.status ?? null, generation: null, state: null };
  const { value, generation } = JSON.parse(answer.text);
  const { state } = await tokenAt(simulator, value);
  return { account, node, status: 200, generation, state };
}
