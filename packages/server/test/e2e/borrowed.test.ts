// Zhongkong behind Zhongkong: simulator ← lender ← borrower, on real sockets. Only time is moved.
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { type Borrower, startBorrower } from '../helpers/borrower.ts';
import { type Product, startProduct } from '../helpers/product.ts';
import { TcpProxy } from '../helpers/tcp-proxy.ts';
import { until } from '../helpers/until.ts';

const ID = 'wx0123456789abcdef';
const CLASSIC = '/cgi-bin/token';
const STABLE = '/cgi-bin/stable_token';
const READ_ONE = { scopes: ['credential:read'] as const, accounts: [ID] };

let lender: Product;
const borrowers: Borrower[] = [];

beforeEach(async () => {
  lender = await startProduct();
});
afterEach(async () => {
  for (const borrower of borrowers.splice(0).reverse()) await borrower.close();
  await lender.close();
});

/** A borrower with a key of its own at the lender, or at the borrower before it. */
async function borrow(from: Pick<Borrower, 'engine' | 'url'> = lender): Promise<Borrower> {
  const { key } = await from.engine.keys.create({ name: `borrower-${borrowers.length}`, ...READ_ONE }, 'test');
  const borrower = await startBorrower({ id: ID, lender: from.url, key, clock: lender.clock });
  borrowers.push(borrower);
  return borrower;
}

async function travel(seconds: number): Promise<void> {
  for (const borrower of borrowers) await borrower.landed();
  await lender.travel(seconds);
}

/** Calls that the lender's drop-in has answered. */
async function lent(): Promise<number> {
  const response = await fetch(`${lender.url}/metrics`, { headers: { authorization: `Bearer ${lender.admin}` } });
  const lines = (await response.text()).split('\n').filter((line) => line.includes(`route="${STABLE}"`) && line.includes('_total'));
  return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
}

const accepted = (value: string): Promise<number> => lender.accepted(value);

describe.each([
  ['stable', STABLE],
  ['classic', CLASSIC],
] as const)('a lender in %s mode', (mode, path) => {
  test('over two lives of the token, every read is accepted for as long as was told, and WeChat issues for the lender alone', async () => {
    await lender.addAccount(ID, mode);
    const near = await borrow();
    const all = [near, await borrow(), await borrow(near)];
    const now = () => lender.clock.monotonic() / 1000;
    /** Until when each value was said to be good. */
    const promises = new Map<string, number>();
    const look = async (): Promise<void> => {
      for (const borrower of all) {
        const askedAt = now();
        const { value, expires_in: life } = await borrower.read();
        promises.set(value, Math.max(promises.get(value) ?? 0, askedAt + life));
      }
      for (const [value, end] of promises) {
        const errcode = await accepted(value);
        if (now() >= end) promises.delete(value);
        else expect(errcode).toBe(0);
      }
    };
    // In steps that hit other points of the second window than of the first.
    for (const end = now() + 2 * 7200; now() < end; await travel(89)) await look();
    expect(promises.size).toBeLessThanOrEqual(2);
    // The lender's own: the first, and one for each life that ended meanwhile.
    expect(lender.issues(ID, path)).toBe(3);
    expect(lender.simulator.control.account(ID).counters.issues[STABLE]?.forced ?? 0).toBe(0);
    for (const { monitor } of all) {
      expect(monitor.count('refresh.foreign')).toBe(0);
      expect(monitor.count('refresh.failed')).toBe(0);
    }
  });

  test('a token that a stranger killed heals over a report at the borrower, with one issue', async () => {
    await lender.addAccount(ID, mode);
    const borrower = await borrow();
    const { value: first } = await borrower.read();
    lender.simulator.control.rogue(ID, { chain: mode, force: true, times: 2 });
    await travel(301);
    if (mode === 'classic') lender.simulator.control.rogue(ID, { chain: mode, times: 2 });
    expect(await accepted(first)).toBe(40001);
    const before = lender.issues(ID, path);
    const answer = await borrower.report(first);
    expect(answer).toMatchObject({ outcome: 'refreshed' });
    expect(await accepted(answer.value)).toBe(0);
    expect((await borrower.read()).value).toBe(answer.value);
    expect(await lender.token(ID)).toBe(answer.value);
    expect(lender.issues(ID, path) - before).toBeLessThanOrEqual(1);
    expect(borrower.monitor.count('refresh.foreign')).toBe(0);
    expect(lender.monitor.count('refresh.foreign')).toBe(1);
  });
});

