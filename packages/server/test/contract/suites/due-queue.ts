/** The contract of DueQueue: claiming is taking the leases of what is due, oldest first, each credential once. */

import { describe, expect, test } from 'vitest';
import { credentialId, granted, type OpenPair, START, useStore } from './pair.ts';

const LEASE_MS = 30_000;

export function dueQueueContract(open: OpenPair): void {
  describe('DueQueue', () => {
    const store = useStore(open);
    const schedule = (account: string, at: number | null) => store.a.credentials.schedule(credentialId(account), at);
    const claim = async (limit = 10, handle = store.a, holder = 'h') =>
      (await handle.due.claim(holder, LEASE_MS, limit)).map(({ stored }) => stored.id.account);

    test('nothing is due in an empty store', async () => {
      expect(await store.a.due.claim('h', LEASE_MS, 10)).toEqual([]);
      expect(await store.a.due.nextDueAt()).toBeNull();
    });

    test('claims what has come, oldest first, up to the limit, and leaves what has not', async () => {
      await schedule('late', START + 1);
      await schedule('second', START - 10);
      await schedule('third', START);
      await schedule('first', 0);
      await schedule('never', null);
      expect(await claim(2)).toEqual(['first', 'second']);
      expect(await claim(0)).toEqual([]);
      expect(await claim(10, store.b)).toEqual(['third']);
      expect(await claim()).toEqual([]);
      store.advance(1);
      expect(await claim()).toEqual(['late']);
    });

    test('a claim is a lease like any other, with the credential under it', async () => {
      const id = credentialId('wx1');
      const before = granted(await store.a.credentials.acquire(id, 'h', LEASE_MS)).lease;
      await store.a.credentials.write(before, { generation: 3, nextAttemptAt: START, body: '{"凭据":1}' }, { release: true });
      const [claimed, ...rest] = await store.b.due.claim('claimer', LEASE_MS, 10);
      expect(rest).toEqual([]);
      expect(claimed).toEqual({
        lease: { id, holder: 'claimer', fence: claimed?.lease.fence, until: store.now() + LEASE_MS, takenOver: false },
        stored: { id, generation: 3, fence: claimed?.lease.fence, nextAttemptAt: START, body: '{"凭据":1}' },
      });
      expect(claimed?.lease.fence).toBeGreaterThan(before.fence);
      expect(await store.a.credentials.acquire(id, 'other', LEASE_MS)).toEqual({ heldUntil: claimed?.lease.until });
      expect(await store.a.credentials.write(before, { generation: 9, nextAttemptAt: 0, body: '{}' }, { release: true })).toBe('stale');
      const lease = claimed?.lease ?? before;
      expect(await store.b.credentials.write(lease, { generation: 4, nextAttemptAt: START + 5, body: '{}' }, { release: true })).toBe(
        'committed',
      );
      expect(await claim()).toEqual([]);
    });

    test('what somebody holds is not claimed until the lease runs out, and then it was taken over', async () => {
      await schedule('wx1', 0);
      granted(await store.a.credentials.acquire(credentialId('wx1'), 'h', LEASE_MS));
      expect(await claim(10, store.b)).toEqual([]);
      store.advance(LEASE_MS - 1);
      expect(await claim(10, store.b)).toEqual([]);
      store.advance(1);
      const [claimed] = await store.b.due.claim('other', LEASE_MS, 10);
      expect(claimed?.lease.takenOver).toBe(true);
    });

    test('a released lease that is still due is claimed again, and was not taken over', async () => {
      await schedule('wx1', 0);
      const [first] = await store.a.due.claim('h', LEASE_MS, 10);
      if (first) await store.a.credentials.release(first.lease);
      const [second] = await store.b.due.claim('h', LEASE_MS, 10);
      expect(second?.lease.takenOver).toBe(false);
      expect(second?.lease.fence).toBeGreaterThan(first?.lease.fence ?? 0);
    });

    test('held credentials do not stand in the way of later ones', async () => {
      for (let index = 0; index < 20; index += 1) await schedule(`held${index}`, index);
      expect(await claim(20)).toHaveLength(20);
      await schedule('free', START);
      expect(await claim(1, store.b)).toEqual(['free']);
    });

    test('nextDueAt is the earliest of all, held or not, past or not', async () => {
      await schedule('never', null);
      await schedule('later', START + 9);
      expect(await store.b.due.nextDueAt()).toBe(START + 9);
      await schedule('earlier', START + 3);
      expect(await store.b.due.nextDueAt()).toBe(START + 3);
      await schedule('now', 0);
      expect(await store.b.due.nextDueAt()).toBe(0);
      await schedule('now', null);
      expect(await store.a.due.nextDueAt()).toBe(START + 3);
    });

    test('removed credentials are not due', async () => {
      await schedule('wx1', 0);
      await store.b.credentials.removeAll('wx1');
      expect(await claim()).toEqual([]);
      expect(await store.a.due.nextDueAt()).toBeNull();
    });

    test('claims that run at once over two handles share the work: each credential goes to one', async () => {
      const accounts = Array.from({ length: 60 }, (_, index) => `wx${index}`);
      await Promise.all(accounts.map((account) => schedule(account, 0)));
      const claims = Array.from({ length: 10 }, (_, index) => claim(10, index % 2 === 0 ? store.a : store.b, `h${index}`));
      const got = (await Promise.all(claims)).flat();
      expect([...got].sort()).toEqual([...accounts].sort());
    });

    test('claim and acquire at once: one of them', async () => {
      await schedule('wx1', 0);
      const [claimed, acquired] = await Promise.all([
        store.a.due.claim('h', LEASE_MS, 1),
        store.b.credentials.acquire(credentialId('wx1'), 'other', LEASE_MS),
      ]);
      expect(claimed.length + ('lease' in acquired ? 1 : 0)).toBe(1);
    });
  });
}
