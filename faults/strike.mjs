/**
 * Carries a drawn fault out, and writes down what it did to which node and when, one row per node:
 * `{ kind, does, node, from, to }`, instants in epoch ms. `does` is what the judge goes by.
 */

import { wait } from './until.mjs';

const killed = {
  does: 'killed',
  begin: (_, nodes) => Promise.all(nodes.map((node) => node.kill())),
  end: (_, nodes) => Promise.all(nodes.map((node) => node.up())),
};
const stopped = {
  does: 'stopped',
  begin: (_, nodes) => nodes.forEach((node) => node.stop()),
  end: (_, nodes) => nodes.forEach((node) => node.goOn()),
};
const link = (how) => ({
  does: 'store away',
  begin: (_, nodes) => nodes.forEach((node) => node.link[how]()),
  end: (_, nodes) => nodes.forEach((node) => node.link.heal()),
});
const restarted = { does: 'store away', begin: (service) => service.kill(), end: (service) => service.up() };

const ACTS = {
  'kill one node': killed,
  'kill two nodes': killed,
  'stop a node for longer than a lease': stopped,
  'stop a node briefly': stopped,
  'restart the store': restarted,
  'break all connections': link('break'),
  'cut one node off': link('close'),
  'stall one node': link('stall'),
  'stall the store': link('stall'),
};

/** Whether the nodes that it strikes start anew. */
export const kills = ({ kind }) => ACTS[kind] === killed;

/** Resolves when it is healed. `rows` gets what was done; a fault that happens meanwhile is part of it. */
export async function strike(fault, service, nodes, rows) {
  const { does, begin, end } = ACTS[fault.kind];
  const struck = fault.nodes.map((index) => nodes[index]);
  const own = struck.map(({ name }) => ({ kind: fault.kind, does, node: name, from: Date.now(), to: Number.POSITIVE_INFINITY }));
  rows.push(...own);
  await begin(service, struck);
  await Promise.all([wait(fault.forMs), fault.meanwhile && later(fault.meanwhile, service, nodes, rows)]);
  await end(service, struck);
  for (const row of own) row.to = Date.now();
}

async function later(fault, ...others) {
  await wait(fault.afterMs);
  await strike(fault, ...others);
}
