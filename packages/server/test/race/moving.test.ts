/** Moving a store while others work on it: every interleaving that can be chosen, on two memory stores and one clock. */

import { describe, expect, test } from 'vitest';
import { readStanding, suspensionOf } from '../../src/core/standing.ts';
import type { Store } from '../../src/core/store.ts';
import { moveStore } from '../../src/hosts/moving/move.ts';
import { undoMove } from '../../src/hosts/moving/undo.ts';
import { aKey, anAccount, credentialId, granted, START } from '../contract/suites/pair.ts';
import { ACCOUNTS, DEAD, LEASE_MS, id, refusal, rows, setUp, tampered, write } from './moving-world.ts';

test('everything arrives, and from then on the old store gives nobody a lease', async () => {
  const { source, target, move, state, clock } = await setUp();
  expect((await move()).census).toEqual({ accounts: ACCOUNTS, keys: 1, credentials: ACCOUNTS, audit: 3 });
  const [before, after] = [await rows(source.archive), await rows(target.archive)];
  expect(after.map(({ body, nextAttemptAt, generation }) => [body, nextAttemptAt, generation])).toEqual(
    before.map(({ body, nextAttemptAt, generation }) => [body, nextAttemptAt, generation]),
  );
  for (const [index, { fence, lease }] of after.entries()) {
    expect(fence).toBeGreaterThanOrEqual(before[index]?.fence ?? Number.NaN);
    expect(lease).toBeNull();
  }
  expect(await target.directory.setting('other')).toBe('kept');
  expect(await target.directory.setting('master_key')).toBe('check');
  expect([await state(source), await state(target)]).toEqual(['moved', 'active']);
  clock.now += 10 * 365 * 86_400_000;
  expect(await source.due.claim('server', LEASE_MS, 10)).toEqual([]);
  expect(await source.credentials.acquire(credentialId(id(7)), 'server', LEASE_MS)).toHaveProperty('heldUntil');
  expect(await target.due.claim('server', LEASE_MS, 10)).toHaveLength(10);
});

test('who is at a credential commits first, and that commit arrives', async () => {
  const { source, target, move, waits } = await setUp();
  const { lease } = granted(await source.credentials.acquire(credentialId(id(3)), 'server', LEASE_MS));
  waits.push(
    async () => undefined,
    async () => source.credentials.write(lease, write(2), { release: true }),
  );
  await move();
  expect(await target.credentials.read(credentialId(id(3)))).toMatchObject({ generation: 2 });
});

test('a holder that only paused is too late here, and its row is a takeover there', async () => {
  const { source, target, move, clock } = await setUp();
  const { lease } = granted(await source.credentials.acquire(credentialId(id(3)), 'paused', LEASE_MS));
  clock.now += LEASE_MS;
  await move();
  expect(await source.credentials.write(lease, write(2), { release: true })).toBe('stale');
  expect(granted(await target.credentials.acquire(credentialId(id(3)), 'new', LEASE_MS)).lease.takenOver).toBe(true);
  expect(granted(await target.credentials.acquire(credentialId(id(4)), 'new', LEASE_MS)).lease.takenOver).toBe(false);
});

test('what a server changes until it has heard of the move is carried over', async () => {
  const { source, target, move, waits } = await setUp();
  const { directory, credentials } = source;
  waits.push(async () => {
    // A new account before all others, used at once; one removed; one changed; a key made and one revoked; a line written.
    await directory.putAccount(anAccount('a-new'));
    await credentials.schedule(credentialId('a-new'), START);
    const { lease } = granted(await credentials.acquire(credentialId('a-new'), 'server', LEASE_MS));
    waits.push(async () => credentials.write(lease, write(5), { release: true }));
    await directory.removeAccount(id(9));
    await credentials.removeAll(id(9));
    await directory.putAccount(anAccount(id(8), { enabled: false, revision: 1 }));
    await credentials.schedule(credentialId(id(8)), null);
    await directory.putKey(aKey('k1', { revokedAt: 1, revision: 1 }));
    await directory.putKey(aKey('k2'));
    await directory.appendAudit([{ at: 9, action: 'late.line', actor: 'cli', subject: '', data: {} }]);
  });
  await move();
  expect(await target.archive.census()).toMatchObject({ accounts: ACCOUNTS, keys: 2, credentials: ACCOUNTS });
  expect(await target.credentials.read(credentialId('a-new'))).toMatchObject({ generation: 5 });
  expect(await target.directory.account(id(9))).toBeNull();
  expect(await target.credentials.read(credentialId(id(9)))).toBeNull();
  expect(await target.directory.account(id(8))).toMatchObject({ enabled: false });
  expect(await target.credentials.read(credentialId(id(8)))).toMatchObject({ nextAttemptAt: null, generation: 1 });
  expect(await target.directory.key('k1')).toMatchObject({ revokedAt: 1 });
  expect(await target.directory.audit({ before: null, limit: 9, action: 'late.line' })).toHaveLength(1);
  expect(await source.credentials.acquire(credentialId('a-new'), 'server', LEASE_MS)).toHaveProperty('heldUntil');
});

