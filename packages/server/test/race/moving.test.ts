/** Moving a store while others work on it: every interleaving that can be chosen, on two memory stores and one clock. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { ZhongkongError } from '../../src/core/errors.ts';
import { readStanding, suspensionOf } from '../../src/core/standing.ts';
import type { Archive, Store } from '../../src/core/store.ts';
import { activate, FENCE_STEP, markRestored } from '../../src/hosts/moving/mark.ts';
import { moveStore } from '../../src/hosts/moving/move.ts';
import type { Pace } from '../../src/hosts/moving/pace.ts';
import { undoMove } from '../../src/hosts/moving/undo.ts';
import { createMemoryStore } from '../../src/stores/memory/index.ts';
import { openSqlite } from '../../src/stores/sql/sqlite.ts';
import { aKey, anAccount, credentialId, granted, START } from '../contract/suites/pair.ts';
import { plainSeal } from '../helpers/plain.ts';

const LEASE_MS = 30_000;
const ACCOUNTS = 1200;
const id = (index: number): string => `wx${String(index).padStart(5, '0')}`;
const write = (generation: number) => ({ generation, nextAttemptAt: START + generation, body: `{"generation":${generation}}` });

/** Time passes when the move waits; `waits` are what others do meanwhile, one after the other. */
function world() {
  const clock = { now: START };
  const waits: (() => Promise<unknown>)[] = [];
  const store = (): Store => createMemoryStore({ now: () => clock.now });
  const pace: Pace = {
    now: () => clock.now,
    sleep: async (ms) => {
      await waits.shift()?.();
      clock.now += ms;
    },
    assertGoingOn: () => undefined,
    wrote: () => undefined,
  };
  return { clock, waits, pace, store };
}

async function filled(store: Store): Promise<Store> {
  const { directory, credentials } = store;
  await directory.putSetting('master_key', null, 'check');
  await directory.putSetting('other', null, 'kept');
  for (let index = 0; index < ACCOUNTS; index += 1) {
    await directory.putAccount(anAccount(id(index)));
    const { lease } = granted(await credentials.acquire(credentialId(id(index)), 'server', LEASE_MS));
    await credentials.write(lease, write(1), { release: true });
  }
  await directory.putKey(aKey('k1'));
  await directory.appendAudit([1, 2, 3].map((at) => ({ at, action: 'a.b', actor: 'cli', subject: '', data: {} })));
  return store;
}

async function setUp() {
  const made = world();
  const source = await filled(made.store());
  const target = made.store();
  const move = (over: Partial<Pace> = {}, run = 'r1') =>
    moveStore({
      source: { store: source, place: 'source' },
      target: { store: target, place: 'target' },
      run,
      pace: { ...made.pace, ...over },
    });
  const state = async (store: Store) => (await readStanding(store.directory)).standing.state;
  const own = { store: source, place: 'source', seal: plainSeal, run: 'u', pace: made.pace };
  return { ...made, source, target, move, state, own };
}

const rows = async (archive: Archive) => archive.credentials(null, 10_000);

/** A store, one call of which fails or does something first. */
function tampered<K extends keyof Archive>(store: Store, method: K, before: (count: number) => Promise<void>): Store {
  let count = 0;
  const archive = new Proxy(store.archive, {
    get(real, name) {
      const member: unknown = Reflect.get(real, name, real);
      if (typeof member !== 'function') return member;
      return async (...args: unknown[]): Promise<unknown> => {
        if (name === method) await before((count += 1));
        return Reflect.apply(member, real, args) as unknown;
      };
    },
  });
  return { ...store, archive };
}

const refusal = (work: Promise<unknown>): Promise<ZhongkongError> =>
  work.then(
    () => Promise.reject(new Error('it was not refused')),
    (error: unknown) => error as ZhongkongError,
  );

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

/** The process is gone: nothing it would do from some point on happens, its cleaning up included. */
const DEAD = new Promise<never>(() => undefined);

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

