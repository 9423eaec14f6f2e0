/**
 * Orders refreshes, a few of the very nodes that a fault is about to strike: so it strikes while issues are in the air.
 * Of classic accounts only those that live long. An account is left alone for longer than a grace after each order, because
 * a second issue within it ends the token before at once, as WeChat keeps only two: that would be the operator's doing. For
 * the same reason one is passed over that was refreshed a moment ago, or soon will be: a node may not have heard of that.
 */

/** Grace 300 s, and the product's own retry after a lost answer 30 s before its end. */
const SPACING_MS = 340_000;
/** A node may have been stopped for 15 s, and hears of a refresh within 5 s of going on. */
const SETTLED_MS = 25_000;
/** A refresh comes at half of a short life at the earliest, and an order may have to wait for the store, ms. */
const SOON_MS = 8000;
/** How long the caller of an order waits. */
const PATIENCE_MS = 3000;

export class Operator {
  /** `{ account, node, at, status }`; status null = no answer came. */
  orders = [];
  #free;
  /** Account → the age of its token from which on the next refresh may come, ms. */
  #soon;
  #used = [];
  #deps;

  /** The `{ id, lifeSeconds }` that may be ordered, and `{ balancer, key, random, issues }`: what the wires noted so far. */
  constructor(accounts, deps) {
    this.#free = accounts.map(({ id }) => id);
    this.#soon = new Map(accounts.map(({ id, lifeSeconds }) => [id, (lifeSeconds * 1000) / 2 - SOON_MS]));
    this.#deps = deps;
  }

  /** Orders so many of this node, as far as there are accounts, without waiting for answers. */
  order(node, count) {
    const { random, issues } = this.#deps;
    const last = new Map();
    for (const { account, answeredAt } of issues) last.set(account, { at: answeredAt, isFirst: !last.has(account) });
    const isSettled = (account) => {
      const { at, isFirst } = last.get(account);
      const ageMs = Date.now() - at;
      // The first one has no predecessor that somebody could still serve.
      return (isFirst || ageMs >= SETTLED_MS) && ageMs < this.#soon.get(account);
    };
    while (this.#used.length > 0 && this.#used[0].at + SPACING_MS < Date.now()) this.#free.push(this.#used.shift().account);
    for (let left = count; left > 0; left -= 1) {
      const settled = this.#free.filter(isSettled);
      const account = settled[Math.floor(random.unit() * settled.length)];
      if (account === undefined) return;
      this.#free.splice(this.#free.indexOf(account), 1);
      const row = { account, node, at: Date.now(), status: null };
      this.#used.push(row);
      this.orders.push(row);
      void this.#send(row);
    }
  }

  async #send(row) {
    const { balancer, key } = this.#deps;
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
    const path = `/v1/accounts/${row.account}/credentials/access_token/refresh`;
    const answer = await balancer
      .askNode(row.node, path, { method: 'POST', headers, body: JSON.stringify({ reason: 'fault run' }) }, PATIENCE_MS)
      .catch(() => null);
    row.status = answer?.status ?? null;
  }
}
