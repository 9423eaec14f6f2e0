/** A service that sends the real AppSecret in the place of its API key: refused, and the operators are told. */

import { beforeEach, expect, test, vi } from 'vitest';
import { appIdOf, createWorld, secretOf, type World } from '../http/world.ts';

const APP = appIdOf(1);
let world: World;

beforeEach(async () => {
  world = await createWorld();
  await world.addAccount(APP);
});

const form = { grant_type: 'client_credential' };
const classic = (secret: string, appid = APP) => world.call('GET', `/cgi-bin/token?${new URLSearchParams({ ...form, appid, secret })}`);
const stable = (secret: string) => world.call('POST', '/cgi-bin/stable_token', { json: { ...form, appid: APP, secret } });

const told = () => world.said.filter(({ type }) => type === 'secret.misplaced');

test('is refused like any unknown key, and told to the operators, once in a while', async () => {
  expect((await classic(secretOf(APP))).json.errcode).toBe(40125);
  await stable(secretOf(APP));
  expect(told()).toEqual([{ type: 'secret.misplaced', account: APP }]);
  expect(JSON.stringify(world.said)).not.toContain(secretOf(APP));
  await world.advance(600_000);
  await stable(secretOf(APP));
  expect(told()).toHaveLength(2);
});

test('garbage and the secret of another account are not told, and read no account from the store', async () => {
  const reads = vi.spyOn(world.directory, 'accountsByAppId');
  for (const [secret, appid] of [
    [`${secretOf(APP)}x`, APP],
    [secretOf(APP), appIdOf(2)],
    [secretOf(APP), 'nobody'],
    ['x', APP],
  ] as const)
    expect((await classic(secret, appid)).json.errcode).toBe(40125);
  expect(told()).toEqual([]);
  expect(reads).not.toHaveBeenCalled();
});
