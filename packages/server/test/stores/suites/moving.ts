/**
 * Moving a store with real processes: a server that refreshes all the time, callers that read all the time, the command
 * beside it, and another server on the new store. Tokens live 12 s here, so that every few seconds many are due.
 */

import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { readStanding } from '../../../src/core/standing.ts';
import { openStore } from '../../../src/stores/open.ts';
import { folder, type RunOptions, run, serve, simulator, start } from '../../e2e/cli/rig.ts';
import { until } from '../../helpers/until.ts';

const SECRET = 'a1b2c3d4e5f60718293a4b5c6d7e8f90';
const ADMIN = `admin-${randomBytes(16).toString('hex')}`;
const LIFE_S = 12;
const IDS = Array.from({ length: 12 }, (_, index) => `wx${String(index).padStart(16, '0')}`);

/** Two empty stores, by URLs that hold no password. `cwd` is for files. */
export type OpenStores = (cwd: string) => Promise<{ readonly from: string; readonly to: string }>;

async function installation(stores: OpenStores) {
  const account = { secret: SECRET, lifetime_seconds: LIFE_S };
  const wechat = await simulator({ accounts: Object.fromEntries(IDS.map((id) => [id, account])) });
  const cwd = folder();
  const { from, to } = await stores(cwd);
  const env = {
    ZHONGKONG_MASTER_KEY: randomBytes(32).toString('base64'),
    ZHONGKONG_ADMIN_KEY: ADMIN,
    ZHONGKONG_UPSTREAM_WECHAT: wechat.url,
  };
  const on = (store: string): RunOptions => ({ cwd, env: { ...env, ZHONGKONG_STORE: store } });
  return { control: wechat.simulator.control, from, to, on };
}

const call = (url: string, path: string, body?: unknown) =>
  fetch(`${url}/v1/${path}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { authorization: `Bearer ${ADMIN}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });

/** Reads all accounts again and again until told to stop. */
function reader(control: Awaited<ReturnType<typeof installation>>['control'], at: { url: string }) {
  const seen = { reads: 0, dead: [] as string[], backwards: [] as string[], generations: new Map<string, number>() };
  let stopped = false;
  const one = async (id: string): Promise<void> => {
    const response = await call(at.url, `accounts/${id}/token`).catch(() => null);
    if (response?.status !== 200) return;
    const { value, generation, expires_in } = (await response.json()) as { value: string; generation: number; expires_in: number };
    seen.reads += 1;
    // With less than a second left it may end on the way here.
    if (expires_in < 1) return;
    const state = control.token(value)?.state;
    if (state !== 'alive' && state !== 'grace') seen.dead.push(`${id} ${generation} ${state}`);
    if (generation < (seen.generations.get(id) ?? 0)) seen.backwards.push(`${id} ${generation}`);
    seen.generations.set(id, Math.max(generation, seen.generations.get(id) ?? 0));
  };
  const ended = (async () => {
    while (!stopped) {
      for (const id of IDS) await one(id);
      // What else waits for its turn comes first.
      await new Promise((resolve) => setImmediate(resolve));
    }
  })();
  return {
    seen,
    async stop(): Promise<void> {
      stopped = true;
      await ended;
    },
  };
}