describe('refused, with nothing changed', () => {
  const CASES: readonly (readonly [string, (target: Store, source: Store) => Promise<unknown>, RegExp])[] = [
    ['a target with an account', ({ directory }) => directory.putAccount(anAccount('x')), /target is not empty \(accounts 1\)/],
    ['a target with a setting', ({ directory }) => directory.putSetting('declared_accounts', null, '[]'), /not empty \(settings 1\)/],
    ['another master key', ({ directory }) => directory.putSetting('master_key', null, 'other'), /another master key/],
    [
      'a target of another move',
      ({ directory }) => directory.putSetting('standing', null, '{"state":"filling","since":1,"run":"other"}'),
      /half filled by another move/,
    ],
    [
      'a source that was moved',
      (_, { directory }) => directory.putSetting('standing', null, '{"state":"moved","to":"x","run":"y"}'),
      /moved to x/,
    ],
  ];

  test.each(CASES)('%s', async (_, prepare, message) => {
    const { source, target, move, state } = await setUp();
    await prepare(target, source);
    const before = { source: await state(source), target: await state(target), census: await target.archive.census() };
    expect((await refusal(move())).message).toMatch(message);
    expect({ source: await state(source), target: await state(target), census: await target.archive.census() }).toEqual(before);
    expect(await source.credentials.acquire(credentialId(id(3)), 'server', LEASE_MS)).toHaveProperty('lease');
  });

  test('a store onto itself', async () => {
    const { source, pace, state } = await setUp();
    const side = (place: string) => ({ store: source, place });
    const error = await refusal(moveStore({ source: side('here'), target: side('there'), run: 'r', pace }));
    expect(error.message).toBe('here and there are one store');
    expect(await state(source)).toBe('active');
    expect(await source.archive.census()).toMatchObject({ accounts: ACCOUNTS });
  });

  test('a store that was never used', async () => {
    const { store, pace, target } = await setUp();
    const side = { store: store(), place: 'fresh' };
    expect((await refusal(moveStore({ source: side, target: { store: target, place: 't' }, run: 'r', pace }))).message).toMatch(
      /never used/,
    );
  });
});

test('what fails half way is taken back: the old store issues again, the target is empty', async () => {
  const { source, target, pace, state } = await setUp();
  const failing = tampered(target, 'put', async (count) => {
    if (count === 6) throw new Error('disk full');
  });
  const move = moveStore({ source: { store: source, place: 's' }, target: { store: failing, place: 't' }, run: 'r', pace });
  await expect(move).rejects.toThrow('disk full');
  expect([await state(source), await state(target)]).toEqual(['active', 'active']);
  expect(await target.archive.census()).toMatchObject({ accounts: 0, credentials: 0 });
  const claimed = await source.credentials.acquire(credentialId(id(3)), 'server', LEASE_MS);
  // Whether its last holder only paused was known to the run that failed.
  expect(granted(claimed).lease.takenOver).toBe(true);
});

test.each([500, 520])('undone while it runs, when it has %i leases: it stops, and none is left', async (held) => {
  const { source, target, move, own, state, clock } = await setUp();
  const acquire = source.credentials.acquire.bind(source.credentials);
  let count = 0;
  source.credentials.acquire = async (...args) => {
    // In the middle of a page the mark was read before it was changed.
    if ((count += 1) === held + 1) await undoMove(own);
    return acquire(...args);
  };
  expect((await refusal(move())).message).toMatch(/or undid that/);
  expect([await state(source), await state(target)]).toEqual(['active', 'active']);
  expect((await rows(source.archive)).filter(({ lease }) => lease && lease.until > clock.now)).toEqual([]);
});

test('taken up by another process while it runs: it stops, and leaves the leases to that one', async () => {
  const { source, target, pace, state, move, clock } = await setUp();
  const overtaken = tampered(target, 'put', async (count) => {
    if (count === 6) await move({}, 'r2');
  });
  const first = moveStore({ source: { store: source, place: 's' }, target: { store: overtaken, place: 'target' }, run: 'r', pace });
  expect((await refusal(first)).code).toBe('conflict');
  expect([await state(source), await state(target)]).toEqual(['moved', 'active']);
  expect(await target.archive.census()).toMatchObject({ accounts: ACCOUNTS, credentials: ACCOUNTS });
  clock.now += 1e9;
  expect(await source.credentials.acquire(credentialId(id(3)), 'server', LEASE_MS)).toHaveProperty('heldUntil');
});