describe('undone', () => {
  test('a move that was cut off: the old store goes on as it was', async () => {
    const { source, target, pace, own, state } = await setUp();
    const dying = tampered(target, 'put', async (count) => (count < 6 ? undefined : DEAD));
    void moveStore({ source: { store: source, place: 's' }, target: { store: dying, place: 't' }, run: 'r', pace });
    await expect.poll(async () => (await rows(source.archive)).filter(({ lease }) => lease).length).toBeGreaterThan(0);
    expect(await undoMove(own)).toEqual({ to: 't', finished: false });
    expect(await state(source)).toBe('active');
    expect((await source.due.claim('server', LEASE_MS, 5000)).length).toBe(0);
    expect(granted(await source.credentials.acquire(credentialId(id(0)), 'server', LEASE_MS)).stored.generation).toBe(1);
  });

  test('a finished move: every credential is in doubt, for the other store may have issued', async () => {
    const { source, move, own, state, clock } = await setUp();
    await move();
    // Bodies of this test are no records; one real one is enough.
    const id0 = credentialId(id(0));
    const record = { format: 1, ...(await import('../../src/core/credential.ts')).emptyRecord(id0), id: undefined };
    const current = {
      value: plainSeal.seal('v', `credential ${id0.account} access_token stable 0 current`),
      fingerprint: 'f',
      issuedAt: 1,
    };
    const all = (await rows(source.archive)).map((row) => ({
      ...row,
      body: JSON.stringify({ ...record, current: row.id.account === id0.account ? { ...current, expiresAt: clock.now + 1e6 } : null }),
    }));
    for (let from = 0; from < all.length; from += 500) await source.archive.put({ credentials: all.slice(from, from + 500) });
    expect(await undoMove(own)).toMatchObject({ finished: true });
    expect(await state(source)).toBe('active');
    const row = await source.credentials.read(id0);
    expect(JSON.parse(row?.body ?? '')).toMatchObject({ suspectFrom: expect.any(Number), unknownOutcomes: 1 });
    expect((await source.due.claim('server', LEASE_MS, 5000)).length).toBe(ACCOUNTS);
  });

  test('cut off at its first mark, it stays moved and is run again', async () => {
    const { source, move, own, state } = await setUp();
    await move();
    // Bodies of this test are no records.
    const all = (await rows(source.archive)).map((row) => ({ ...row, body: null }));
    for (let from = 0; from < all.length; from += 500) await source.archive.put({ credentials: all.slice(from, from + 500) });
    const putSetting = source.directory.putSetting.bind(source.directory);
    source.directory.putSetting = async () => Promise.reject(new Error('killed'));
    await expect(undoMove(own)).rejects.toThrow('killed');
    expect(await state(source)).toBe('moved');
    await expect(activate(source, 'source')).rejects.toThrow(/was moved/);
    source.directory.putSetting = putSetting;
    expect(await undoMove(own)).toMatchObject({ finished: true });
    expect(await state(source)).toBe('active');
  });

  test('nothing, when nothing was moved', async () => {
    const { own } = await setUp();
    const error = await refusal(undoMove(own));
    expect(error.message).toBe('source was not moved');
    expect(error.advice?.en).toMatch(/configuration of the old store/);
  });
});

async function sqliteStore(now: () => number): Promise<Store> {
  const folder = mkdtempSync(join(tmpdir(), 'zhongkong-'));
  const store = await openSqlite(join(folder, 'copy.db'), { now });
  onTestFinished(async () => {
    await store.close();
    rmSync(folder, { recursive: true });
  });
  return store;
}

describe('a restored copy', () => {
  async function copy(where: 'memory' | 'SQLite' = 'memory') {
    const made = world();
    const store = where === 'memory' ? made.store() : await sqliteStore(() => made.clock.now);
    const lease = granted(await store.credentials.acquire(credentialId(), 'server', LEASE_MS));
    return { ...made, store, lease, options: { store, place: 'copy', seal: plainSeal, run: 'm', pace: made.pace } };
  }

  // SQLite counts fences by row and keeps a floor for new ones; memory has one counter for all.
  test.each(['memory', 'SQLite'] as const)('in %s is dormant until activated, its fences above all of the original', async (where) => {
    const { store, lease, options, clock } = await copy(where);
    await markRestored(options);
    expect((await readStanding(store.directory)).standing).toMatchObject({ state: 'dormant', marked: true });
    const after = granted(await store.credentials.acquire(credentialId(), 'new', LEASE_MS)).lease;
    expect(after.fence).toBeGreaterThan(lease.lease.fence + FENCE_STEP);
    expect(after.takenOver).toBe(true);
    expect(granted(await store.credentials.acquire(credentialId('new'), 'new', LEASE_MS)).lease.fence).toBeGreaterThan(FENCE_STEP);
    expect(clock.now).toBeGreaterThan(START);
    expect(await activate(store, 'copy')).toBe(true);
    expect(await activate(store, 'copy')).toBe(false);
    expect((await store.directory.audit({ before: null, limit: 9 })).map(({ action }) => action)).toEqual([
      'store.activated',
      'store.restored',
    ]);
  });

  test('that is not wholly marked is not activated', async () => {
    const { store, options } = await copy();
    const failing = tampered(store, 'put', async () => {
      throw new Error('disk full');
    });
    await expect(markRestored({ ...options, store: failing })).rejects.toThrow('disk full');
    expect((await refusal(activate(store, 'copy'))).message).toMatch(/not wholly marked/);
    await markRestored(options);
    expect(await activate(store, 'copy')).toBe(true);
  });

  test('keeps what its key does not open, and says how much that is', async () => {
    const { store, lease, options } = await copy();
    await store.credentials.write(
      lease.lease,
      { ...write(1), body: JSON.stringify({ format: 1, generation: 1, current: { value: 'x' } }) },
      { release: true },
    );
    const seal = {
      seal: plainSeal.seal,
      open: () => {
        throw new (class extends Error {})('never');
      },
    };
    await expect(markRestored({ ...options, seal })).rejects.toThrow('never');
    const { ZhongkongError: Ours } = await import('../../src/core/errors.ts');
    const closed = {
      seal: plainSeal.seal,
      open: () => {
        throw new Ours('unseal_failed', 'closed');
      },
    };
    expect(await markRestored({ ...options, seal: closed })).toEqual({ credentials: 1, unreadable: 1 });
    expect(await store.credentials.read(credentialId())).toMatchObject({ generation: 1 });
  });
});
