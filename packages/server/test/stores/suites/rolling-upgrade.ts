/**
 * A cluster of three is upgraded node by node, under load: the first new node moves the schema on, and old and new work
 * side by side until the last old one is replaced.
 */

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type NodeOptions, type Product } from '../../helpers/product.ts';
import { until } from '../../helpers/until.ts';

/** How a node opens the store, by what it knows of the schema. */
export interface Versions {
  /** One schema later, which adds to what is there. */
  readonly additive: NonNullable<NodeOptions['openStore']>;
  /** One schema later, which takes away what this version needs. */
  readonly incompatible: NonNullable<NodeOptions['openStore']>;
}

const CLASSIC_ID = 'wx00000000000000c1';
const STABLE_ID = 'wx00000000000000a1';
const CLASSIC = '/cgi-bin/token';
const STABLE = '/cgi-bin/stable_token';
/** A running node looks at the schema every 5 s. */
const NOTICED_MS = 15_000;

/** `start`: the product on a store that nobody has used, with this version's schema. */
export function rollingUpgrade(start: () => Promise<Product>, { additive, incompatible }: Versions): void {
  let product: Product;
  let stopLoad = async (): Promise<void> => undefined;
  beforeEach(async () => {
    product = await start();
  });
  afterEach(async () => {
    await stopLoad();
    await product.close();
  });

  type Running = Pick<Awaited<ReturnType<Product['node']>>, 'engine' | 'server'>;
  const first = (): Running => ({ engine: product.engine, server: { url: product.url } as Running['server'] });

  /** Readers of both accounts at all nodes, one after the other. */
  function load(nodes: () => readonly Running[]) {
    const seen = { reads: 0, refused: [] as unknown[] };
    let going = false;
    let readers: readonly Promise<void>[] = [];
    const reader = async (offset: number): Promise<void> => {
      for (let turn = offset; going; turn += 1) {
        const url = nodes()[turn % nodes().length]?.server.url ?? '';
        const { status, json } = await product.call(`/v1/accounts/${turn % 2 === 0 ? CLASSIC_ID : STABLE_ID}/token`, { at: url });
        seen.reads += 1;
        if (status !== 200) seen.refused.push({ url, status, json });
      }
    };
    const start = (): void => {
      going = true;
      readers = [0, 1, 2, 3].map(reader);
    };
    const stop = async (): Promise<void> => {
      going = false;
      await Promise.all(readers);
    };
    start();
    stopLoad = stop;
    return { seen, start, stop };
  }

  /** A planned rotation of the classic token, which any of the nodes may do. */
  async function rotate(nodes: readonly Running[], { start, stop }: ReturnType<typeof load>): Promise<void> {
    const id = { account: CLASSIC_ID, kind: 'access_token', chain: 'classic' };
    const generation = async () => (await product.engine.store.credentials.read(id))?.generation ?? 0;
    const before = await generation();
    // Hours pass at once for whoever waits just then, so nobody may.
    await stop();
    for (const { engine } of nodes) await engine.keeper.drain();
    await product.travel(7200 - 890);
    start();
    await until(generation, (now) => now === before + 1);
    for (const { engine } of nodes) await engine.keeper.drain();
  }

  /** What an operator changes on one node is what the others have. */
  async function change(at: Running, others: readonly Running[], note: string): Promise<void> {
    await at.engine.accounts.update(CLASSIC_ID, { note }, 'test');
    const { record } = await at.engine.keys.create({ name: note, scopes: ['metrics'], accounts: ['*'] }, 'test');
    for (const { engine } of others) {
      expect((await engine.accounts.fresh(CLASSIC_ID))?.note).toBe(note);
      expect(await engine.keys.get(record.id)).toMatchObject({ name: note, revokedAt: null });
    }
    await at.engine.store.directory.appendAudit([{ at: 1, action: 'test.note', actor: 'test', subject: CLASSIC_ID, data: { note } }]);
  }

  describe('a rolling upgrade', () => {
    test('of three nodes under load: no read is refused, no token is issued that need not be', async () => {
      await product.addAccount(CLASSIC_ID, 'classic');
      await product.addAccount(STABLE_ID, 'stable');
      let nodes: Running[] = [first(), await product.node(), await product.node()];
      for (const { server } of nodes) for (const id of [CLASSIC_ID, STABLE_ID]) await product.token(id, server.url);
      const issued = { [CLASSIC_ID]: product.issues(CLASSIC_ID, CLASSIC), [STABLE_ID]: product.issues(STABLE_ID, STABLE) };
      expect(issued).toEqual({ [CLASSIC_ID]: 1, [STABLE_ID]: 1 });
      const readers = load(() => nodes);

      // The first new node moves the schema on; the old ones have all prepared their statements by then.
      const added: Running[] = [];
      for (const replaced of [1, 2, 0]) {
        const fresh = await product.node({ openStore: additive });
        added.push(fresh);
        const leaving = nodes[replaced === 0 ? 0 : 1] as Running;
        await change(fresh, nodes, `by new node ${added.length}`);
        await change(leaving, [...nodes, fresh], `by old node ${added.length}`);
        nodes = [...nodes, fresh];
        await rotate(nodes, readers);
        for (const { engine, server } of nodes) {
          await engine.store.ping();
          expect(await (await fetch(`${server.url}/readyz`)).json()).toEqual({ status: 'ok' });
          expect(await product.accepted(await product.token(CLASSIC_ID, server.url))).toBe(0);
        }
        if (replaced === 0) break;
        nodes = nodes.filter((node) => node !== leaving);
        await leaving.server.close();
      }
      await readers.stop();
      expect(readers.seen.refused).toEqual([]);
      expect(readers.seen.reads).toBeGreaterThan(100);
      expect(product.issues(CLASSIC_ID, CLASSIC)).toBe(1 + 3);
      // Each rotation of the other let this one's life pass as well; who did it is one of the nodes, once.
      const stable = await product.engine.store.credentials.read({ account: STABLE_ID, kind: 'access_token', chain: 'stable' });
      expect(product.issues(STABLE_ID, STABLE)).toBe(stable?.generation);
      // The last old one goes by being started anew as the later version; and an old one may still be started.
      await product.restart({ openStore: additive });
      expect(await product.token(CLASSIC_ID)).toBe(await product.token(CLASSIC_ID, added[0]?.server.url));
      await (await product.node()).engine.store.ping();
    });

    test('to a schema that this version must not work with: it says so, serves from memory, and does not start again', async () => {
      await product.addAccount(STABLE_ID, 'stable');
      const token = await product.token(STABLE_ID);
      const later = await product.node({ openStore: incompatible });
      const ready = async () => {
        const response = await fetch(`${product.url}/readyz`);
        return { status: response.status, body: await response.json() };
      };
      const blocked = await until(ready, ({ status }) => status === 503, NOTICED_MS);
      expect(blocked.body).toMatchObject({ status: 'degraded', reason: 'schema_newer' });
      expect(await product.token(STABLE_ID)).toBe(token);
      expect(await (await fetch(`${later.server.url}/readyz`)).json()).toEqual({ status: 'ok' });
      expect(await product.token(STABLE_ID, later.server.url)).toBe(token);
      await expect(product.node()).rejects.toMatchObject({
        code: 'config_invalid',
        message: expect.stringContaining('a later version has used it'),
      });
      expect(product.issues(STABLE_ID, STABLE)).toBe(1);
    });
  });
}
