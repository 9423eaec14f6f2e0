/** The real AppSecret in the place of an API key, where the configuration lets it in while a team moves over. */

import { beforeEach, expect, test, vi } from 'vitest';
import { ADMIN, type Answered, appIdOf, createWorld, secretOf, type World } from '../http/world.ts';

const APP = appIdOf(1);
let world: World;

const query = (fields: Record<string, string>) => `/cgi-bin/token?${new URLSearchParams({ grant_type: 'client_credential', ...fields })}`;
const classic = (secret: string, appid = APP) => world.call('GET', query({ appid, secret }));
const stable = (secret: string) =>
  world.call('POST', '/cgi-bin/stable_token', { json: { grant_type: 'client_credential', appid: APP, secret } });

const expectRefused = ({ status, json }: Answered): void => expect([status, json.errcode]).toEqual([200, 40125]);

beforeEach(async () => {
  world = await createWorld({ app: { acceptAppSecret: true } });
  await world.addAccount(APP, { secrets: [secretOf(APP), 'its-fallback-secret'] });
  await world.addAccount(appIdOf(2));
});

test('opens its own account where the configuration says so, the fallback too', async () => {
  expect((await classic(secretOf(APP))).json.access_token).toBe(world.wechat.issued[0]);
  expect((await stable('its-fallback-secret')).json.access_token).toBe(world.wechat.issued[0]);
  expect(world.logged.at(-1)).toMatchObject({ keyId: `appsecret:${APP}`, accountId: APP });
});

test('and no other', async () => {
  expectRefused(await classic(secretOf(appIdOf(2))));
  expectRefused(await classic(`${secretOf(APP)}x`));
  expectRefused(await classic(secretOf(APP), 'nobody'));
  expectRefused(await classic(ADMIN));
});

test('of an AppID that is nobody’s costs one look-up, until an account changes', async () => {
  const lookups = vi.spyOn(world.directory, 'accountsByAppId');
  for (let i = 0; i < 20; i += 1) await classic(`a-secret-of-nobody-${i}`, 'wx00000000000000ff');
  expect(lookups).toHaveBeenCalledTimes(1);
  await world.addAccount('wx00000000000000ff');
  expect((await classic(secretOf('wx00000000000000ff'), 'wx00000000000000ff')).json.access_token).toBeDefined();
});

test('of ever new AppIDs cannot flood the store: few look-ups at once, and an end to the line', async () => {
  let release = (): void => undefined;
  const held = new Promise<void>((resolve) => (release = resolve));
  const lookups = vi.spyOn(world.directory, 'accountsByAppId').mockImplementation(async () => held.then(() => []));
  // Known to be no key, so that nothing else stands in the way.
  const secret = 'the-secret-of-nobody-at-all';
  await world.keys.find(secret);
  const asked = Array.from({ length: 1100 }, (_, i) => classic(secret, `wx-of-nobody-${i}`));
  await world.advance(0);
  expect(lookups.mock.calls.length).toBeLessThanOrEqual(16);
  release();
  const codes = (await Promise.all(asked)).map(({ json }) => json.errcode);
  expect(new Set(codes)).toEqual(new Set([40125, 45009]));
  expect(codes.filter((code) => code === 40125)).toHaveLength(1016);
});

test('under /v1 it is no key', async () => {
  expect((await world.call('GET', `/v1/accounts/${APP}/token`, { key: secretOf(APP) })).status).toBe(401);
});
