/** What PostgreSQL alone has: notices of changes, standbys, time zones and rights of a database. */

import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import type { Store } from '../../src/core/store.ts';
import { openStore } from '../../src/stores/open.ts';
import { openPostgres } from '../../src/stores/sql/postgres.ts';
import { aKey, anAccount, credentialId, granted } from '../contract/suites/pair.ts';
import { asSuperuser, PostgresDatabase } from './postgres-database.ts';
import { refusal } from './server-database.ts';

let database: PostgresDatabase;
beforeAll(async () => {
  database = await PostgresDatabase.create();
  await (await database.open()).close();
});
afterAll(() => database.drop());
beforeEach(() => database.empty());

async function open(url = database.url): Promise<Store> {
  const store = await openStore(url);
  onTestFinished(() => store.close());
  return store;
}

describe('a notice of changes', () => {
  /** Counts the times a handle is woken; the first is when it begins to listen. */
  async function listening(store: Store) {
    let wakes = 0;
    let waiting: (() => void)[] = [];
    const stop = store.notices?.listen(() => {
      wakes += 1;
      for (const one of waiting.splice(0)) one();
    });
    const next = () => new Promise<void>((resolve) => waiting.push(resolve));
    await next();
    return {
      next,
      stop: () => stop?.(),
      get wakes() {
        return wakes;
      },
      reset() {
        wakes = 0;
        waiting = [];
      },
    };
  }

  test('comes to the other handle within 100 ms of the commit, and not to the own one', async () => {
    const [one, other] = [await open(), await open()];
    const [own, heard] = [await listening(one), await listening(other)];
    const changes: Record<string, () => Promise<unknown>> = {
      account: () => one.directory.putAccount(anAccount('wx1')),
      key: () => one.directory.putKey(aKey('k_1')),
      credential: async () => {
        const { lease } = granted(await one.credentials.acquire(credentialId(), 'h', 30_000));
        await one.credentials.write(lease, { generation: 1, nextAttemptAt: 1, body: '{}' }, { release: true });
      },
    };
    own.reset();
    for (const [what, change] of Object.entries(changes)) {
      const next = heard.next();
      await change();
      const committed = performance.now();
      await next;
      expect({ what, late: performance.now() - committed > 100 }).toEqual({ what, late: false });
    }
    // It has surely heard what the other has heard since.
    const back = own.next();
    await other.directory.putKey(aKey('k_2'));
    await back;
    expect(own.wakes).toBe(1);
  });

  test('that is missed while the connection is away is made up for as soon as it is back', async () => {
    const [one, other] = [await open(), await open()];
    const { cursor } = await other.directory.changes(null, 10);
    const heard = await listening(other);
    const again = heard.next();
    expect(await database.hangUp('%listen%')).toBe(1);
    await one.directory.putAccount(anAccount('wx1'));
    const began = performance.now();
    await again;
    // The first may still have come over the old connection's last breath; the change is there with it in any case.
    expect((await other.directory.changes(cursor, 10)).changes).toEqual([{ topic: 'account', id: 'wx1' }]);
    expect(performance.now() - began).toBeLessThan(5000);
  });

  test('is not sent for what changes nothing that others keep', async () => {
    const [one, other] = [await open(), await open()];
    const heard = await listening(other);
    heard.reset();
    const { lease } = granted(await one.credentials.acquire(credentialId(), 'h', 30_000));
    await one.credentials.release(lease);
    const next = heard.next();
    await one.credentials.schedule(credentialId('wx2'), 1);
    await next;
    expect(heard.wakes).toBe(1);
  });

  test('ends with its wish, and with the store', async () => {
    const store = await openStore(database.url);
    const heard = await listening(store);
    heard.stop();
    heard.reset();
    await (await open()).directory.putAccount(anAccount('wx1'));
    await store.close();
    expect(heard.wakes).toBe(0);
    const { rows } = await asSuperuser(`select 1 from pg_stat_activity where datname = '${database.name}' and query like 'listen%'`);
    expect(rows).toEqual([]);
  });
});

