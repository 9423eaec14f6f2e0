/** The contract of Archive: whole rows out and in, as if they had been written where they are. */

import { describe, expect, test } from 'vitest';
import type { CredentialId } from '../../../src/core/credential.ts';
import type { Archive, ArchivedCredential, Store, StoredAuditEntry } from '../../../src/core/store.ts';
import { aKey, anAccount, credentialId, granted, type OpenPair, START, useStore } from './pair.ts';

const LEASE_MS = 30_000;

async function allCredentials(archive: Archive, limit: number): Promise<readonly ArchivedCredential[]> {
  const all: ArchivedCredential[] = [];
  for (let after: CredentialId | null = null; ; ) {
    const page = await archive.credentials(after, limit);
    all.push(...page);
    after = page.at(-1)?.id ?? null;
    if (page.length < limit) return all;
  }
}

async function allAudit(archive: Archive, limit: number): Promise<readonly StoredAuditEntry[]> {
  const all: StoredAuditEntry[] = [];
  for (;;) {
    const page = await archive.audit(all.at(-1)?.seq ?? 0, limit);
    all.push(...page);
    if (page.length < limit) return all;
  }
}

/** A store with something of everything in it. */
async function fill({ credentials, directory }: Store): Promise<void> {
  for (const id of ['wx1', 'wx2', 'corp:agent']) await directory.putAccount(anAccount(id, { note: '备注', enabled: id !== 'wx2' }));
  await directory.putAccount(anAccount('wx1', { note: 'twice', revision: 1 }));
  for (const id of ['k1', 'k2']) await directory.putKey(aKey(id, { kinds: [], cidrs: ['10.0.0.0/8'] }));
  await directory.putKey(aKey('k2', { revokedAt: START, revision: 1 }));
  const entry = { action: 'a.b', actor: 'cli', subject: 'wx1', data: { text: '值', number: 1, no: null } };
  await directory.appendAudit([1, 2, 3].map((at) => ({ ...entry, at })));
  await directory.putSetting('name', null, '{"值":1}');
  await credentials.schedule(credentialId('planned'), START + 5);
  const { lease } = granted(await credentials.acquire(credentialId('written'), 'h', LEASE_MS));
  await credentials.write(lease, { generation: 7, nextAttemptAt: null, body: '{"凭据":1}' }, { release: true });
  granted(await credentials.acquire(credentialId('held'), 'holder', LEASE_MS));
}