export function movingSuite(stores: OpenStores): void {
  test('under refreshes: no read of a dead token, no generation goes back, one issue per rotation', async () => {
    const { control, from, to, on } = await installation(stores);
    const issues = (id: string): number => control.account(id).counters.issues['/cgi-bin/token']?.normal ?? 0;
    const old = await serve(on(from));
    for (const id of IDS) {
      expect((await call(old.url, 'accounts', { id, platform: 'official-account', mode: 'classic', secret: SECRET })).status).toBe(201);
    }
    const at = { url: old.url };
    const callers = reader(control, at);
    await until(
      async () => [...callers.seen.generations.values()],
      (all) => all.length === IDS.length && all.every((one) => one >= 2),
      40_000,
    );

    const moved = await run(['migrate', '--to', to, '--json'], on(from));
    expect(moved).toMatchObject({ code: 0, err: '' });
    expect(JSON.parse(moved.out)).toMatchObject({ accounts: IDS.length, credentials: IDS.length });
    const atMove = new Map(callers.seen.generations);
    const next = await serve(on(to));
    at.url = next.url;
    // The old one is still up: whatever it tries, it cannot issue any more.
    await until(
      async () => [...callers.seen.generations],
      (all) => all.every(([id, one]) => one >= (atMove.get(id) ?? 0) + 2),
      60_000,
    );
    await until(
      async () => (await fetch(`${old.url}/readyz`)).status,
      (status) => status === 503,
    );
    expect((await call(old.url, 'accounts', { id: 'late', platform: 'official-account', app_id: 'wxlate', secret: SECRET })).status).toBe(
      503,
    );
    await callers.stop();

    expect(callers.seen).toMatchObject({ dead: [], backwards: [] });
    expect(callers.seen.reads).toBeGreaterThan(100);
    old.child.kill('SIGTERM');
    next.child.kill('SIGTERM');
    await Promise.all([old.ended, next.ended]);
    const store = await openStore(to);
    try {
      const rows = await store.archive.credentials(null, 100);
      expect(rows.map(({ id, generation }) => [id.account, generation])).toEqual(IDS.map((id) => [id, issues(id)]));
    } finally {
      await store.close();
    }
  }, 180_000);

  test('killed in the middle: no server starts on either store, a second run finishes, or the first is undone', async () => {
    const { from, to, on } = await installation(stores);
    const source = await openStore(from);
    const server = await serve(on(from));
    server.child.kill('SIGTERM');
    await server.ended;
    const row = { generation: 0, fence: 1, nextAttemptAt: null, body: null, lease: null };
    const ids = Array.from({ length: 400 }, (_, index) => ({ account: `a${index}`, kind: 'access_token', chain: 'stable' }));
    await source.archive.put({ credentials: ids.map((id) => ({ ...row, id })) });
    const target = await openStore(to);
    try {
      const state = async () => (await readStanding(source.directory)).standing.state;
      const kill = async (): Promise<void> => {
        const first = start(['migrate', '--to', to], on(from));
        // It waits some seconds for servers that have not heard of it, with everything copied but the audit trail.
        await until(
          async () => (await target.archive.census()).credentials,
          (count) => count === ids.length,
        );
        first.child.kill('SIGKILL');
        await first.ended;
      };
      await kill();
      const refused = [await run(['serve', '--listen', '127.0.0.1:0'], on(from)), await run(['serve', '--listen', '127.0.0.1:0'], on(to))];
      expect(refused.map(({ code }) => code)).toEqual([3, 3]);
      expect(refused[0]?.err).toMatch(/is being moved to .*migrate --undo/s);
      expect(refused[1]?.err).toMatch(/is half filled.*migrate --to/s);
      expect(await run(['migrate', '--undo'], on(from))).toMatchObject({ code: 0 });
      expect(await state()).toBe('active');
      // What the undone run left there belongs to no move any more.
      expect((await run(['migrate', '--to', to], on(from))).err).toMatch(/half filled by another move/);
      await target.archive.clear();
      const { directory } = target;
      await directory.putSetting('standing', await directory.setting('standing'), '{"state":"active"}');
      await kill();
      expect(await run(['migrate', '--to', to], on(from))).toMatchObject({ code: 0 });
      expect([await state(), (await readStanding(target.directory)).standing.state]).toEqual(['moved', 'active']);
      expect((await target.archive.census()).credentials).toBe(ids.length);
      expect((await run(['serve', '--listen', '127.0.0.1:0'], on(from))).err).toMatch(/was moved to/);
    } finally {
      await source.close();
      await target.close();
    }
  }, 120_000);
}