describe('beside servers that go on issuing', () => {
  const lines = (count: number) => Array.from({ length: count }, (_, at) => ({ at, action: 'a.b', actor: 'cli', subject: '', data: {} }));

  test.each(['active', 'dormant'] as const)('the audit trail, accounts and keys are copied; what was %s still is', async (was) => {
    const { source, target, pace, clock } = await setUp();
    const { directory, credentials } = source;
    await directory.appendAudit(lines(6000));
    if (was === 'dormant') await directory.putSetting('standing', null, '{"state":"dormant","since":1,"marked":true}');
    const seen: unknown[] = [];
    const watched = tampered(target, 'put', async () => {
      const { audit, accounts, keys } = await target.archive.census();
      if (await target.archive.credentials(null, 1).then((held) => held.length > 0)) return;
      seen.push(suspensionOf((await readStanding(directory)).standing)?.code ?? null);
      if (audit === 0 || accounts > 0 || keys > 0) return;
      // Once, between two pages of the audit trail: a token is issued, a line written and old ones pruned.
      if (seen.length !== 2) return;
      const { lease } = granted(await credentials.acquire(credentialId(id(3)), 'server', LEASE_MS));
      await credentials.write(lease, write(2), { release: true });
      await directory.appendAudit([{ at: 1e6, action: 'late.line', actor: 'cli', subject: '', data: {} }]);
      await directory.pruneAudit(100);
    });
    clock.now += 1;
    const move = moveStore({ source: { store: source, place: 's' }, target: { store: watched, place: 't' }, run: 'r', pace });
    const { census, suspendedMs } = await move;
    // All of the pages before the first of credentials, which is written once the source is moving.
    expect([...new Set(seen.slice(0, -1))]).toEqual([was === 'active' ? null : 'restored_copy']);
    expect(seen.at(-1)).toBe('store_moving');
    expect(seen.length).toBeGreaterThan(12);
    // The wait for servers that have not heard yet, and one round of catching up.
    expect(suspendedMs).toBe(5200);
    expect(census).toMatchObject({ accounts: ACCOUNTS, credentials: ACCOUNTS });
    expect(await target.credentials.read(credentialId(id(3)))).toMatchObject({ generation: 2 });
    const there = await target.archive.audit(0, 10_000);
    const numbers = there.map(({ seq }) => seq);
    expect((await source.archive.audit(0, 10_000)).every(({ seq }) => numbers.includes(seq))).toBe(true);
    expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
    expect((await readStanding(target.directory)).standing.state).toBe(was);
  });

  test('a line that is committed after one with a higher number arrives', async () => {
    const { source, target, move } = await setUp();
    await source.directory.appendAudit(lines(2600));
    const all = await source.archive.audit(0, 10_000);
    const late = all[2400];
    // Until the move waits it is not there, as on PostgreSQL a line of a transaction that is still open.
    let committed = false;
    const real = source.archive.audit.bind(source.archive);
    source.archive.audit = async (seq, limit) =>
      (await real(seq, limit + 1)).filter((line) => committed || line.seq !== late?.seq).slice(0, limit);
    await move({
      sleep: async () => {
        committed = true;
      },
    });
    expect((await target.archive.audit(0, 10_000)).map(({ seq }) => seq)).toContain(late?.seq);
  });
});

test.each([1, 2, 5, 6, 7])('killed at write %i of the target, nobody issues on it, and a second run finishes', async (at) => {
  const { source, target, pace, state, move, clock } = await setUp();
  const killed = new Promise<void>((resolve) => {
    const dying = tampered(target, 'put', async (count) => {
      if (count < at) return;
      resolve();
      await DEAD;
    });
    void moveStore({ source: { store: source, place: 'source' }, target: { store: dying, place: 'target' }, run: 'r1', pace });
  });
  await killed;
  expect([await state(source), await state(target)]).toEqual([at < 5 ? 'copying' : 'moving', 'filling']);
  clock.now += 1e9;
  await move({}, 'r2');
  expect([await state(source), await state(target)]).toEqual(['moved', 'active']);
  expect(await target.archive.census()).toEqual({ accounts: ACCOUNTS, keys: 1, credentials: ACCOUNTS, audit: 4 });
  expect((await rows(target.archive)).every(({ generation }) => generation === 1)).toBe(true);
});

test('killed between the last two marks, a second run finishes', async () => {
  const { source, target, move, state } = await setUp();
  const { putSetting } = target.directory;
  target.directory.putSetting = async (name, expected, value) => {
    if (value.includes('active')) await DEAD;
    return putSetting.call(target.directory, name, expected, value);
  };
  void move();
  await expect.poll(async () => state(source)).toBe('moved');
  target.directory.putSetting = putSetting.bind(target.directory);
  expect(await state(target)).toBe('filling');
  await move({}, 'r2');
  expect([await state(source), await state(target)]).toEqual(['moved', 'active']);
});
