/**
 * Every statement that the SQLite store runs finds its rows by an index: a million accounts cost what ten cost.
 *
 * The statements are taken down while the store works, then asked for their query plans. A scan fails, and so does a
 * run that saw no statement of some method.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Store } from '../../src/core/store.ts';
import { connectSqlite, openSqlite } from '../../src/stores/sql/sqlite.ts';
import { aKey, anAccount, credentialId, granted, START } from './suites/pair.ts';

const id = credentialId();
const entry = { at: 1, action: 'a', actor: 'b', subject: 's', data: {} };
const page = { after: null, limit: 10 };

/** One call of each method; some need what the ones before them made. */
const CALLS = {
  'credentials.schedule (new)': ({ credentials }) => credentials.schedule(id, 0),
  'credentials.schedule': ({ credentials }) => credentials.schedule(id, 1),
  'credentials.read': ({ credentials }) => credentials.read(id),
  'credentials.list': ({ credentials }) => credentials.list('wx1'),
  'due.nextDueAt': ({ due }) => due.nextDueAt(),
  'due.claim': ({ due }) => due.claim('h', 1, 10),
  'credentials.acquire, write, release': async ({ credentials }) => {
    const { lease } = granted(await credentials.acquire(credentialId('wx2'), 'h', 1));
    await credentials.write(lease, { generation: 1, nextAttemptAt: 1, body: '{}' }, { release: false });
    await credentials.write(lease, { generation: 1, nextAttemptAt: 1, body: '{}' }, { release: true });
    await credentials.release(lease);
  },
  'credentials.removeAll': ({ credentials }) => credentials.removeAll('wx2'),
  'directory.putAccount (new)': ({ directory }) => directory.putAccount(anAccount('wx1')),
  'directory.putAccount': ({ directory }) => directory.putAccount(anAccount('wx1', { revision: 1 })),
  'directory.account': ({ directory }) => directory.account('wx1'),
  'directory.accountsByAppId': ({ directory }) => directory.accountsByAppId('wx1'),
  'directory.accounts': ({ directory }) => directory.accounts(page),
  'directory.accounts (later page)': ({ directory }) => directory.accounts({ ...page, after: 'wx1' }),
  'directory.removeAccount': ({ directory }) => directory.removeAccount('wx1'),
  'directory.putKey (new)': ({ directory }) => directory.putKey(aKey('k_1')),
  'directory.putKey': ({ directory }) => directory.putKey(aKey('k_1', { revision: 1 })),
  'directory.key': ({ directory }) => directory.key('k_1'),
  'directory.keyByDigest': ({ directory }) => directory.keyByDigest('d'),
  'directory.keys': ({ directory }) => directory.keys(page),
  'directory.appendAudit': ({ directory }) => directory.appendAudit([entry, entry]),
  'directory.audit': ({ directory }) => directory.audit({ before: null, limit: 10 }),
  'directory.audit (later page)': ({ directory }) => directory.audit({ before: 5, limit: 10 }),
  'directory.audit (subject)': ({ directory }) => directory.audit({ before: null, limit: 10, subject: 's' }),
  'directory.audit (action)': ({ directory }) => directory.audit({ before: null, limit: 10, action: 'a' }),
  'directory.audit (both)': ({ directory }) => directory.audit({ before: 5, limit: 10, subject: 's', action: 'a' }),
  'directory.pruneAudit': ({ directory }) => directory.pruneAudit(START),
  'directory.changes': ({ directory }) => directory.changes('0', 10),
  'directory.changes (first)': ({ directory }) => directory.changes(null, 10),
  'directory.putSetting': ({ directory }) => directory.putSetting('x', null, 'v'),
  'directory.putSetting (again)': ({ directory }) => directory.putSetting('x', 'v', 'w'),
  'directory.setting': ({ directory }) => directory.setting('x'),
  ping: (store) => store.ping(),
} satisfies Record<string, (store: Store) => Promise<unknown>>;

const PORTS = ['credentials', 'due', 'directory'] as const;
/** Counting is a scan by nature (of the narrowest index), and "now" has no statement on SQLite. */
const EXEMPT = ['directory.countAccounts', 'credentials.now'];

