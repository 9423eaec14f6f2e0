/** Values in the store that no key opens: issued anew by a read, by the queue after a new AppSecret, by no node left behind. */

import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ZhongkongError } from '../../src/core/errors.ts';
import { openMasterKeys } from '../../src/hosts/master-key.ts';
import { rotateMasterKey } from '../../src/hosts/master-key-rotation.ts';
import { withoutLost } from '../../src/hosts/lost-values.ts';
import { HurriedClock } from '../helpers/hurried-clock.ts';
import { type Product, SECRET, startProduct } from '../helpers/product.ts';
import { until } from '../helpers/until.ts';

const ACCOUNT = 'wx00000000000000c1';
const ID = { account: ACCOUNT, kind: 'access_token', chain: 'classic' };

let product: Product;
beforeEach(async () => {
  product = await startProduct();
  await product.addAccount(ACCOUNT, 'classic');
  await product.token(ACCOUNT);
  await product.landed();
});
afterEach(() => product.close());

const UNDER_A_GONE_KEY = (body: string): string => body.replaceAll(/"v1\.[0-9a-f]{8}\./g, '"v1.00000000.');
const DAMAGED = (body: string): string =>
  body.replaceAll(/("v1\.[0-9a-f]{8}\.)(.)/g, (_, head: string, first: string) => head + (first === 'A' ? 'B' : 'A'));

/** By default as if it had been sealed under a key that is gone; not due by itself. */
async function lose(how = UNDER_A_GONE_KEY): Promise<void> {
  const { credentials } = product.engine.store;
  const acquired = await credentials.acquire(ID, 'test', 10_000);
  if (!('lease' in acquired)) throw new Error('held');
  const { generation, nextAttemptAt, body } = acquired.stored;
  const lost = how(body ?? '');
  if (lost === body) throw new Error('nothing was lost');
  await credentials.write(acquired.lease, { generation, nextAttemptAt, body: lost }, { release: true });
}

const generation = async (): Promise<number | undefined> => (await product.engine.store.credentials.read(ID))?.generation;
const issues = (): number => product.issues(ACCOUNT, '/cgi-bin/token');

test.each([
  ['under a key that is gone', UNDER_A_GONE_KEY],
  ['damaged under the right key', DAMAGED],
])('%s: a read issues it anew, once, and says so', async (_, how) => {
  await lose(how);
  await product.restart();
  const [token, again] = [await product.token(ACCOUNT), await product.token(ACCOUNT)];
  expect(again).toBe(token);
  expect([await product.accepted(token), issues(), await generation()]).toEqual([0, 2, 2]);
  expect(product.monitor.all('credential.lost')).toEqual([{ type: 'credential.lost', id: ID }]);
});

test('it stops a rotation of the master key, until its AppSecret was entered again', async () => {
  await lose();
  const { store } = product.engine;
  const source = { masterKey: null, masterKeyFile: join(product.folder, 'master-key') };
  const rotate = async () => {
    const keys = await openMasterKeys(source, store.directory);
    const clock = new HurriedClock();
    return rotateMasterKey({ keys, ownKeyFile: source.masterKeyFile, store, clock, holder: 'test', progress: () => undefined });
  };
  await expect(rotate()).rejects.toMatchObject({ code: 'unseal_failed', advice: { en: expect.stringContaining('account secret') } });
  await product.engine.accounts.update(ACCOUNT, { secrets: [SECRET] }, 'test');
  await until(generation, (now) => now === 2);
  await product.landed();
  expect(await rotate()).toMatchObject({ from: null });
});

test('a node that does not know the keys of the store loses nothing', async () => {
  await lose();
  const told: unknown[] = [];
  const keys = await openMasterKeys({ masterKey: null, masterKeyFile: join(product.folder, 'master-key') }, product.engine.store.directory);
  const leftBehind = { ...keys, follow: () => Promise.reject(new ZhongkongError('unseal_failed', 'another key')) };
  const { credentials, due } = withoutLost(product.engine.store, leftBehind, (id) => told.push(id));
  await expect(credentials.read(ID)).rejects.toMatchObject({ message: 'another key' });
  await expect(credentials.acquire(ID, 'test', 10)).rejects.toMatchObject({ message: 'another key' });
  expect(await due.nextDueAt()).not.toBeNull();
  expect(told).toEqual([]);
});