describe('a report at the borrower', () => {
  test('of a token that works costs no issue, and says that the lender gave it again', async () => {
    await lender.addAccount(ID, 'stable');
    const borrower = await borrow();
    const { value } = await borrower.read();
    expect(await borrower.report(value)).toMatchObject({ outcome: 'unverified', value });
    expect(lender.issues(ID, STABLE)).toBe(1);
    expect(lender.monitor.all('credential.reported').map(({ outcome }) => outcome)).toEqual(['alive']);
  });

  test('passes through two borrowers', async () => {
    await lender.addAccount(ID, 'classic');
    const near = await borrow();
    const far = await borrow(near);
    const { value: first } = await far.read();
    lender.simulator.control.rogue(ID, { chain: 'classic', times: 2 });
    const { outcome, value } = await far.report(first);
    expect(outcome).toBe('refreshed');
    expect(await accepted(value)).toBe(0);
    expect((await near.read()).value).toBe(value);
  });

  test('a value that the lender replaced before its time is known within five minutes without one', async () => {
    await lender.addAccount(ID, 'classic');
    const borrower = await borrow();
    const { value: first } = await borrower.read();
    const { status, json } = await lender.call(`/v1/accounts/${ID}/credentials/access_token/refresh`, { body: { reason: 'a look' } });
    expect(status).toBe(200);
    expect(json.value).not.toBe(first);
    const committed = borrower.monitor.next('credential.committed');
    await travel(300);
    await committed;
    expect(
      (
        await until(
          () => borrower.read(),
          ({ value }) => value !== first,
        )
      ).value,
    ).toBe(json.value);
    expect(borrower.monitor.count('refresh.foreign')).toBe(0);
  });
});

test("what is the lender's to do is refused with where to do it", async () => {
  await lender.addAccount(ID, 'stable');
  const borrower = await borrow();
  await borrower.read();
  const order = await borrower.call(`/v1/accounts/${ID}/credentials/access_token/refresh`, { reason: 'x' });
  expect(order).toMatchObject({ status: 501, json: { code: 'not_available' } });
  expect(order.json.advice.en).toMatch(/lender/);
  expect(lender.issues(ID, STABLE)).toBe(1);
});

test('a lender that is away: the borrower serves until the end that was told, then says why, then recovers by itself', async () => {
  await lender.addAccount(ID, 'stable');
  const port = Number(new URL(lender.url).port);
  const way = await TcpProxy.start(port);
  onTestFinished(() => way.close());
  const borrower = await borrow({ engine: lender.engine, url: `http://127.0.0.1:${way.port}` });
  const { value, expires_in: life } = await borrower.read();
  way.targetPort = 9;
  way.cut();
  const failed = borrower.monitor.next('refresh.failed');
  await travel(life - 20);
  await failed;
  expect((await borrower.read()).value).toBe(value);
  expect(await accepted(value)).toBe(0);
  expect((await borrower.status()).cause).toMatchObject({
    class: 'transient',
    advice: { en: expect.stringContaining('upstreams.borrowed') },
  });
  await travel(25);
  const { status, json } = await borrower.call(`/v1/accounts/${ID}/token`);
  expect(status).toBe(503);
  expect(json.code).toBe('credential_unavailable');
  way.targetPort = port;
  await travel(40);
  const { value: next } = await until(() => borrower.read());
  expect(next).not.toBe(value);
  expect(await accepted(next)).toBe(0);
});

test('a lender in doubt tells 10 s: the borrower follows without a gap and without a storm', async () => {
  await lender.addAccount(ID, 'classic');
  const borrower = await borrow();
  await borrower.read();
  // Two lost answers, and WeChat is away: the lender does not know whether its token still works.
  lender.simulator.control.setFaults({ fault: 'drop', when: 'before', path: CLASSIC });
  await travel(7200 - 900);
  await travel(400);
  const { json } = await lender.call(`/v1/accounts/${ID}/token`);
  expect(json).toMatchObject({ state: 'suspect' });
  await travel(5);
  const before = await lent();
  for (let step = 0; step < 20; step += 1) {
    const { value, expires_in: life } = await borrower.read();
    expect([life <= 10, await accepted(value)]).toEqual([true, 0]);
    await travel(3);
  }
  // One every 5 s or so.
  const calls = (await lent()) - before;
  expect([calls > 5, calls <= 14]).toEqual([true, true]);
});

test('a revoked key: served on, named at once, and mended by another key', async () => {
  await lender.addAccount(ID, 'stable');
  const borrower = await borrow();
  const { value } = await borrower.read();
  const revoked = (await lender.engine.keys.page({ after: null, limit: 10 })).find(({ name }) => name === 'borrower-0');
  await lender.engine.keys.revoke(revoked?.id ?? '', 'test');
  const failed = borrower.monitor.next('refresh.failed');
  await travel(300);
  await failed;
  expect((await borrower.read()).value).toBe(value);
  const { cause } = await borrower.status();
  expect(cause).toMatchObject({ class: 'config', errcode: 40125 });
  expect(cause.advice.zh).toMatch(/API key/);
  expect(cause.advice.en).not.toMatch(/mp\.weixin/);
  const recovered = borrower.monitor.next('refresh.recovered');
  const { key } = await lender.engine.keys.create({ name: 'another', ...READ_ONE }, 'test');
  await borrower.engine.accounts.update(ID, { secrets: [key] }, 'test');
  await recovered;
  expect((await borrower.status()).cause).toBeNull();
  expect(lender.issues(ID, STABLE)).toBe(1);
});
