/** Several servers that start at the same moment on one fresh SQLite file. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import { openEngine } from '../../src/hosts/engine.ts';
import { PLATFORM_MODES } from '../../src/platforms/index.ts';

const NODES = 4;
const ACCOUNTS = ['wx00000000000000a1', 'wx00000000000000a2', 'wx00000000000000a3'];

/** Every node has opened before any of them goes on: nothing but the store keeps them apart. */
async function openNodes(declared: unknown) {
  const folder = mkdtempSync(join(tmpdir(), 'zhongkong-test-'));
  const config = await loadConfig({
    flags: { store: `sqlite:${join(folder, 'zhongkong.db')}`, 'log.level': 'silent' },
    env: { ZHONGKONG_ACCOUNTS: JSON.stringify(declared) },
    cwd: folder,
    platforms: PLATFORM_MODES,
  });
  const nodes = await Promise.all(Array.from({ length: NODES }, () => openEngine(config)));
  onTestFinished(async () => {
    await Promise.all(nodes.map((node) => node.stop()));
    rmSync(folder, { recursive: true, force: true });
  });
  return nodes;
}

const declaration = (ids: readonly string[]) => ids.map((id) => ({ id, platform: 'official-account', secret: 'a'.repeat(32) }));

test('declared accounts: all of them start, and each account is written once', async () => {
  const nodes = await openNodes(declaration(ACCOUNTS));
  await Promise.all(nodes.map((node) => node.applyConfig()));
  const [first] = nodes;
  const stored = await first?.accounts.page({ after: null, limit: 10 });
  expect(stored?.map(({ id, revision }) => [id, revision])).toEqual(ACCOUNTS.map((id) => [id, 1]));
});

test('the first admin key: one of them makes it, and it is the one that works', async () => {
  const nodes = await openNodes([]);
  const made = (await Promise.all(nodes.map((node) => node.createFirstAdminKey()))).filter((key) => key !== null);
  expect(made).toHaveLength(1);
  for (const node of nodes) expect((await node.keys.find(made[0] ?? ''))?.id).toBe('k_admin');
});

test('an AppID that another account has stops the start and names the option', async () => {
  const [node] = await openNodes([{ ...declaration(['shop'])[0], app_id: ACCOUNTS[0] }]);
  const account = { id: 'other', platform: 'official-account', appId: ACCOUNTS[0] ?? '', secrets: ['b'.repeat(32)] };
  await node?.accounts.create(account, 'test');
  await expect(node?.applyConfig()).rejects.toMatchObject({ code: 'config_invalid', message: expect.stringContaining('"shop"') });
});