describe('a database', () => {
  test('that became read-only is refused at the start, and noticed while running', async () => {
    const store = await open();
    onTestFinished(async () => void (await asSuperuser(`alter database ${database.name} reset default_transaction_read_only`)));
    await asSuperuser(`alter database ${database.name} set default_transaction_read_only = on`);
    await database.hangUp();
    for (const error of [await refusal(openStore(database.url)), await refusal(store.ping())]) {
      expect(error).toMatchObject({
        code: 'store_unavailable',
        message: expect.stringMatching(/cannot be written: it is a standby or was made read-only/),
        advice: { en: expect.stringMatching(/primary/), zh: expect.stringMatching(/主库/) },
      });
    }
    expect(await store.directory.setting('x')).toBeNull();
  });

  test('in another time zone has the same clock', async () => {
    const elsewhere = await PostgresDatabase.create();
    onTestFinished(() => elsewhere.drop());
    await asSuperuser(`alter database ${elsewhere.name} set timezone = 'Asia/Kathmandu'`);
    const store = await elsewhere.open();
    onTestFinished(() => store.close());
    expect(Math.abs((await store.credentials.now()) - Date.now())).toBeLessThan(1000);
  });

  test('that is not UTF-8 is refused before anything is made in it', async () => {
    const latin = await PostgresDatabase.create("encoding 'LATIN1' template template0 lc_collate 'C' lc_ctype 'C'");
    onTestFinished(() => latin.drop());
    expect((await refusal(latin.open())).message).toMatch(/is not a UTF-8 database/);
    const session = await latin.session();
    expect(await session.run("select 1 from pg_tables where tablename = 'migrations'")).toEqual([]);
  });

  test('in which the user may make nothing is told so', async () => {
    const role = `zhongkong_test_${process.pid}_poor`;
    await asSuperuser(`create role ${role} login`);
    const closed = await PostgresDatabase.create();
    onTestFinished(async () => {
      await closed.drop();
      await asSuperuser(`drop role ${role}`);
    });
    await (await closed.session()).run('revoke create on schema public from public');
    const url = new URL(closed.url);
    url.username = role;
    expect((await refusal(openStore(url.href))).message).toMatch(/gives this user too few rights|refused the user/);
  });

  test('with a migration that failed has nothing of it', async () => {
    const spoiled = await PostgresDatabase.create();
    onTestFinished(() => spoiled.drop());
    const session = await spoiled.session();
    // In the way of the second migration.
    await session.run('create table accounts_identity (x integer)');
    await refusal(spoiled.open());
    expect(await session.run("select tablename from pg_tables where schemaname = 'public'")).toEqual([{ tablename: 'accounts_identity' }]);
    await session.run('drop table accounts_identity');
    await (await spoiled.open()).close();
  });
});

describe('with many rows', () => {
  type Plan = {
    readonly 'Node Type': string;
    readonly 'Index Name'?: string;
    readonly 'Index Cond'?: string;
    readonly Plans?: readonly Plan[];
  };
  /** Each step with its index and, where the index narrows the search, the first column by which it does. */
  const scans = (plan: Plan): readonly string[] => [
    [plan['Node Type'], plan['Index Name'], /\w+/.exec(plan['Index Cond'] ?? '')?.[0]].filter(Boolean).join(' '),
    ...(plan.Plans ?? []).flatMap(scans),
  ];

  /** What the store's own statements come to, as they were when the store sent them. */
  async function planned(of: string, work: (store: Store) => Promise<unknown>): Promise<readonly string[]> {
    const seen: { readonly sql: string; readonly parameters: readonly unknown[] }[] = [];
    const store = await openPostgres(database.url, { log: ({ query }) => seen.push(query) });
    onTestFinished(() => store.close());
    await work(store);
    const statement = seen.findLast(({ sql }) => sql.includes(of)) ?? expect.unreachable(`nothing like ${of}`);
    const session = await database.session();
    const [row] = await session.run(`explain (format json) ${statement.sql}`, statement.parameters);
    const explained = row?.['QUERY PLAN'] as readonly { readonly Plan: Plan }[] | undefined;
    return scans(explained?.[0]?.Plan ?? expect.unreachable('no plan'));
  }

  /** 50,000 credentials, so many of them overdue, and of these so many at work elsewhere. */
  async function fill(overdue: number, leased: number): Promise<void> {
    const session = await database.session();
    await session.run(`insert into credentials (account, kind, chain, generation, fence, next_attempt_at, lease_holder, lease_until)
      select 'wx' || n, 'access_token', 'stable', 1, 1, case when n <= ${overdue} then n else 9e15 end,
        case when n <= ${leased} then 'elsewhere' end, case when n <= ${leased} then 9e15 end
      from generate_series(1, 50000) n`);
    await session.run('analyze credentials');
  }

  test.each([
    ['a few are due', 100, 0],
    ['tens of thousands are overdue', 40_000, 0],
    ['tens of thousands are overdue, and thousands of them leased', 40_000, 10_000],
  ])('%s: a claim goes by the index of what is due, oldest first, past what is leased', async (_, overdue, leased) => {
    await fill(overdue, leased);
    let claimed: readonly string[] = [];
    const plan = await planned('skip locked', async ({ due }) => {
      claimed = (await due.claim('here', 30_000, 16)).map(({ lease }) => lease.id.account);
    });
    expect(claimed).toEqual(Array.from({ length: 16 }, (_, n) => `wx${leased + n + 1}`));
    expect(plan).toContain('Index Scan credentials_due next_attempt_at');
    expect(plan).toContain('Index Scan credentials_id account');
    expect(plan.filter((node) => /Seq Scan|Sort|Bitmap/.test(node))).toEqual([]);
  });

  test('a step finds its rows by their key', async () => {
    await fill(0, 0);
    const plan = await planned('for update', ({ credentials }) =>
      Promise.all(['wx1', 'wx2'].map((account) => credentials.schedule(credentialId(account), 5))),
    );
    expect(plan).toContain('Index Scan credentials_id account');
    expect(plan.filter((node) => /Seq Scan/.test(node))).toEqual([]);
  });
});