describe('query plans', () => {
  const folder = mkdtempSync(join(tmpdir(), 'zhongkong-'));
  const file = join(folder, 'x.db');
  const seen: { readonly sql: string; readonly parameters: readonly unknown[] }[] = [];
  let store: Store;

  beforeAll(async () => {
    store = await openSqlite(file, {
      now: () => START,
      log: ({ query }) => seen.push({ sql: query.sql, parameters: query.parameters }),
    });
  });
  afterAll(async () => {
    await store.close();
    rmSync(folder, { recursive: true });
  });

  /** Steps of the plans of all statements with rows to find. */
  async function plansOf(work: () => Promise<unknown>): Promise<string[]> {
    seen.length = 0;
    await work();
    const statements = seen.filter(({ sql }) => /^(select|update|delete)/.test(sql));
    const db = connectSqlite(file);
    const steps: string[] = [];
    for (const { sql: text, parameters } of statements) {
      const query = sql.raw(`explain query plan ${text}`).compile(db);
      const { rows } = await db.executeQuery<{ detail: string }>({ ...query, parameters });
      steps.push(...rows.map(({ detail }) => detail));
    }
    await db.destroy();
    return steps;
  }

  test.each<[string, (store: Store) => Promise<unknown>]>(Object.entries(CALLS))('%s', async (name, call) => {
    const steps = await plansOf(() => call(store));
    if (!/\(new\)|appendAudit/.test(name)) expect(steps).not.toEqual([]);
    // The newest change is the first row from the end of the table: a scan in name only.
    const scans = steps.filter((step) => /^SCAN/.test(step) && step !== 'SCAN changes');
    const sorts = steps.filter((step) => /TEMP B-TREE/.test(step));
    expect({ scans, sorts }).toEqual({ scans: [], sorts: [] });
  });

  /** Searching by the wrong end of a table is a search too, so the ones that may grow long are named. */
  test.each<[string, (store: Store) => Promise<unknown>, string]>([
    ['claim', ({ due }) => due.claim('h', 1, 10), 'SEARCH credentials USING INDEX credentials_due (next_attempt_at<?)'],
    ['nextDueAt', ({ due }) => due.nextDueAt(), 'SEARCH credentials USING COVERING INDEX credentials_due'],
    ['list', CALLS['credentials.list'], 'SEARCH credentials USING INDEX sqlite_autoindex_credentials_1 (account=?)'],
    ['account by AppID', CALLS['directory.accountsByAppId'], 'SEARCH accounts USING INDEX accounts_identity (app_id=?)'],
    ['key by digest', CALLS['directory.keyByDigest'], 'SEARCH api_keys USING INDEX api_keys_digest (digest=?)'],
    ['changes', CALLS['directory.changes'], 'SEARCH changes USING INTEGER PRIMARY KEY (rowid>?)'],
    ['audit', CALLS['directory.audit'], 'SEARCH audit USING INTEGER PRIMARY KEY (rowid<?)'],
    ['audit by subject', CALLS['directory.audit (subject)'], 'SEARCH audit USING INDEX audit_subject (subject=? AND seq<?)'],
    ['audit by action', CALLS['directory.audit (action)'], 'SEARCH audit USING INDEX audit_action (action=? AND seq<?)'],
    ['audit pruning', CALLS['directory.pruneAudit'], 'SEARCH audit USING COVERING INDEX audit_at (at<?)'],
  ])('%s uses the index made for it', async (_, call, step) => {
    await store.credentials.schedule(id, 0);
    expect(await plansOf(() => call(store))).toContain(step);
  });

  test('a statement without an index would be seen', async () => {
    const db = connectSqlite(file);
    const { rows } = await sql<{ detail: string }>`explain query plan select * from accounts where note = 'x'`.execute(db);
    await db.destroy();
    expect(rows.map(({ detail }) => detail)).toEqual(['SCAN accounts']);
  });

  test('no method was forgotten', () => {
    const methods = PORTS.flatMap((port) =>
      Object.getOwnPropertyNames(Object.getPrototypeOf(store[port]))
        .filter((name) => name !== 'constructor')
        .map((name) => `${port}.${name}`),
    );
    const called = Object.keys(CALLS).join(' ');
    const forgotten = methods.filter((method) => !EXEMPT.includes(method) && !new RegExp(`${method.split('.')[1]}\\b`).test(called));
    expect(methods.length).toBeGreaterThan(20);
    expect(forgotten).toEqual([]);
  });
});
