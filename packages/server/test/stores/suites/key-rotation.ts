/**
 * Two nodes with keys from their environment change the master key: both keys on each, the rotation, the former one taken
 * away. Real time: a node asks every 5 s which key seals, and a rotation takes 40 s.
 */

import { afterEach, beforeEach, expect, test } from 'vitest';
import { nodeClock } from '../../../src/adapters/clock.ts';
import { openMasterKeys } from '../../../src/hosts/master-key.ts';
import { rotateMasterKey } from '../../../src/hosts/master-key-rotation.ts';
import type { Product } from '../../helpers/product.ts';
import { until } from '../../helpers/until.ts';

const CLASSIC_ID = 'wx00000000000000c1';
const STABLE_ID = 'wx00000000000000a1';
const IDS = [CLASSIC_ID, STABLE_ID];

const [ONE, TWO] = [1, 2].map((byte) => Buffer.alloc(32, byte).toString('base64')) as [string, string];
const given = (...keys: readonly string[]) => ({ env: { ZHONGKONG_MASTER_KEY: keys.join(',') } });

/** `start`: the product on an unused store, with this in its environment. */
export function keyRotation(start: (env: Readonly<Record<string, string>>) => Promise<Product>): void {
  let product: Product;
  beforeEach(async () => {
    product = await start(given(ONE).env);
  });
  afterEach(() => product.close());

  const health = async (url: string) => {
    const response = await fetch(`${url}/readyz`);
    return { status: response.status, body: (await response.json()) as { reason?: string } };
  };

  test('two nodes, node by node, under reads; a third one that was forgotten says so and disturbs nobody', async () => {
    await product.addAccount(CLASSIC_ID, 'classic');
    await product.addAccount(STABLE_ID, 'stable');
    const forgotten = await product.node();
    for (const id of IDS) await product.token(id, forgotten.server.url);
    await product.restart(given(TWO, ONE));
    const other = await product.node(given(TWO, ONE));
    const urls = [product.url, other.server.url];
    let going = true;
    const refused: unknown[] = [];
    const reader = async (): Promise<void> => {
      for (let turn = 0; going; turn += 1) {
        const answer = await product.call(`/v1/accounts/${IDS[turn % 2]}/token`, { at: urls[(turn >> 1) % 2] ?? '' });
        if (answer.status !== 200) refused.push(answer);
      }
    };
    const readers = [reader(), reader()];
    const { store } = product.engine;
    const keys = await openMasterKeys({ masterKey: `${TWO},${ONE}`, masterKeyFile: null }, store.directory);
    const from = keys.ring.current.id;
    const result = await rotateMasterKey({ keys, ownKeyFile: null, store, clock: nodeClock, holder: 'test', progress: () => undefined });
    going = false;
    await Promise.all(readers);
    expect(result).toEqual({ from, to: keys.ring.first.id, accounts: 2, credentials: 2, formerKeyFiles: [] });
    expect(refused).toEqual([]);

    // It has nothing to open what is new with: out of the balance, claiming nothing, serving what it remembers.
    const told = await until(
      () => health(forgotten.server.url),
      ({ status }) => status === 503,
      15_000,
    );
    expect(told.body.reason).toBe('master_key_unknown');
    for (const id of IDS) await product.token(id, forgotten.server.url);
    const refusedWrite = forgotten.engine.accounts.update(STABLE_ID, { secrets: ['b'.repeat(32)] }, 'test');
    await expect(refusedWrite).rejects.toMatchObject({ code: 'unseal_failed' });

    // A planned refresh: what is sealed from now on is under the new key, and the forgotten node leaves it to the others.
    const id = { account: CLASSIC_ID, kind: 'access_token', chain: 'classic' };
    const stored = () => store.credentials.read(id);
    const before = (await stored())?.generation ?? 0;
    for (const { keeper } of [other.engine, forgotten.engine]) await keeper.drain();
    await product.travel(7200 - 890);
    const after = await until(stored, (now) => now?.generation === before + 1);
    expect(after?.body).toContain(`v1.${result.to}.`);
    expect(after?.body).not.toContain(`v1.${from}.`);

    // The former key is of no use now.
    const last = await product.node(given(TWO));
    for (const account of IDS) expect(await product.accepted(await product.token(account, last.server.url))).toBe(0);
    await expect(product.node(given(ONE))).rejects.toMatchObject({ code: 'unseal_failed' });
    for (const url of urls) expect(await health(url)).toEqual({ status: 200, body: { status: 'ok' } });
  }, 120_000);
}
