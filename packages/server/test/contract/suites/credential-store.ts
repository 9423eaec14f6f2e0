/** The contract of CredentialStore: what `core/store.ts` says of it, as tests that every implementation runs. */

import { describe, expect, test } from 'vitest';
import type { CredentialWrite } from '../../../src/core/store.ts';
import { credentialId, granted, type OpenPair, START, useStore } from './pair.ts';

const LEASE_MS = 30_000;
const KEEP = { release: false };
const RELEASE = { release: true };

const next = (generation: number, body = `{"generation":${generation}}`): CredentialWrite => ({
  generation,
  nextAttemptAt: START + generation,
  body,
});

export function credentialStoreContract(open: OpenPair): void {
  describe('CredentialStore', () => {
    const store = useStore(open);
    const id = credentialId();

    describe('rows', () => {
      test('a credential that nobody touched is null', async () => {
        expect(await store.a.credentials.read(id)).toBeNull();
        expect(await store.a.credentials.list('wx1')).toEqual([]);
      });

      test('acquire makes the row', async () => {
        const { stored, lease } = granted(await store.a.credentials.acquire(id, 'h', LEASE_MS));
        expect(stored).toEqual({ id, generation: 0, fence: lease.fence, nextAttemptAt: null, body: null });
        expect(await store.b.credentials.read(id)).toEqual(stored);
      });

      test('list gives every kind and chain of the account, and of no other', async () => {
        const ids = [credentialId('wx1'), credentialId('wx1', 'access_token', 'classic'), credentialId('wx1', 'jsapi_ticket')];
        for (const one of [...ids, credentialId('wx10'), credentialId('wx')]) await store.a.credentials.schedule(one, 7);
        const listed = await store.b.credentials.list('wx1');
        expect(new Set(listed.map((one) => JSON.stringify(one.id)))).toEqual(new Set(ids.map((one) => JSON.stringify(one))));
        expect(listed.every(({ nextAttemptAt }) => nextAttemptAt === 7)).toBe(true);
      });

      test('schedule makes the row, moves it, and null takes it out', async () => {
        await store.a.credentials.schedule(id, 5);
        expect(await store.b.credentials.read(id)).toMatchObject({ generation: 0, nextAttemptAt: 5, body: null });
        await store.b.credentials.schedule(id, null);
        expect(await store.a.credentials.read(id)).toMatchObject({ nextAttemptAt: null });
      });

      test('schedule leaves the lease and the document alone', async () => {
        const { lease } = granted(await store.a.credentials.acquire(id, 'h', LEASE_MS));
        await store.a.credentials.write(lease, next(1), KEEP);
        await store.b.credentials.schedule(id, 5);
        expect(await store.b.credentials.acquire(id, 'other', LEASE_MS)).toEqual({ heldUntil: lease.until });
        expect(await store.b.credentials.read(id)).toMatchObject({ generation: 1, body: next(1).body, nextAttemptAt: 5 });
        expect(await store.a.credentials.write(lease, next(2), RELEASE)).toBe('committed');
      });

      test.each([
        ['Chinese', '{"note":"中控服务器 凭据"}'],
        ['emoji and other pairs of surrogates', '{"note":"🀄️👩‍👩‍👧 𝒳"}'],
        ['quotes, backslashes and newlines', '{"a":"\'\\"\\\\\\n","b":"%_;--"}'],
        ['64 KiB', JSON.stringify({ blob: '凭x'.repeat(16_384) })],
        ['an empty document', ''],
      ])('a document comes back as it was: %s', async (_, body) => {
        const { lease } = granted(await store.a.credentials.acquire(id, 'h', LEASE_MS));
        await store.a.credentials.write(lease, next(1, body), RELEASE);
        expect((await store.b.credentials.read(id))?.body).toBe(body);
      });

      test('ids of 128 characters, and ids that differ in case or in their last character', async () => {
        const long = 'A'.repeat(127);
        const ids = [`${long}a`, `${long}b`, `${long}A`].map((account) => credentialId(account, 'k'.repeat(128), 'c'.repeat(128)));
        for (const [index, one] of ids.entries()) await store.a.credentials.schedule(one, index);
        for (const [index, one] of ids.entries()) {
          expect(await store.b.credentials.read(one)).toMatchObject({ id: one, nextAttemptAt: index });
        }
      });

      test('numbers up to the end of safe integers', async () => {
        const { lease } = granted(await store.a.credentials.acquire(id, 'h', LEASE_MS));
        const generation = Number.MAX_SAFE_INTEGER;
        await store.a.credentials.write(lease, { generation, nextAttemptAt: generation - 1, body: '{}' }, RELEASE);
        expect(await store.b.credentials.read(id)).toMatchObject({ generation, nextAttemptAt: generation - 1 });
      });
    });

    describe('leases', () => {
      test('a lease ends `durationMs` after now and excludes everybody, its holder included', async () => {
        const { lease } = granted(await store.a.credentials.acquire(id, 'h', LEASE_MS));
        expect(lease).toMatchObject({ id, holder: 'h', until: store.now() + LEASE_MS, takenOver: false });
        for (const handle of [store.a, store.b]) {
          for (const holder of ['h', 'other']) {
            expect(await handle.credentials.acquire(id, holder, LEASE_MS)).toEqual({ heldUntil: lease.until });
          }
        }
      });

      test('a refused acquire changes nothing', async () => {
        const { lease, stored } = granted(await store.a.credentials.acquire(id, 'h', LEASE_MS));
        await store.b.credentials.acquire(id, 'other', LEASE_MS * 10);
        expect(await store.b.credentials.read(id)).toEqual(stored);
        store.advance(LEASE_MS);
        expect(granted(await store.b.credentials.acquire(id, 'other', LEASE_MS)).lease.fence).toBeGreaterThan(lease.fence);
      });

      test('leases of other kinds and chains are others', async () => {
        for (const one of [id, credentialId('wx1', 'jsapi_ticket'), credentialId('wx1', 'access_token', 'classic'), credentialId('wx2')]) {
          granted(await store.a.credentials.acquire(one, 'h', LEASE_MS));
        }
      });

      test('it runs out to the millisecond, and the next holder is told that it was taken over', async () => {
        const first = granted(await store.a.credentials.acquire(id, 'h', LEASE_MS)).lease;
        store.advance(LEASE_MS - 1);
        expect(await store.b.credentials.acquire(id, 'other', LEASE_MS)).toEqual({ heldUntil: first.until });
        store.advance(1);
        const second = granted(await store.b.credentials.acquire(id, 'other', LEASE_MS)).lease;
        expect(second.takenOver).toBe(true);
        expect(second.fence).toBeGreaterThan(first.fence);
      });

      test('after a release, anybody has it at once, and nothing was taken over', async () => {
        const first = granted(await store.a.credentials.acquire(id, 'h', LEASE_MS)).lease;
        await store.a.credentials.release(first);
        const second = granted(await store.b.credentials.acquire(id, 'other', LEASE_MS)).lease;
        expect(second.takenOver).toBe(false);
        expect(second.fence).toBeGreaterThan(first.fence);
      });

      test('a release after the time but before anybody came is still a release', async () => {
        const first = granted(await store.a.credentials.acquire(id, 'h', LEASE_MS)).lease;
        store.advance(LEASE_MS * 2);
        await store.a.credentials.release(first);
        expect(granted(await store.b.credentials.acquire(id, 'other', LEASE_MS)).lease.takenOver).toBe(false);
      });

      test('releasing a lease that is no longer the latest ends nobody else’s', async () => {
        const first = granted(await store.a.credentials.acquire(id, 'h', LEASE_MS)).lease;
        store.advance(LEASE_MS);
        const second = granted(await store.b.credentials.acquire(id, 'h', LEASE_MS)).lease;
        await store.a.credentials.release(first);
        expect(await store.a.credentials.acquire(id, 'h', LEASE_MS)).toEqual({ heldUntil: second.until });
      });

      test('a release writes nothing else, and is harmless twice or without a row', async () => {
        const { lease } = granted(await store.a.credentials.acquire(id, 'h', LEASE_MS));
        await store.a.credentials.write(lease, next(1), KEEP);
        const before = await store.a.credentials.read(id);
        await store.a.credentials.release(lease);
        await store.a.credentials.release(lease);
        expect(await store.a.credentials.read(id)).toEqual(before);
        await store.a.credentials.removeAll('wx1');
        await store.a.credentials.release(lease);
        expect(await store.a.credentials.read(id)).toBeNull();
      });

      test('the fence only grows, whatever way leases end', async () => {
        let last = -1;
        for (let round = 0; round < 12; round += 1) {
          const handle = round % 2 === 0 ? store.a : store.b;
          const { lease } = granted(await handle.credentials.acquire(id, `h${round}`, LEASE_MS));
          expect(lease.fence).toBeGreaterThan(last);
          last = lease.fence;
          if (round % 3 === 0) await handle.credentials.release(lease);
          else if (round % 3 === 1) await handle.credentials.write(lease, next(round), RELEASE);
          else store.advance(LEASE_MS);
        }
      });

      test('a clock that steps back revives no lease: the fence decides', async () => {
        const first = granted(await store.a.credentials.acquire(id, 'h', LEASE_MS)).lease;
        store.advance(LEASE_MS);
        const second = granted(await store.b.credentials.acquire(id, 'other', LEASE_MS)).lease;
        store.advance(-LEASE_MS);
        expect(await store.a.credentials.write(first, next(1), KEEP)).toBe('stale');
        expect(await store.b.credentials.write(second, next(1), KEEP)).toBe('committed');
      });

      test('of 50 who come at once over two handles, one gets it', async () => {
        const tries = Array.from({ length: 50 }, (_, index) =>
          (index % 2 === 0 ? store.a : store.b).credentials.acquire(id, `h${index}`, LEASE_MS),
        );
        const results = await Promise.all(tries);
        const leases = results.filter((result) => 'lease' in result);
        expect(leases).toHaveLength(1);
        const heldUntil = store.now() + LEASE_MS;
        expect(results.filter((result) => !('lease' in result))).toEqual(Array.from({ length: 49 }, () => ({ heldUntil })));
      });

      test('50 credentials acquired at once over two handles are 50 leases', async () => {
        const ids = Array.from({ length: 50 }, (_, index) => credentialId(`wx${index}`));
        const got = await Promise.all(
          ids.map((one, index) => (index % 2 === 0 ? store.a : store.b).credentials.acquire(one, 'h', LEASE_MS)),
        );
        expect(got.map((result) => granted(result).stored.id)).toEqual(ids);
      });
    });

    describe('writes', () => {
      test('a write under the lease is there for every handle, and keeps the lease', async () => {
        const { lease } = granted(await store.a.credentials.acquire(id, 'h', LEASE_MS));
        expect(await store.a.credentials.write(lease, next(1), KEEP)).toBe('committed');
        expect(await store.b.credentials.read(id)).toEqual({ id, fence: lease.fence, ...next(1) });
        expect(await store.b.credentials.acquire(id, 'other', LEASE_MS)).toEqual({ heldUntil: lease.until });
        expect(await store.a.credentials.write(lease, next(2), KEEP)).toBe('committed');
      });

      test('a write that releases ends the lease in the same step', async () => {
        const { lease } = granted(await store.a.credentials.acquire(id, 'h', LEASE_MS));
        expect(await store.a.credentials.write(lease, next(1), RELEASE)).toBe('committed');
        const again = granted(await store.b.credentials.acquire(id, 'other', LEASE_MS));
        expect(again.lease.takenOver).toBe(false);
        expect(again.stored).toMatchObject({ ...next(1), fence: again.lease.fence });
      });

      test('nextAttemptAt null is stored as such', async () => {
        const { lease } = granted(await store.a.credentials.acquire(id, 'h', LEASE_MS));
        await store.a.credentials.write(lease, next(1), KEEP);
        await store.a.credentials.write(lease, { ...next(1), nextAttemptAt: null }, KEEP);
        expect(await store.b.credentials.read(id)).toMatchObject({ nextAttemptAt: null });
      });

      test('an expired lease that nobody took over still commits', async () => {
        const { lease } = granted(await store.a.credentials.acquire(id, 'h', LEASE_MS));
        store.advance(LEASE_MS * 100);
        expect(await store.a.credentials.write(lease, next(1), KEEP)).toBe('committed');
        // Writing is not renewing, and not releasing.
        expect(granted(await store.b.credentials.acquire(id, 'other', LEASE_MS)).lease.takenOver).toBe(true);
      });

      test.each([
        ['keeping', KEEP],
        ['releasing', RELEASE],
      ])('under an overtaken lease nothing changes (%s)', async (_, options) => {
        const old = granted(await store.a.credentials.acquire(id, 'h', LEASE_MS)).lease;
        await store.a.credentials.write(old, next(1), KEEP);
        store.advance(LEASE_MS);
        const { lease, stored } = granted(await store.b.credentials.acquire(id, 'other', LEASE_MS));
        expect(await store.a.credentials.write(old, next(99), options)).toBe('stale');
        expect(await store.b.credentials.read(id)).toEqual(stored);
        // Its lease is as good as before.
        expect(await store.a.credentials.acquire(id, 'third', LEASE_MS)).toEqual({ heldUntil: lease.until });
        expect(await store.b.credentials.write(lease, next(2), RELEASE)).toBe('committed');
        expect(await store.a.credentials.write(old, next(99), options)).toBe('stale');
        expect(await store.a.credentials.read(id)).toMatchObject(next(2));
      });

      test('writes of many holders at once each land where they belong', async () => {
        const ids = Array.from({ length: 40 }, (_, index) => credentialId(`wx${index}`));
        const pick = (index: number) => (index % 2 === 0 ? store.a : store.b);
        const leases = await Promise.all(ids.map(async (one, i) => granted(await pick(i).credentials.acquire(one, 'h', LEASE_MS)).lease));
        const outcomes = await Promise.all(
          leases.map((lease, i) =>
            // Every fourth pretends to an older lease.
            pick(i).credentials.write(i % 4 === 0 ? { ...lease, fence: lease.fence - 1 } : lease, next(i + 1), RELEASE),
          ),
        );
        expect(outcomes).toEqual(ids.map((_, i) => (i % 4 === 0 ? 'stale' : 'committed')));
        for (const [i, one] of ids.entries()) {
          expect((await store.a.credentials.read(one))?.generation).toBe(i % 4 === 0 ? 0 : i + 1);
        }
      });
    });

    describe('removal', () => {
      test('takes every credential of the account and no other', async () => {
        for (const one of [credentialId('wx1'), credentialId('wx1', 'jsapi_ticket'), credentialId('wx10')]) {
          await store.a.credentials.schedule(one, 1);
        }
        await store.b.credentials.removeAll('wx1');
        expect(await store.a.credentials.list('wx1')).toEqual([]);
        expect(await store.a.credentials.list('wx10')).toHaveLength(1);
        await store.b.credentials.removeAll('nobody');
      });

      test('the holder of a removed credential can neither write nor bring it back', async () => {
        const { lease } = granted(await store.a.credentials.acquire(id, 'h', LEASE_MS));
        await store.b.credentials.removeAll('wx1');
        expect(await store.a.credentials.write(lease, next(1), RELEASE)).toBe('stale');
        expect(await store.a.credentials.read(id)).toBeNull();
      });

      test.each(['acquire', 'schedule'])('a fence is not given again after removal and re-creation by %s', async (way) => {
        const fences: number[] = [];
        let old = granted(await store.a.credentials.acquire(id, 'h', LEASE_MS)).lease;
        fences.push(old.fence);
        for (let round = 0; round < 3; round += 1) {
          await store.b.credentials.removeAll('wx1');
          if (way === 'schedule') await store.a.credentials.schedule(id, 1);
          const { lease, stored } = granted(await store.b.credentials.acquire(id, 'other', LEASE_MS));
          expect(stored).toMatchObject({ generation: 0, body: null });
          expect(lease.takenOver).toBe(false);
          fences.push(lease.fence);
          // Who held it before the removal cannot reach the new row.
          expect(await store.a.credentials.write(old, next(9), RELEASE)).toBe('stale');
          await store.a.credentials.release(old);
          expect(await store.a.credentials.acquire(id, 'third', LEASE_MS)).toEqual({ heldUntil: lease.until });
          old = lease;
        }
        expect(fences).toEqual([...new Set(fences)].sort((x, y) => x - y));
      });

      test('a fence is not given again when only the row of another account was removed later', async () => {
        const first = granted(await store.a.credentials.acquire(id, 'h', LEASE_MS)).lease;
        await store.a.credentials.release(first);
        const { lease } = granted(await store.a.credentials.acquire(id, 'h', LEASE_MS));
        await store.a.credentials.removeAll('wx1');
        granted(await store.a.credentials.acquire(credentialId('wx2'), 'h', LEASE_MS));
        await store.a.credentials.removeAll('wx2');
        expect(granted(await store.a.credentials.acquire(id, 'h', LEASE_MS)).lease.fence).toBeGreaterThan(lease.fence);
      });
    });

    test('now is the clock of the store', async () => {
      store.advance(1234);
      expect(await store.a.credentials.now()).toBe(store.now());
      expect(await store.b.credentials.now()).toBe(store.now());
    });
  });
}