export function archiveContract(open: OpenPair): void {
  describe('Archive', () => {
    const store = useStore(open);
    const everything = async ({ archive, directory }: Store) => ({
      census: await archive.census(),
      accounts: await directory.accounts({ after: null, limit: 100 }),
      keys: await directory.keys({ after: null, limit: 100 }),
      credentials: await allCredentials(archive, 2),
      audit: await allAudit(archive, 2),
      settings: await archive.settings(),
    });

    test('nothing is in an empty store', async () => {
      expect(await store.a.archive.census()).toEqual({ accounts: 0, keys: 0, credentials: 0, audit: 0 });
      expect(await store.a.archive.credentials(null, 10)).toEqual([]);
      expect(await store.a.archive.audit(0, 10)).toEqual([]);
      expect(await store.a.archive.settings()).toEqual([]);
    });

    test('what is there, whole: leases that run or ran out, revoked keys, revisions', async () => {
      await fill(store.a);
      const { census, credentials, audit, settings, keys, accounts } = await everything(store.b);
      expect(census).toEqual({ accounts: 3, keys: 2, credentials: 3, audit: 3 });
      expect(credentials).toMatchObject([
        { id: credentialId('held'), generation: 0, nextAttemptAt: null, body: null, lease: { holder: 'holder', until: START + LEASE_MS } },
        { id: credentialId('planned'), generation: 0, nextAttemptAt: START + 5, body: null, lease: null },
        { id: credentialId('written'), generation: 7, nextAttemptAt: null, body: '{"凭据":1}', lease: null },
      ]);
      expect(audit.map(({ at }) => at)).toEqual([1, 2, 3]);
      expect(settings).toEqual([{ name: 'name', value: '{"值":1}' }]);
      expect(accounts.find(({ id }) => id === 'wx1')).toMatchObject({ revision: 2, note: 'twice' });
      expect(keys.find(({ id }) => id === 'k2')).toMatchObject({ revision: 2, revokedAt: START });
    });

    test('credentials come in byte order, each once, whatever the size of a page', async () => {
      const accounts = ['a', 'a:b', 'a-', 'a.b', 'A', 'b', '0'];
      const kinds = ['access_token', 'jsapi_ticket'];
      const ids = accounts.flatMap((account) => kinds.flatMap((kind) => ['classic', 'stable'].map((chain) => ({ account, kind, chain }))));
      for (const id of ids) await store.a.credentials.schedule(id, 1);
      const text = ({ account, kind, chain }: CredentialId): string => `${account} ${kind} ${chain}`;
      for (const limit of [1, 3, 4, 100]) {
        expect((await allCredentials(store.b.archive, limit)).map(({ id }) => text(id))).toEqual(ids.map(text).sort());
      }
      const after = { account: 'a', kind: 'zzz', chain: '' };
      expect((await store.b.archive.credentials(after, 1)).map(({ id }) => id.account)).toEqual(['a-']);
    });

    test('what was taken out and put back is as it was', async () => {
      await fill(store.a);
      const before = await everything(store.a);
      await store.a.archive.clear();
      expect(await store.b.archive.census()).toEqual({ accounts: 0, keys: 0, credentials: 0, audit: 0 });
      const { accounts, keys, credentials, audit } = before;
      await store.a.archive.put({ accounts, keys, credentials, audit });
      const after = await everything(store.b);
      expect({ ...after, credentials: [] }).toEqual({ ...before, credentials: [] });
      for (const [index, { fence, ...row }] of after.credentials.entries()) {
        expect(row).toEqual({ ...before.credentials[index], fence: undefined });
        expect(fence).toBeGreaterThanOrEqual(before.credentials[index]?.fence ?? Number.NaN);
      }
    });

    test('what was put is found, guarded and gone on from like what was written here', async () => {
      const { archive } = store.a;
      const row = { generation: 3, fence: 2 ** 51, nextAttemptAt: START, body: '{}', lease: null };
      const audit = { at: 1, action: 'a.b', actor: 'cli', subject: '', data: {} };
      await archive.put({
        accounts: [anAccount('one', { appId: 'wx1', revision: 4 })],
        keys: [aKey('k1', { revision: 2 }), aKey('k2', { name: 'free', revokedAt: 1, revision: 2 })],
        credentials: [{ ...row, id: credentialId('one') }],
        audit: [{ ...audit, seq: 41 }],
      });
      const { directory, due, credentials } = store.b;
      expect(await directory.accountsByAppId('wx1')).toMatchObject([{ id: 'one', revision: 4 }]);
      expect(await directory.putAccount(anAccount('two', { appId: 'wx1' }))).toBe('conflict');
      expect(await directory.putAccount(anAccount('one', { appId: 'wx2', revision: 4 }))).toBe('written');
      expect(await directory.keyByDigest('digest of k1')).toMatchObject({ id: 'k1', revision: 2 });
      expect(await directory.putKey(aKey('k3', { name: 'name of k1' }))).toBe('conflict');
      expect(await directory.putKey(aKey('k4', { name: 'free' }))).toBe('written');
      expect(await credentials.list('one')).toMatchObject([{ generation: 3, nextAttemptAt: START }]);
      const [claimed] = await due.claim('h', LEASE_MS, 10);
      expect(claimed).toMatchObject({ stored: { id: credentialId('one'), body: '{}' }, lease: { takenOver: false } });
      expect(claimed?.lease.fence).toBeGreaterThan(2 ** 51);
      await directory.appendAudit([{ ...audit, at: 2 }]);
      const [newest] = await directory.audit({ before: null, limit: 1 });
      expect(newest).toMatchObject({ at: 2 });
      expect(newest?.seq).toBeGreaterThan(41);
    });

    test('a lease that was put runs; one that had run out is taken over', async () => {
      const row = { generation: 0, fence: 5, nextAttemptAt: 0, body: null };
      const lease = (account: string, until: number) => ({ ...row, id: credentialId(account), lease: { holder: 'h', until } });
      await store.a.archive.put({ credentials: [lease('over', 1), lease('running', START + 1)] });
      expect(await store.b.credentials.acquire(credentialId('running'), 'other', LEASE_MS)).toEqual({ heldUntil: START + 1 });
      const claimed = await store.b.due.claim('other', LEASE_MS, 10);
      expect(claimed).toMatchObject([{ lease: { id: credentialId('over'), takenOver: true } }]);
    });

    test('a row in the place of another makes the leases of that one stale', async () => {
      const { lease, stored } = granted(await store.a.credentials.acquire(credentialId(), 'h', LEASE_MS));
      await store.b.archive.put({ credentials: [{ ...stored, fence: lease.fence + 1000, nextAttemptAt: 1, lease: null }] });
      const next = { generation: 1, nextAttemptAt: 0, body: '{}' };
      expect(await store.a.credentials.write(lease, next, { release: true })).toBe('stale');
      expect(await store.a.due.nextDueAt()).toBe(1);
      expect(await store.a.due.claim('h', LEASE_MS, 10)).toMatchObject([{ lease: { takenOver: false } }]);
    });

    test('two accounts that exchanged their identities, and two keys their names, can be put at once', async () => {
      await store.a.archive.put({
        accounts: [anAccount('one', { appId: 'x' }), anAccount('two', { appId: 'y' })],
        keys: [aKey('k1', { name: 'x' }), aKey('k2', { name: 'y' })],
      });
      await store.a.archive.put({
        accounts: [anAccount('one', { appId: 'y' }), anAccount('two', { appId: 'x' })],
        keys: [aKey('k1', { name: 'y' }), aKey('k2', { name: 'x' })],
      });
      expect(await store.b.directory.accountsByAppId('x')).toMatchObject([{ id: 'two' }]);
      expect(await store.b.directory.accountsByAppId('y')).toMatchObject([{ id: 'one' }]);
      expect(await store.b.directory.keys({ after: null, limit: 9 })).toMatchObject([{ name: 'y' }, { name: 'x' }]);
      expect(await store.b.archive.census()).toMatchObject({ accounts: 2, keys: 2 });
    });

    test('new credentials start at the fence floor, which is never lowered', async () => {
      const floor = 2 ** 51;
      await store.a.archive.raiseFenceFloor(floor);
      await store.a.archive.raiseFenceFloor(1);
      expect(await store.b.archive.fenceFloor()).toBeGreaterThanOrEqual(floor);
      const { lease } = granted(await store.b.credentials.acquire(credentialId(), 'h', LEASE_MS));
      expect(lease.fence).toBeGreaterThan(floor);
    });

    test('500 rows of each go in at once', async () => {
      const ids = Array.from({ length: 500 }, (_, index) => `wx${String(index).padStart(3, '0')}`);
      const credentials = ids.map((id) => {
        return { id: credentialId(id), generation: 1, fence: 1, nextAttemptAt: 1, body: 'x'.repeat(1500), lease: null };
      });
      const entry = { at: 1, action: 'a.b', actor: 'cli', subject: '', data: {} };
      await store.a.archive.put({ accounts: ids.map((id) => anAccount(id)) });
      await store.a.archive.put({ keys: ids.map((id) => aKey(id)) });
      await store.a.archive.put({ credentials });
      await store.a.archive.put({ audit: ids.map((_, index) => ({ ...entry, seq: index + 1 })) });
      expect(await store.b.archive.census()).toEqual({ accounts: 500, keys: 500, credentials: 500, audit: 500 });
      expect((await store.b.archive.credentials(null, 500)).map(({ body }) => body?.length)).toEqual(ids.map(() => 1500));
    });
  });
}
