/**
 * Two whole servers on one database, as a cluster has them: one writer, work that is taken over, and what one changes is
 * known to the other in time.
 */

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { StoredCredential } from '../../../src/core/store.ts';
import { type Product, SECRET } from '../../helpers/product.ts';
import { startOn } from '../start-on.ts';

const ID = 'wx0123456789abcdef';
const LEASE_SECONDS = 30;
const STABLE = '/cgi-bin/stable_token';
const CLASSIC = '/cgi-bin/token';

/** `noticeMs`: within this much time one node knows what another has committed. */
export function twoNodes(store: () => Promise<string>, noticeMs: number): void {
  let product: Product;
  let other: Awaited<ReturnType<Product['node']>>;
  beforeEach(async () => {
    product = await startOn(await store());
    other = await product.node();
  });
  afterEach(() => product.close());

  const read = async (url: string, key = product.key) => {
    const response = await fetch(`${url}/v1/accounts/${ID}/token`, { headers: { authorization: `Bearer ${key}` } });
    return { status: response.status, json: (await response.json()) as { value: string } };
  };
  const urls = () => [product.url, other.server.url];
  const stored = async (): Promise<StoredCredential | undefined> => (await other.engine.store.credentials.list(ID))[0];

  describe('one writer', () => {
    test.each([
      ['stable', STABLE],
      ['classic', CLASSIC],
    ] as const)('%s: 100 first reads at once over both nodes make one issue', async (mode, path) => {
      product.simulator.control.putAccount(ID, { secret: SECRET });
      product.simulator.control.setFaults({ fault: 'latency', ms: 100, path });
      await product.addAccount(ID, mode);
      const answers = await Promise.all(Array.from({ length: 100 }, (_, index) => read(urls()[index % 2] ?? '')));
      expect(new Set(answers.map(({ status, json }) => `${status} ${json.value}`)).size).toBe(1);
      expect(answers[0]?.status).toBe(200);
      expect(product.issues(ID, path)).toBe(1);
    });

    test('20 rotations of a classic token, both nodes at work, make 20 issues, and every read is accepted', async () => {
      await product.addAccount(ID, 'classic');
      await read(product.url);
      for (let rotation = 1; rotation <= 20; rotation += 1) {
        const generation = (await stored())?.generation ?? 0;
        await product.travel(7200 - 890);
        await expect.poll(async () => (await stored())?.generation, { timeout: 5000, interval: 10 }).toBe(generation + 1);
        await product.landed();
        await other.engine.keeper.drain();
        for (const url of urls()) expect(await product.accepted((await read(url)).json.value)).toBe(0);
      }
      expect(product.issues(ID, CLASSIC)).toBe(21);
    });
  });

  test('a node that died under its lease is waited for as long as the lease, then its work is taken over', async () => {
    await product.addAccount(ID, 'classic');
    await product.landed();
    await other.engine.keeper.drain();
    await read(product.url);
    const id = (await stored())?.id;
    if (!id) throw new Error('no credential');
    // What a node that is killed in the middle of a refresh leaves behind.
    await product.travel(7200 - 1000);
    const { store } = other.engine;
    const die = async () => 'lease' in (await store.credentials.acquire(id, 'dead-node', LEASE_SECONDS * 1000));
    await expect.poll(die, { timeout: 5000, interval: 10 }).toBe(true);
    await product.travel(LEASE_SECONDS - 5);
    await store.credentials.schedule(id, 0);
    expect((await stored())?.generation).toBe(1);
    const takenOver = Promise.race([product.monitor.next('lease.taken_over'), other.monitor.next('lease.taken_over')]);
    await product.travel(6);
    await takenOver;
    await product.landed();
    await other.engine.keeper.drain();
    for (const url of urls()) expect(await product.accepted((await read(url)).json.value)).toBe(0);
  });

  test(`a key revoked and an account disabled on one node are so on the other within ${noticeMs} ms`, async () => {
    await product.addAccount(ID, 'stable');
    const { record, key } = await other.engine.keys.create({ name: 'two', scopes: ['credential:read'], accounts: ['*'] }, 'test');
    expect((await read(product.url, key)).status).toBe(200);
    await other.engine.keys.revoke(record.id, 'test');
    const revoked = performance.now();
    // Every read of it is answered from this node's memory until the notice has come.
    while ((await read(product.url, key)).status === 200) expect(performance.now() - revoked).toBeLessThan(noticeMs);
    expect((await read(product.url)).status).toBe(200);
    await other.engine.accounts.update(ID, { enabled: false }, 'test');
    const disabled = performance.now();
    while ((await read(product.url)).status === 200) expect(performance.now() - disabled).toBeLessThan(noticeMs);
  });
}
