/**
 * SDKs that nobody here wrote, in processes of their own, get their tokens from the running server: base URL changed,
 * an API key in the place of the secret, nothing else. The simulator counts what that cost.
 */

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Product, SECRET, startProduct } from '../helpers/product.ts';
import { type Caller, CallerProcess, SDKS, type Sdk } from './caller-process.ts';

const ID = 'wx0123456789abcdef';
const PATHS = { classic: '/cgi-bin/token', stable: '/cgi-bin/stable_token' } as const;
/** Of each SDK, in each of two processes. */
const EACH = 2;

let processes: CallerProcess[] = [];
let product: Product;

beforeAll(async () => {
  processes = await Promise.all([CallerProcess.start(), CallerProcess.start()]);
});
afterAll(async () => {
  await Promise.all(processes.map((one) => one.end()));
});
beforeEach(async () => {
  product = await startProduct();
});
afterEach(async () => {
  await product.close();
});

const places = (key = product.key, appId = ID) => ({ tokens: product.url, wechat: product.wechat, appId, key });

async function openCallers(): Promise<Caller[]> {
  const wanted = processes.flatMap((one) => SDKS.flatMap((sdk) => Array.from({ length: EACH }, () => ({ one, sdk }))));
  return Promise.all(wanted.map(({ one, sdk }) => one.open(sdk, places())));
}

/** Time passes for WeChat, the server and its callers alike. */
async function travel(seconds: number): Promise<void> {
  await product.travel(seconds);
  await Promise.all(processes.map((one) => one.travel(seconds)));
}

/** All at once; everybody must have been handed this one token. */
async function handed(callers: readonly Caller[]): Promise<string> {
  const tokens = new Set(await Promise.all(callers.map((caller) => caller.token())));
  expect(tokens.size).toBe(1);
  return [...tokens][0] as string;
}

/** Each makes a business call at WeChat with the token it has; WeChat must have accepted every one. */
async function business(callers: readonly Caller[]): Promise<void> {
  const before = product.simulator.control.account(ID).counters.business;
  const users = await Promise.all(callers.map((caller) => caller.user('o-some-user')));
  expect(users.map((user) => user['openid'])).toEqual(callers.map(() => 'o-some-user'));
  const after = product.simulator.control.account(ID).counters.business;
  expect(after.accepted - before.accepted).toBe(callers.length);
  expect(after.rejected).toEqual(before.rejected);
}

describe.each(['classic', 'stable'] as const)('an account in %s mode', (mode) => {
  test('one issue per rotation for sixteen SDK objects in two processes, and WeChat accepts every call', async () => {
    await product.addAccount(ID, mode);
    const callers = await openCallers();
    expect(callers).toHaveLength(16);

    const first = await handed(callers);
    await business(callers);
    expect(product.issues(ID, PATHS[mode])).toBe(1);

    // The server rotates; the SDKs still believe in what they cached, and may.
    const rotated = product.monitor.next('credential.committed');
    await travel(mode === 'classic' ? 7200 - 900 : 7200 - 295 + 61);
    await rotated;
    await business(callers);
    expect(product.issues(ID, PATHS[mode])).toBe(2);

    // The lifetime that they were told is over.
    await travel(302);
    const second = await handed(callers);
    expect(second).not.toBe(first);
    await business(callers);
    expect(product.issues(ID, PATHS[mode])).toBe(2);
    expect(product.simulator.control.token(first).state).toBe('dead');
  });
});

test('force_refresh by everybody at once is a hint: no issue while WeChat accepts the token', async () => {
  await product.addAccount(ID, 'stable');
  const callers = await Promise.all(processes.map((one) => one.open('node-easywechat, stable', places())));
  const token = await handed(callers);
  expect(new Set(await Promise.all(callers.map((caller) => caller.force())))).toEqual(new Set([token]));
  expect(product.issues(ID, PATHS.stable)).toBe(1);
});

describe.each(SDKS)('%s is told in the form of WeChat', (sdk: Sdk) => {
  /** How the SDK hands on what it was told: as a code, or inside the message. */
  async function errcodeOf(key: string, appId = ID): Promise<number> {
    const caller = await processes[0]?.open(sdk, places(key, appId));
    const error = await caller?.token().then(
      () => null,
      (thrown: Error & { code?: unknown }) => thrown,
    );
    expect(error).toBeInstanceOf(Error);
    if (typeof error?.code === 'number') return error.code;
    return Number(/"errcode":(\d+)/.exec(error?.message ?? '')?.[1]);
  }

  test('that the key is wrong, or that it is not for this account', async () => {
    await product.addAccount(ID, 'classic');
    expect(await errcodeOf(`${product.key.slice(0, -1)}~`)).toBe(40125);
    expect(await errcodeOf(SECRET)).toBe(40125);
    expect(await errcodeOf(product.key, 'wxffffffffffffffff')).toBe(40013);
    expect(product.issues(ID, PATHS.classic)).toBe(0);
  });

  test('why WeChat refuses: the address is not on the whitelist', async () => {
    await product.addAccount(ID, 'classic', { whitelist: ['203.0.113.9'] });
    expect(await errcodeOf(product.key)).toBe(40164);
  });
});
