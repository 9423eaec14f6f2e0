/** The contract of Directory: accounts, API keys, the audit trail, what changed, and settings. */

import { describe, expect, test } from 'vitest';
import type { Change } from '../../../src/core/store.ts';
import { aKey, anAccount, credentialId, granted, type OpenPair, START, useStore } from './pair.ts';

const text = (change: Change): string =>
  change.topic === 'credential' ? `credential ${change.id.account}` : `${change.topic} ${change.id}`;

export function directoryContract(open: OpenPair): void {
  describe('Directory', () => {
    const store = useStore(open);
    const put = async (id: string, over = {}) => expect(await store.a.directory.putAccount(anAccount(id, over))).toBe('written');

    describe('accounts', () => {
      test('an account comes back whole, with its revision raised', async () => {
        const account = anAccount('corp:agent@1', {
          appId: 'wx0123456789abcdef',
          parent: 'component',
          mode: 'classic',
          sealedSecrets: ['v1.a.x', 'v1.b.y'],
          secretRevision: 7,
          secretFingerprints: ['00000000', 'ffffffff'],
          enabled: false,
          note: '测试号 🀄 "quoted" \\ \n',
          declaration: 'd1',
          createdAt: START - 1,
          updatedAt: START + 1,
        });
        await put(account.id, account);
        expect(await store.b.directory.account(account.id)).toEqual({ ...account, revision: 1 });
        expect(await store.b.directory.account('corp')).toBeNull();
      });

      test('a write names the revision it read', async () => {
        await put('wx1');
        expect(await store.b.directory.putAccount(anAccount('wx1', { note: 'again' }))).toBe('conflict');
        expect(await store.b.directory.putAccount(anAccount('wx1', { note: 'early', revision: 2 }))).toBe('conflict');
        expect(await store.b.directory.putAccount(anAccount('wx1', { note: 'two', revision: 1 }))).toBe('written');
        expect(await store.a.directory.putAccount(anAccount('wx1', { note: 'late', revision: 1 }))).toBe('conflict');
        expect(await store.a.directory.account('wx1')).toMatchObject({ note: 'two', revision: 2 });
      });

      test('nothing is updated that is not there', async () => {
        expect(await store.a.directory.putAccount(anAccount('wx1', { revision: 1 }))).toBe('conflict');
        expect(await store.a.directory.account('wx1')).toBeNull();
      });

      test('of many who write one revision at once, one does', async () => {
        await put('wx1');
        const tries = Array.from({ length: 20 }, (_, index) =>
          (index % 2 ? store.a : store.b).directory.putAccount(anAccount('wx1', { note: `n${index}`, revision: 1 })),
        );
        expect((await Promise.all(tries)).filter((outcome) => outcome === 'written')).toHaveLength(1);
        expect(await store.a.directory.account('wx1')).toMatchObject({ revision: 2 });
      });

      test('(platform, appId, parent) belongs to one account', async () => {
        await put('one', { appId: 'wx1' });
        expect(await store.b.directory.putAccount(anAccount('two', { appId: 'wx1' }))).toBe('conflict');
        expect(await store.b.directory.account('two')).toBeNull();
        await put('three', { appId: 'wx1', parent: 'p' });
        await put('four', { appId: 'wx1', platform: 'mini-program' });
        // Neither by moving there later.
        expect(await store.b.directory.putAccount(anAccount('three', { appId: 'wx1', parent: '', revision: 1 }))).toBe('conflict');
        expect(await store.b.directory.account('three')).toMatchObject({ parent: 'p', revision: 1 });
      });

      test('by AppID: all of them, and only exact ones', async () => {
        await put('b', { appId: 'wx1', parent: 'p2' });
        await put('a', { appId: 'wx1', parent: 'p1' });
        await put('c', { appId: 'wx11' });
        expect((await store.b.directory.accountsByAppId('wx1')).map(({ id }) => id).sort()).toEqual(['a', 'b']);
        expect(await store.b.directory.accountsByAppId('WX1')).toEqual([]);
        expect(await store.b.directory.accountsByAppId('')).toEqual([]);
      });

      test('pages in id order, byte by byte, without gaps or repeats', async () => {
        const ids = ['Z', 'a', 'a.b', 'a:b', 'a1', 'a_', 'b', '0', '-', '@', `${'x'.repeat(128)}`];
        for (const id of ids) await put(id);
        const seen: string[] = [];
        for (let after: string | null = null; ; ) {
          const page = await store.b.directory.accounts({ after, limit: 3 });
          seen.push(...page.map(({ id }) => id));
          if (page.length < 3) break;
          after = page.at(-1)?.id ?? null;
        }
        expect(seen).toEqual([...ids].sort());
        expect(await store.a.directory.countAccounts()).toBe(ids.length);
      });

      test('removal: true once, and the identity is free again', async () => {
        await put('wx1');
        expect(await store.b.directory.removeAccount('wx1')).toBe(true);
        expect(await store.b.directory.removeAccount('wx1')).toBe(false);
        expect(await store.a.directory.account('wx1')).toBeNull();
        expect(await store.a.directory.accountsByAppId('wx1')).toEqual([]);
        expect(await store.a.directory.countAccounts()).toBe(0);
        await put('other', { appId: 'wx1' });
      });
    });

    describe('API keys', () => {
      test('a key comes back whole, with its revision raised, by id and by digest', async () => {
        const key = aKey('k_1', {
          name: '商城',
          scopes: ['credential:read', 'admin'],
          accounts: ['wx1', 'wx2'],
          kinds: ['access_token'],
          paths: ['/cgi-bin/*'],
          callsPerMinute: 60,
          cidrs: ['10.0.0.0/8', '::1/128'],
          sealed: true,
          expiresAt: START + 1,
        });
        expect(await store.a.directory.putKey(key)).toBe('written');
        const stored = { ...key, revision: 1 };
        expect(await store.b.directory.key('k_1')).toEqual(stored);
        expect(await store.b.directory.keyByDigest(key.digest)).toEqual(stored);
        expect(await store.b.directory.keys({ after: null, limit: 10 })).toEqual([stored]);
        expect(await store.b.directory.key('k_2')).toBeNull();
        expect(await store.b.directory.keyByDigest('')).toBeNull();
      });

      test('empty lists stay lists, null stays null', async () => {
        const key = aKey('k_1', { accounts: [], kinds: [], cidrs: null });
        await store.a.directory.putKey(key);
        expect(await store.b.directory.key('k_1')).toEqual({ ...key, revision: 1 });
      });

      test('writing the same id replaces it, its digest included', async () => {
        await store.a.directory.putKey(aKey('k_1'));
        expect(await store.b.directory.putKey(aKey('k_1', { digest: 'new', revision: 1 }))).toBe('written');
        expect(await store.a.directory.keyByDigest('digest of k_1')).toBeNull();
        expect(await store.a.directory.keyByDigest('new')).toMatchObject({ id: 'k_1' });
        expect(await store.a.directory.keys({ after: null, limit: 10 })).toHaveLength(1);
      });

      test('a write names the revision it read: what is older changes nothing, whatever it says', async () => {
        expect(await store.a.directory.putKey(aKey('k_1', { revision: 1 }))).toBe('conflict');
        expect(await store.a.directory.key('k_1')).toBeNull();
        await store.a.directory.putKey(aKey('k_1'));
        expect(await store.b.directory.putKey(aKey('k_1', { sealed: true }))).toBe('conflict');
        expect(await store.b.directory.putKey(aKey('k_1', { sealed: true, revision: 2 }))).toBe('conflict');
        expect(await store.b.directory.putKey(aKey('k_1', { revokedAt: START, revision: 1 }))).toBe('written');
        // Read before it was revoked, written after: it stays revoked.
        expect(await store.a.directory.putKey(aKey('k_1', { sealed: true, revision: 1 }))).toBe('conflict');
        expect(await store.a.directory.key('k_1')).toEqual(aKey('k_1', { revokedAt: START, revision: 2 }));
      });

      test('of many who write one revision at once, one does; of many who make one id, too', async () => {
        for (const revision of [0, 1]) {
          const writes = Array.from({ length: 20 }, (_, index) =>
            (index % 2 ? store.a : store.b).directory.putKey(aKey('k_1', { digest: `${revision} ${index}`, revision })),
          );
          expect((await Promise.all(writes)).filter((result) => result === 'written')).toHaveLength(1);
          expect(await store.a.directory.key('k_1')).toMatchObject({ revision: revision + 1 });
        }
      });

      test('a digest belongs to one key, revoked or not', async () => {
        await store.a.directory.putKey(aKey('k_1', { revokedAt: START }));
        expect(await store.b.directory.putKey(aKey('k_2', { digest: 'digest of k_1' }))).toBe('conflict');
        expect(await store.b.directory.key('k_2')).toBeNull();
      });

      test('a name belongs to one key until that is revoked', async () => {
        const name = 'shop';
        await store.a.directory.putKey(aKey('k_1', { name }));
        expect(await store.b.directory.putKey(aKey('k_2', { name }))).toBe('conflict');
        await store.a.directory.putKey(aKey('k_1', { name, revokedAt: START, revision: 1 }));
        expect(await store.b.directory.putKey(aKey('k_2', { name }))).toBe('written');
        await store.a.directory.putKey(aKey('k_3', { name, revokedAt: START }));
        // The first cannot come back under it.
        expect(await store.a.directory.putKey(aKey('k_1', { name, revision: 2 }))).toBe('conflict');
        expect(await store.a.directory.key('k_1')).toMatchObject({ revokedAt: START });
      });

      test('pages in id order', async () => {
        for (const id of ['k_b', 'k_a', 'k_C', 'k_1']) await store.a.directory.putKey(aKey(id));
        const first = await store.b.directory.keys({ after: null, limit: 3 });
        const rest = await store.b.directory.keys({ after: first.at(-1)?.id ?? null, limit: 3 });
        expect([...first, ...rest].map(({ id }) => id)).toEqual(['k_1', 'k_C', 'k_a', 'k_b']);
      });
    });

    describe('audit trail', () => {
      const entry = (at: number, subject = 's', action = 'account.created') => ({ at, action, actor: 'cli', subject, data: { n: at } });
      const times = async (query: { before?: number | null; limit?: number; subject?: string; action?: string } = {}) =>
        (await store.b.directory.audit({ before: null, limit: 100, ...query })).map(({ at }) => at);

      test('newest first, in the order of writing, whatever their instants say', async () => {
        await store.a.directory.appendAudit([entry(3), entry(1)]);
        await store.b.directory.appendAudit([]);
        await store.b.directory.appendAudit([entry(2)]);
        expect(await times()).toEqual([2, 1, 3]);
      });

      test('an entry comes back whole', async () => {
        const data = { 名: '值 🀄', yes: true, no: false, none: null, n: -1.5 };
        const whole = { at: START, action: 'key.revoked', actor: 'key:k_1', subject: '', data };
        await store.a.directory.appendAudit([whole]);
        const [read] = await store.b.directory.audit({ before: null, limit: 1 });
        expect(read).toEqual({ ...whole, seq: read?.seq });
      });

      test('pages by seq, exclusive', async () => {
        await store.a.directory.appendAudit(Array.from({ length: 250 }, (_, index) => entry(index)));
        const seen: number[] = [];
        for (let before: number | null = null; ; ) {
          const page = await store.b.directory.audit({ before, limit: 100 });
          seen.push(...page.map(({ at }) => at));
          const last = page.at(-1);
          if (!last || page.length < 100) break;
          before = last.seq;
        }
        expect(seen).toEqual(Array.from({ length: 250 }, (_, index) => 249 - index));
      });

      test('filters are exact, alone and together', async () => {
        await store.a.directory.appendAudit([
          entry(1, 'wx1', 'account.created'),
          entry(2, 'wx1', 'account.updated'),
          entry(3, 'wx10', 'account.updated'),
          entry(4, '', 'account.updated'),
        ]);
        expect(await times({ subject: 'wx1' })).toEqual([2, 1]);
        expect(await times({ action: 'account.updated' })).toEqual([4, 3, 2]);
        expect(await times({ subject: 'wx1', action: 'account.updated' })).toEqual([2]);
        expect(await times({ subject: '' })).toEqual([4]);
        expect(await times({ action: 'account.' })).toEqual([]);
      });

      test('prunes what is older, says how many, and keeps counting up', async () => {
        await store.a.directory.appendAudit(Array.from({ length: 1234 }, (_, index) => entry(index)));
        const [newest] = await store.a.directory.audit({ before: null, limit: 1 });
        expect(await store.b.directory.pruneAudit(0)).toBe(0);
        expect(await store.b.directory.pruneAudit(1200)).toBe(1200);
        expect(await times({ limit: 2000 })).toEqual(Array.from({ length: 34 }, (_, index) => 1233 - index));
        expect(await store.b.directory.pruneAudit(START)).toBe(34);
        await store.b.directory.appendAudit([entry(START)]);
        const [after] = await store.a.directory.audit({ before: null, limit: 1 });
        expect(after?.seq).toBeGreaterThan(newest?.seq ?? Number.POSITIVE_INFINITY);
      });
    });

    describe('changes', () => {
      const cursor = async () => (await store.a.directory.changes(null, 100)).cursor;
      const since = async (from: string, limit = 100, handle = store.a) => handle.directory.changes(from, limit);

      test('null gives only the cursor of now', async () => {
        await put('wx1');
        const page = await store.b.directory.changes(null, 100);
        expect(page).toMatchObject({ changes: [], overflow: false });
        expect(await since(page.cursor)).toEqual({ cursor: page.cursor, changes: [], overflow: false });
      });

      test('what one handle changes, every handle is told: accounts, keys, credentials', async () => {
        const from = await cursor();
        await put('wx1');
        await store.a.directory.putKey(aKey('k_1'));
        const { lease } = granted(await store.a.credentials.acquire(credentialId('wx2'), 'h', 1000));
        await store.a.credentials.write(lease, { generation: 1, nextAttemptAt: null, body: '{}' }, { release: true });
        for (const handle of [store.a, store.b]) {
          const page = await since(from, 100, handle);
          expect(page.overflow).toBe(false);
          expect(page.changes.map(text)).toEqual(['account wx1', 'key k_1', 'credential wx2']);
        }
      });

      test('updates and removals are changes as well', async () => {
        await put('wx1');
        await store.a.credentials.schedule(credentialId('wx1'), 1);
        await store.a.directory.putKey(aKey('k_1'));
        const from = await cursor();
        await store.b.directory.putAccount(anAccount('wx1', { enabled: false, revision: 1 }));
        await store.b.directory.putKey(aKey('k_1', { revokedAt: START, revision: 1 }));
        await store.b.directory.removeAccount('wx1');
        await store.b.credentials.removeAll('wx1');
        const told = (await since(from)).changes.map(text);
        expect(new Set(told)).toEqual(new Set(['account wx1', 'key k_1', 'credential wx1']));
        expect(told.at(-1)).toBe('credential wx1');
      });

      test('a credential change has its whole id, and only the writing handle may be told that it is its own', async () => {
        const id = credentialId('wx1', 'jsapi_ticket', 'classic');
        const from = await cursor();
        const { lease } = granted(await store.a.credentials.acquire(id, 'h', 1000));
        await store.a.credentials.write(lease, { generation: 1, nextAttemptAt: null, body: '{}' }, { release: true });
        expect((await since(from, 100, store.b)).changes).toEqual([{ topic: 'credential', id }]);
        const [own] = (await since(from, 100, store.a)).changes;
        expect(own).toMatchObject({ topic: 'credential', id });
      });

      test('what was refused is no change', async () => {
        await put('wx1');
        await store.a.directory.putKey(aKey('k_1'));
        const { lease } = granted(await store.a.credentials.acquire(credentialId(), 'h', 1000));
        const from = await cursor();
        await store.a.directory.putAccount(anAccount('wx1'));
        await store.a.directory.putKey(aKey('k_2', { digest: 'digest of k_1' }));
        await store.a.directory.putKey(aKey('k_1', { revision: 7 }));
        await store.a.directory.removeAccount('nobody');
        await store.a.credentials.removeAll('nobody');
        await store.a.credentials.write(
          { ...lease, fence: lease.fence - 1 },
          { generation: 1, nextAttemptAt: 1, body: '{}' },
          { release: true },
        );
        expect((await since(from)).changes).toEqual([]);
      });

      test('the cursor goes on: nothing twice, nothing lost', async () => {
        let from = await cursor();
        const told: string[] = [];
        for (let round = 0; round < 5; round += 1) {
          await put(`wx${round}`);
          const page = await since(from, 100, store.b);
          told.push(...page.changes.map(text));
          from = page.cursor;
        }
        expect(told).toEqual([0, 1, 2, 3, 4].map((round) => `account wx${round}`));
      });

      test('exactly a page is a page; more than a page is an overflow that goes on from now', async () => {
        const from = await cursor();
        for (let index = 0; index < 5; index += 1) await put(`wx${index}`);
        const full = await since(from, 5);
        expect(full.overflow).toBe(false);
        expect(full.changes).toHaveLength(5);
        const over = await since(from, 4);
        expect(over.overflow).toBe(true);
        expect(over.changes.length).toBeLessThanOrEqual(4);
        expect(await since(over.cursor)).toMatchObject({ changes: [], overflow: false });
        await put('next');
        expect((await since(over.cursor)).changes.map(text)).toEqual(['account next']);
      });

      test('a cursor of another store, or none of ours, is an overflow', async () => {
        for (const foreign of ['999999999999', 'nonsense', '-5']) {
          const page = await since(foreign);
          expect(page).toMatchObject({ changes: [], overflow: true });
          expect(await since(page.cursor)).toMatchObject({ changes: [], overflow: false });
        }
      });
    });

    describe('settings', () => {
      test('compare and set', async () => {
        expect(await store.a.directory.setting('x')).toBeNull();
        expect(await store.a.directory.putSetting('x', 'something', 'v')).toBe(false);
        expect(await store.a.directory.putSetting('x', null, '值 1')).toBe(true);
        expect(await store.b.directory.setting('x')).toBe('值 1');
        expect(await store.b.directory.putSetting('x', null, 'v2')).toBe(false);
        expect(await store.b.directory.putSetting('x', '值 1', '')).toBe(true);
        expect(await store.a.directory.setting('x')).toBe('');
        expect(await store.a.directory.putSetting('x', null, 'v3')).toBe(false);
        expect(await store.a.directory.putSetting('x', '', 'v3')).toBe(true);
      });

      test('of many who set one value at once, one does', async () => {
        const tries = Array.from({ length: 20 }, (_, index) =>
          (index % 2 ? store.a : store.b).directory.putSetting('x', null, `v${index}`),
        );
        const outcomes = await Promise.all(tries);
        expect(outcomes.filter(Boolean)).toHaveLength(1);
        expect(await store.a.directory.setting('x')).toBe(`v${outcomes.indexOf(true)}`);
      });
    });
  });
}
