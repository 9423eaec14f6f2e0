/** The way back: a move that is undone, and a copy that is restored. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { readStanding } from '../../src/core/standing.ts';
import type { Store } from '../../src/core/store.ts';
import { activate, FENCE_STEP, markRestored } from '../../src/hosts/moving/mark.ts';
import { moveStore } from '../../src/hosts/moving/move.ts';
import { undoMove } from '../../src/hosts/moving/undo.ts';
import { openSqlite } from '../../src/stores/sql/sqlite.ts';
import { credentialId, granted, START } from '../contract/suites/pair.ts';
import { plainSeal } from '../helpers/plain.ts';
import { ACCOUNTS, DEAD, LEASE_MS, id, refusal, rows, setUp, tampered, world, write } from './moving-world.ts';

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
