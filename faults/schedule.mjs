/**
 * Which fault strikes when: drawn from the seed, one row per kind.
 *
 * A deck of all kinds is shuffled and dealt out, then shuffled again, so that a short run has most kinds and a long one
 * has each equally often. While one node is stopped for longer than a lease, something happens to the others as well.
 */

/** A lease of these runs, ms: the shortest that the product allows. */
export const LEASE_MS = 10_000;

const between = (random, least, most) => Math.floor(least + random.unit() * (most - least));

const LONG_STOP = 'stop a node for longer than a lease';
/** `forMs`: how long it lasts; `nodes`: how many it strikes. */
const KINDS = {
  'kill one node': { forMs: [500, 3000], nodes: 1 },
  'kill two nodes': { forMs: [500, 3000], nodes: 2 },
  [LONG_STOP]: { forMs: [LEASE_MS + 2000, LEASE_MS + 5000], nodes: 1 },
  'stop a node briefly': { forMs: [500, 4000], nodes: 1 },
  'restart the store': { forMs: [500, 3000], nodes: 3 },
  'break all connections': { forMs: [0, 1], nodes: 3 },
  'cut one node off': { forMs: [2000, 6000], nodes: 1 },
  'stall one node': { forMs: [2000, 6000], nodes: 1 },
  'stall the store': { forMs: [1000, 4000], nodes: 3 },
};

/** What may happen to the others while one is stopped. */
const MEANWHILE = ['restart the store', 'break all connections', 'cut one node off', 'stall one node'];

/** Endless: `{ kind, nodes, forMs, aimMs, quietMs, meanwhile }`; `nodes` are indices of three. */
export function* draw(random) {
  const deal = (kind) => fault(random, kind, shuffled(random, [0, 1, 2]));
  // What only a long stop shows, the shortest run has to show.
  yield deal(LONG_STOP);
  for (;;) for (const kind of shuffled(random, Object.keys(KINDS))) yield deal(kind);
}

function fault(random, kind, order) {
  const { forMs, nodes } = KINDS[kind];
  const long = kind === LONG_STOP;
  const others = order.slice(1);
  return {
    kind,
    nodes: order.slice(0, nodes),
    forMs: between(random, ...forMs),
    /** So long after refreshes were ordered of the nodes that it strikes. */
    aimMs: between(random, 20, 900),
    quietMs: between(random, 2500, 5000),
    meanwhile: long
      ? { ...fault(random, MEANWHILE[between(random, 0, MEANWHILE.length)], others), afterMs: between(random, 500, 4000) }
      : null,
  };
}

function shuffled(random, items) {
  const left = [...items];
  return items.map(() => left.splice(Math.floor(random.unit() * left.length), 1)[0]);
}
