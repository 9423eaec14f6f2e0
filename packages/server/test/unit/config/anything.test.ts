/** Whatever stands in the file or the environment: a right configuration, or one error of ours without anything secret. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ZhongkongError } from '../../../src/core/errors.ts';
import { type Given, load, withFolder } from './fixtures.ts';

const SECRET = 'a1b2c3d4e5f60718293a4b5c6d7e8f90';

describe('anything at all', () => {
  /** A right configuration, or one error of ours that holds nothing of what is secret. */
  async function survives(given: Given): Promise<void> {
    const outcome = await load(given).catch((error: unknown) => error);
    if (!(outcome instanceof Error)) return;
    expect(outcome).toBeInstanceOf(ZhongkongError);
    expect((outcome as ZhongkongError).code).toBe('config_invalid');
    for (const text of Object.values((outcome as ZhongkongError).text)) expect(text).not.toContain(SECRET);
    expect(outcome.message).not.toMatch(/\bat .*:\d+:\d+|undefined/);
  }

  const anything = fc.oneof(fc.jsonValue(), fc.constant({}), fc.constant([]));
  const secret = fc.oneof(fc.constant(SECRET), fc.array(fc.constant(SECRET)), fc.constant({ x: SECRET }));
  /** Garbage under names that exist, with secrets where secrets belong. */
  const item = fc.record(
    {
      id: anything,
      app_id: anything,
      platform: anything,
      mode: anything,
      name: anything,
      scopes: anything,
      x: anything,
      secret,
      key: secret,
    },
    { requiredKeys: [] },
  );
  const items = fc.oneof(fc.array(fc.oneof(item, secret)), item, secret);
  const file = fc.record(
    {
      listen: anything,
      store: anything,
      tls: anything,
      log: anything,
      refresh: fc.dictionary(fc.constantFrom('leaseSeconds', 'cacheSize', 'x'), anything),
      upstreams: anything,
      toString: anything,
      accounts: items,
      keys: items,
      adminKey: secret,
      masterKey: secret,
      adminkey: secret,
    },
    { requiredKeys: [] },
  );
  const garbage = fc.oneof(fc.jsonValue(), file);

  it('in a file', async () => {
    await withFolder({}, async (cwd) => {
      const { writeFile } = await import('node:fs/promises');
      await fc.assert(
        fc.asyncProperty(garbage, async (value) => {
          await writeFile(`${cwd}/zhongkong.json`, JSON.stringify(value));
          await survives({ cwd });
        }),
        { numRuns: 200 },
      );
    });
  });

  it('in the environment', async () => {
    const list = fc.oneof(
      items.map((value) => JSON.stringify(value)),
      fc.string(),
    );
    await fc.assert(
      fc.asyncProperty(fc.constantFrom('ACCOUNTS', 'KEYS'), list, (name, text) => survives({ env: { [`ZHONGKONG_${name}`]: text } })),
      { numRuns: 300 },
    );
    const variable = fc.constantFrom('LISTEN', 'STORE', 'TLS_CERT_FILE', 'TRUSTED_PROXIES', 'REFRESH_LEASE_SECONDS', 'PUBLIC_URL');
    await fc.assert(
      fc.asyncProperty(variable, fc.string(), (name, text) => survives({ env: { [`ZHONGKONG_${name}`]: text } })),
      { numRuns: 200 },
    );
  });
});
