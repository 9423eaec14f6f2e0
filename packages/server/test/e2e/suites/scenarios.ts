/**
 * What an operator fears, watched end to end: server, store, sockets and simulator are real, only time is moved.
 *
 * In each of them the referee is asked whether WeChat accepts what a caller is handed.
 */

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Product, SECRET } from '../../helpers/product.ts';
import { until } from '../../helpers/until.ts';

const ID = 'wx0123456789abcdef';
const CLASSIC = '/cgi-bin/token';
const STABLE = '/cgi-bin/stable_token';

/** `start` gives a product of its own to each test. */
export function scenarios(start: () => Promise<Product>): void {
  let product: Product;
  beforeEach(async () => {
    product = await start();
  });
  afterEach(async () => {
    await product.close();
  });

  /** A caller is handed a token, and WeChat accepts it. */
  async function served(): Promise<string> {
    const token = await product.token(ID);
    expect(await product.accepted(token)).toBe(0);
    return token;
  }

  /** What is handed out once a new one is stored: memory follows the store by a round trip. */
  const servedAfter = (before: string): Promise<string> => until(served, (token) => token !== before);

  describe('a rotation', () => {
    test('in classic mode: one issue, the old token works on for its grace, every read is accepted', async () => {
      await product.addAccount(ID, 'classic');
      const first = await served();
      await product.travelUntil(7200 - 900, 'credential.committed');
      const second = await servedAfter(first);
      expect(await product.accepted(first)).toBe(0);
      expect(product.issues(ID, CLASSIC)).toBe(2);
      await product.travel(301);
      expect(await product.accepted(first)).toBe(40001);
      expect(await served()).toBe(second);
    });

    test('in stable mode: not before the last five minutes, and one issue', async () => {
      await product.addAccount(ID, 'stable');
      const first = await served();
      await product.travel(7200 - 310);
      expect(await served()).toBe(first);
      await product.travelUntil(310 - 295 + 61, 'credential.committed');
      await servedAfter(first);
      expect(product.issues(ID, STABLE)).toBe(2);
    });

    test('the lifetime that was told stays true over it', async () => {
      await product.addAccount(ID, 'classic');
      const { json } = await product.call(`/v1/accounts/${ID}/token`);
      await product.travelUntil(json.expires_in - 1 - 200, 'credential.committed');
      await product.travel(200);
      expect(await product.accepted(json.value)).toBe(0);
    });
  });

  test('a lost answer: the current is served while it works, and replaced before its grace ends', async () => {
    await product.addAccount(ID, 'classic');
    const first = await served();
    product.simulator.control.setFaults({ fault: 'drop', when: 'after', path: CLASSIC, count: 1 });
    await product.travelUntil(7200 - 900, 'refresh.outcome_unknown');
    expect(await served()).toBe(first);
    expect(product.simulator.control.token(first).state).toBe('grace');
    await product.travel(240);
    expect(await served()).toBe(first);
    await product.travelUntil(31, 'credential.committed');
    await servedAfter(first);
    expect(product.issues(ID, CLASSIC)).toBe(3);
  });

  describe('a rogue fetcher', () => {
    test('in classic mode: a report is verified, the token replaced once, and somebody is told', async () => {
      await product.addAccount(ID, 'classic');
      const first = await served();
      product.simulator.control.rogue(ID, { chain: 'classic', times: 2 });
      expect(await product.accepted(first)).toBe(40001);
      const answers = await Promise.all(
        Array.from({ length: 20 }, () => product.call(`/v1/accounts/${ID}/credentials/access_token/report`, { body: { value: first } })),
      );
      expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200));
      const second = await served();
      expect(new Set(answers.map(({ json }) => json.value))).toEqual(new Set([second]));
      expect(product.issues(ID, CLASSIC)).toBe(2);
      expect(product.monitor.count('refresh.foreign')).toBe(1);
      expect(product.monitor.count('credential.probed')).toBe(1);
      const { json } = await product.call('/v1/status', { key: product.admin });
      expect(json.credentials[0].foreign_refresh_at).not.toBeNull();
    });

    test('in stable mode by force: an unforced call brings the newer token, nothing is killed', async () => {
      await product.addAccount(ID, 'stable');
      const first = await served();
      product.simulator.control.rogue(ID, { chain: 'stable', force: true, times: 1 });
      await product.travel(301);
      expect(await product.accepted(first)).toBe(40001);
      const { json } = await product.call(`/v1/accounts/${ID}/credentials/access_token/report`, { body: { value: first } });
      expect(json.outcome).toBe('refreshed');
      expect(await served()).toBe(json.value);
      expect(product.monitor.count('refresh.foreign')).toBe(1);
      expect(product.simulator.control.account(ID).counters.issues[STABLE]?.forced ?? 0).toBe(0);
    });
  });

  test('a reset AppSecret: served on, said clearly, and mended at once by the new one', async () => {
    await product.addAccount(ID, 'classic');
    const first = await served();
    const { secret } = product.simulator.control.resetSecret(ID);
    await product.travelUntil(7200 - 900, 'refresh.failed');
    expect(await served()).toBe(first);
    const { json } = await product.call('/v1/status', { key: product.admin });
    expect(json.credentials[0].cause).toMatchObject({ class: 'config', errcode: 40125 });
    expect(json.credentials[0].cause.advice.zh).toMatch(/AppSecret/);
    const committed = product.monitor.next('credential.committed');
    const patched = await product.call(`/v1/accounts/${ID}`, { method: 'PATCH', key: product.admin, body: { secret } });
    expect(patched.status).toBe(200);
    expect(JSON.stringify(patched.json)).not.toContain(secret);
    await committed;
    await servedAfter(first);
  });

  test('an IP that is not whitelisted: the address is named, and nothing else has to be done than to allow it', async () => {
    await product.addAccount(ID, 'stable', { whitelist: ['203.0.113.9'] });
    const refused = await product.call(`/v1/accounts/${ID}/token`);
    expect(refused.status).toBe(503);
    expect(refused.json).toMatchObject({ code: 'credential_unavailable', errcode: 40164 });
    expect(refused.json.detail).toContain('127.0.0.1');
    const dropin = await product.call(`${CLASSIC}?grant_type=client_credential&appid=${ID}&secret=${product.key}`);
    expect(dropin).toMatchObject({ status: 200, json: { errcode: 40164 } });
    product.simulator.control.editWhitelist(ID, { whitelist: ['127.0.0.1'] });
    await product.travelUntil(75, 'credential.committed');
    await served();
  });

  test('an outage of WeChat: reads go on until the token really ends, then say why, then recover by themselves', async () => {
    await product.addAccount(ID, 'classic');
    const first = await served();
    product.simulator.control.setFaults({ fault: 'errcode', errcode: -1, path: CLASSIC });
    await product.travelUntil(7200 - 900, 'refresh.failed');
    for (let left = 890; left > 20; left -= 60) {
      expect(await served()).toBe(first);
      await product.travel(60);
    }
    await product.travel(60);
    const gone = await product.call(`/v1/accounts/${ID}/token`);
    expect(gone).toMatchObject({ status: 503, json: { code: 'credential_unavailable', errcode: -1 } });
    expect(gone.json.retry_after).toBeGreaterThan(0);
    product.simulator.control.clearFaults();
    await product.travelUntil(40, 'credential.committed');
    await servedAfter(first);
  });

  test('a restart changes nothing: the same token, no further issue', async () => {
    await product.addAccount(ID, 'classic');
    const first = await served();
    await product.restart();
    expect(await served()).toBe(first);
    expect(product.issues(ID, CLASSIC)).toBe(1);
  });

  test('the leak procedure in stable mode: the leaked token is dead after two forced issues, 30 s apart, over a restart', async () => {
    await product.addAccount(ID, 'stable');
    const leaked = await served();
    const started = await product.call(`/v1/accounts/${ID}/credentials/access_token/revoke-leaked`, {
      key: product.admin,
      body: { reason: 'found in a repository' },
    });
    expect(started.status).toBe(202);
    await product.restart();
    await product.travelUntil(31, 'leak.step');
    expect(await product.accepted(leaked)).toBe(40001);
    await served();
    expect(product.simulator.control.account(ID).counters.issues[STABLE]?.forced).toBe(2);
  });

  test('a hundred first reads at once cost one issue', async () => {
    product.simulator.control.putAccount(ID, { secret: SECRET });
    product.simulator.control.setFaults({ fault: 'latency', ms: 50, path: STABLE });
    await product.addAccount(ID, 'stable');
    const tokens = await Promise.all(Array.from({ length: 100 }, () => product.token(ID)));
    expect(new Set(tokens).size).toBe(1);
    expect(product.issues(ID, STABLE)).toBe(1);
  });
}
