/**
 * What only a database server can do to a store, on both of them: commits in another order than the numbers of the log,
 * several processes that start at once, lost connections, its own clock, values that it refuses.
 */

import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import type { Change, Store } from '../../../src/core/store.ts';
import { openStore } from '../../../src/stores/open.ts';
import { MIGRATIONS } from '../../../src/stores/sql/migrations.ts';
import { anAccount, credentialId, granted } from '../../contract/suites/pair.ts';
import { startProxy } from '../../helpers/byte-proxy.ts';
import { refusal, type ServerDatabase } from '../server-database.ts';

const LEASE_MS = 30_000;
const insertChange = (subject: string) =>
  `insert into changes (topic, subject, kind, chain, origin) values ('account', '${subject}', '', '', '')`;
const subjects = (changes: readonly Change[]) => changes.map(({ id }) => id);

export function serverStoreSuite(create: () => Promise<ServerDatabase>): void {
  let database: ServerDatabase;
  beforeAll(async () => {
    database = await create();
    await (await database.open()).close();
  });
  afterAll(() => database.drop());
  beforeEach(() => database.empty());

  async function open(url = database.url): Promise<Store> {
    const store = await openStore(url);
    onTestFinished(() => store.close());
    return store;
  }

  /** The same database through a proxy. */
  async function openThroughProxy() {
    const url = new URL(database.url);
    const proxy = await startProxy({ host: url.hostname, port: Number(url.port) });
    url.port = String(proxy.port);
    const store = await open(url.href);
    onTestFinished(() => proxy.down());
    return { store, proxy };
  }

  describe('changes that are committed in another order than they were numbered', () => {
    /** Two transactions that have their numbers and are not committed. */
    async function twoOpen() {
      const [first, second] = [await database.session(), await database.session()];
      for (const [session, subject] of [
        [first, 'first'],
        [second, 'second'],
      ] as const) {
        await session.run('begin');
        await session.run(insertChange(subject));
      }
      return { first, second };
    }

    test('are all seen, the later number at once, the earlier when it is there', async () => {
      const { directory } = await open();
      await directory.putAccount(anAccount('before'));
      const { cursor } = await directory.changes(null, 100);
      const { first, second } = await twoOpen();
      await second.run('commit');
      const early = await directory.changes(cursor, 100);
      expect(subjects(early.changes)).toEqual(['second']);
      // Nothing new, and the gap is still open.
      const nothing = await directory.changes(early.cursor, 100);
      expect(nothing).toEqual({ ...early, changes: [] });
      await first.run('commit');
      const late = await directory.changes(nothing.cursor, 100);
      expect(subjects(late.changes)).toEqual(['first']);
      expect(await directory.changes(late.cursor, 100)).toEqual({ cursor: late.cursor, changes: [], overflow: false });
      // That it can be missed: a cursor that only knows the last number.
      expect((await directory.changes(early.cursor.replace(/;.*/, ''), 100)).changes).toEqual([]);
    });

    test('are seen by who began to look when the later one was there and the earlier was not', async () => {
      const { directory } = await open();
      await directory.putAccount(anAccount('before'));
      const { first, second } = await twoOpen();
      await second.run('commit');
      const { cursor } = await directory.changes(null, 100);
      await first.run('commit');
      expect(subjects((await directory.changes(cursor, 100)).changes)).toEqual(['first']);
    });

    test('and one that is rolled back is waited for by nobody', async () => {
      const { directory } = await open();
      await directory.putAccount(anAccount('before'));
      const { cursor } = await directory.changes(null, 100);
      const { first, second } = await twoOpen();
      await second.run('commit');
      await first.run('rollback');
      const page = await directory.changes(cursor, 100);
      await directory.putAccount(anAccount('after'));
      expect(subjects((await directory.changes(page.cursor, 100)).changes)).toEqual(['after']);
    });
  });

  describe('two handles at once', () => {
    test('one of many has the lease, round after round', async () => {
      const handles = [await open(), await open()];
      const id = credentialId();
      await handles[0]?.credentials.schedule(id, 0);
      const fences: number[] = [];
      for (let round = 0; round < 20; round += 1) {
        const tries = handles.flatMap((handle) => Array.from({ length: 3 }, () => handle.credentials.acquire(id, 'h', LEASE_MS)));
        const leases = (await Promise.all(tries)).flatMap((one) => ('lease' in one ? [one.lease] : []));
        expect(leases).toHaveLength(1);
        for (const lease of leases) {
          fences.push(lease.fence);
          await handles[round % 2]?.credentials.release(lease);
        }
      }
      expect(fences).toEqual([...new Set(fences)].sort((a, b) => a - b));
    });

    test('no fence is given twice while rows are removed and made', async () => {
      const handles = [await open(), await open()];
      const fences: number[] = [];
      const work = async (store: Store, turns: number): Promise<void> => {
        for (let turn = 0; turn < turns; turn += 1) {
          const got = await store.credentials.acquire(credentialId(), 'h', LEASE_MS);
          if ('lease' in got) fences.push(got.lease.fence);
          await store.credentials.removeAll(credentialId().account);
        }
      };
      await Promise.all(handles.flatMap((handle) => [work(handle, 30), work(handle, 30)]));
      expect(fences.length).toBeGreaterThan(5);
      expect(new Set(fences).size).toBe(fences.length);
    });
  });

  describe('the schema', () => {
    async function empty(): Promise<ServerDatabase> {
      const fresh = await create();
      onTestFinished(() => fresh.drop());
      return fresh;
    }

    test('is made once by four that start at once', async () => {
      const fresh = await empty();
      const stores = await Promise.all(Array.from({ length: 4 }, () => fresh.open()));
      await Promise.all(stores.map((store) => store.close()));
      const session = await fresh.session();
      expect(await session.run('select number from migrations order by number')).toHaveLength(MIGRATIONS.length);
    });

    test('of a later version is refused with what to do, at the start and while running', async () => {
      const fresh = await empty();
      const store = await fresh.open();
      onTestFinished(() => store.close());
      const session = await fresh.session();
      await session.run("insert into migrations (number, name, applied_at) values (99, 'later', 0)");
      for (const error of [await refusal(fresh.open()), await refusal(store.ping())]) {
        expect(error).toMatchObject({
          code: 'config_invalid',
          message: expect.stringMatching(
            new RegExp(`/${fresh.name} has schema 99, this version of Zhongkong knows schema ${MIGRATIONS.length}`),
          ),
          advice: { en: expect.stringContaining('later version'), zh: expect.stringContaining('较新的版本') },
        });
      }
    });
  });

  describe('the clock', () => {
    test('is the server’s, in whole milliseconds of UTC', async () => {
      const store = await open();
      const before = Date.now();
      const now = await store.credentials.now();
      // The server of the tests runs on this machine.
      expect(Number.isInteger(now)).toBe(true);
      expect(now).toBeGreaterThanOrEqual(before - 1000);
      expect(now).toBeLessThanOrEqual(Date.now() + 1000);
    });

    test('decides leases, whatever this process thinks the time is', async () => {
      const store = await openStore(database.url, { now: () => 0 });
      onTestFinished(() => store.close());
      const { lease } = granted(await store.credentials.acquire(credentialId(), 'h', LEASE_MS));
      expect(Math.abs(lease.until - LEASE_MS - Date.now())).toBeLessThan(1000);
      await store.credentials.schedule(credentialId('wx2'), (await store.credentials.now()) + 60_000);
      expect(await store.due.claim('h', LEASE_MS, 10)).toEqual([]);
      await store.credentials.schedule(credentialId('wx2'), await store.credentials.now());
      const [claimed] = await store.due.claim('h', LEASE_MS, 10);
      expect(Math.abs((claimed?.lease.until ?? 0) - LEASE_MS - Date.now())).toBeLessThan(1000);
    });
  });

  test('a value that the database refuses fails alone, and says nothing of itself', async () => {
    const store = await open();
    const wrong = `\u0000${'h'.repeat(200)}`;
    const results = await Promise.allSettled([
      store.credentials.acquire(credentialId('wx1'), 'h', LEASE_MS),
      store.credentials.acquire(credentialId('wx2'), wrong, LEASE_MS),
      store.credentials.acquire(credentialId('wx3'), 'h', LEASE_MS),
    ]);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(JSON.stringify(results, Object.getOwnPropertyNames(Error.prototype))).not.toContain('hhh');
    expect(String((results[1] as PromiseRejectedResult).reason)).toMatch(/refused a value/);
  });

  describe('a connection that breaks', () => {
    test('while nobody uses it costs nothing', async () => {
      const store = await open();
      await store.credentials.schedule(credentialId(), 5);
      expect(await database.hangUp()).toBeGreaterThan(0);
      expect(await store.credentials.read(credentialId())).toMatchObject({ nextAttemptAt: 5 });
      await database.hangUp();
      await store.credentials.schedule(credentialId(), 6);
      expect(await store.credentials.read(credentialId())).toMatchObject({ nextAttemptAt: 6 });
    });

    test('before the commit is sent: the write is done once more, and once', async () => {
      const { store, proxy } = await openThroughProxy();
      let cuts = 0;
      proxy.judge = (sent) => {
        if (cuts > 0 || !sent.includes('insert into')) return 'pass';
        cuts += 1;
        return 'cut after';
      };
      await store.directory.appendAudit([{ at: 1, action: 'a', actor: 'b', subject: 'c', data: {} }]);
      expect(cuts).toBe(1);
      expect(await store.directory.audit({ before: null, limit: 10 })).toHaveLength(1);
    });

    test.each(['cut', 'cut after'] as const)('in the commit (%s): it is said that nobody knows, and it is not done again', async (how) => {
      const { store, proxy } = await openThroughProxy();
      let commits = 0;
      proxy.judge = (sent) => {
        if (!/commit(?!ted)/.test(sent.toString('latin1'))) return 'pass';
        commits += 1;
        return how;
      };
      const error = await refusal(store.credentials.schedule(credentialId(), 5));
      expect(error).toMatchObject({ code: 'store_unavailable', message: expect.stringMatching(/during a commit/) });
      expect(commits).toBe(1);
      proxy.judge = () => 'pass';
      // The caller's own next try is right whatever became of the first.
      await store.credentials.schedule(credentialId(), 6);
      expect(await store.credentials.read(credentialId())).toMatchObject({ nextAttemptAt: 6 });
    });

    test.each(['cut', 'cut after'] as const)('under a write of a lease (%s): it is done once more, which changes nothing', async (how) => {
      const { store, proxy } = await openThroughProxy();
      const { lease } = granted(await store.credentials.acquire(credentialId(), 'h', LEASE_MS));
      const before = await store.directory.changes(null, 10);
      let cuts = 0;
      proxy.judge = (sent) => {
        if (cuts > 0 || !sent.includes('what is written')) return 'pass';
        cuts += 1;
        return how;
      };
      const write = { generation: 1, nextAttemptAt: 7, body: '"what is written"' };
      expect(await store.credentials.write(lease, write, { release: true })).toBe('committed');
      expect(cuts).toBe(1);
      expect(await store.credentials.read(credentialId())).toMatchObject({ generation: 1, nextAttemptAt: 7, body: write.body });
      // Released: whoever comes next takes over from nobody. Told of: as one change, however often it was written.
      expect(granted(await store.credentials.acquire(credentialId(), 'h', LEASE_MS)).lease.takenOver).toBe(false);
      expect((await store.directory.changes(before.cursor, 10)).changes).toEqual([{ topic: 'credential', id: credentialId(), own: true }]);
    });

    test('after a later lease: a write comes too late, alone and among others', async () => {
      const store = await open();
      const [late, good] = [credentialId('late'), credentialId('good')];
      const { lease: first } = granted(await store.credentials.acquire(late, 'h', LEASE_MS));
      await store.credentials.release(first);
      const { lease: later } = granted(await store.credentials.acquire(late, 'other', LEASE_MS));
      const { lease } = granted(await store.credentials.acquire(good, 'h', LEASE_MS));
      const write = (body: string) => ({ generation: 1, nextAttemptAt: 7, body });
      const release = { release: true };
      expect(await store.credentials.write(first, write('late'), release)).toBe('stale');
      const together = [
        store.credentials.write(first, write('late'), release),
        store.credentials.write(lease, write('good'), { release: false }),
      ];
      expect(await Promise.all(together)).toEqual(['stale', 'committed']);
      expect(await store.credentials.read(late)).toMatchObject({ generation: 0, body: null });
      expect(await store.credentials.read(good)).toMatchObject({ generation: 1, body: 'good' });
      // Kept as asked, and the other one's is its own.
      expect(await store.credentials.acquire(good, 'x', LEASE_MS)).toHaveProperty('heldUntil');
      expect(await store.credentials.write(later, write('later'), release)).toBe('committed');
    });

    test('for good: every call fails at once and names the place; when the server is back, so is the store', async () => {
      const { store, proxy } = await openThroughProxy();
      await proxy.down();
      const place = new RegExp(`at 127\\.0\\.0\\.1:${proxy.port}/${database.name} cannot be reached`);
      const began = performance.now();
      for (const call of [() => store.ping(), () => store.credentials.read(credentialId()), () => store.directory.setting('x')]) {
        expect(await refusal(call())).toMatchObject({ code: 'store_unavailable', message: expect.stringMatching(place) });
      }
      expect(performance.now() - began).toBeLessThan(1000);
      await proxy.up();
      await expect
        .poll(
          () =>
            store.ping().then(
              () => 'there',
              () => 'away',
            ),
          { timeout: 4000, interval: 20 },
        )
        .toBe('there');
    });
  });

  describe('cannot be opened', () => {
    const changed = (change: (url: URL) => void): string => {
      const url = new URL(database.url);
      change(url);
      return url.href;
    };

    test.each<[string, (url: URL) => void, RegExp]>([
      ['a database that is not there', (url) => void (url.pathname = '/zhongkong_not_there'), /has no such database/],
      ['a port where nobody listens', (url) => void (url.port = '1'), /cannot be reached/],
      ['a host that nobody knows', (url) => void (url.hostname = 'db.invalid'), /host name is unknown/],
    ])('%s', async (_, change, what) => {
      const error = await refusal(openStore(changed(change)));
      expect(error).toMatchObject({
        code: 'store_unavailable',
        message: expect.stringMatching(what),
        advice: { en: expect.stringMatching(/./), zh: expect.stringMatching(/[一-龥]/) },
      });
    });

    test('with a wrong password: refused, and the password is nowhere', async () => {
      const error = await refusal(
        openStore(
          changed((url) => {
            url.username = 'zhongkong_nobody';
            url.password = 'hunter2';
          }),
        ),
      );
      expect(error.code).toBe('store_unavailable');
      expect(error.message).toMatch(/refused the user or the password/);
      expect(`${error.stack} ${JSON.stringify(error)} ${String(error.cause)}`).not.toContain('hunter2');
    });

    test('with a TLS that the server does not have', async () => {
      const error = await refusal(openStore(changed((url) => url.searchParams.set('sslmode', 'verify-full'))));
      expect(error).toMatchObject({ code: 'store_unavailable', message: expect.stringMatching(/TLS|gave no connection/) });
    });
  });

  test('more calls than connections wait for their turn', async () => {
    const url = new URL(database.url);
    url.searchParams.set('connections', '2');
    const store = await open(url.href);
    const ids = Array.from({ length: 100 }, (_, index) => credentialId(`wx${index}`));
    await Promise.all(ids.map((id, index) => store.credentials.schedule(id, index)));
    const read = await Promise.all(ids.map((id) => store.credentials.read(id)));
    expect(read.map((one) => one?.nextAttemptAt)).toEqual(ids.map((_, index) => index));
  });
}
