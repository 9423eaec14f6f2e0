import { createHash } from 'node:crypto';
import { beforeEach, describe, expect, test } from 'vitest';
import { isDeclared } from '../../../src/access/declared-keys.ts';
import { Keys, type KeysDeps } from '../../../src/access/keys.ts';
import type { DeclaredKey } from '../../../src/core/declared.ts';
import { EventBus } from '../../../src/core/events.ts';
import type { Directory } from '../../../src/core/store.ts';
import { StoreTime } from '../../../src/core/store-time.ts';
import { createMemoryStore, MemoryState } from '../../../src/stores/memory/index.ts';
import { countingBytes } from './fixtures.ts';

const GRACE = 900_000;
const declaredKey: DeclaredKey = {
  name: 'shop',
  key: 'declared-key-of-the-shop-1',
  scopes: ['credential:read'],
  accounts: ['*'],
  kinds: null,
  cidrs: null,
  callsPerMinute: null,
  expiresAt: null,
  sealed: false,
};

let now: number;
let state: MemoryState;
let lookups: string[];
/** Lookups that are held back; null: none is. */
let held: (() => void)[] | null;

/** What happens between one's reading of a key and its writing; once. */
let meanwhile: (() => Promise<unknown>) | null;

/** The directory, with its lookups by digest counted and, on demand, held back. */
function watched(directory: Directory): Directory {
  return new Proxy(directory, {
    get(target, name) {
      if (name === 'key' && meanwhile !== null) {
        return async (id: string) => {
          const found = await target.key(id);
          const other = meanwhile;
          meanwhile = null;
          await other?.();
          return found;
        };
      }
      if (name !== 'keyByDigest') return Reflect.get(target, name).bind(target);
      return async (digest: string) => {
        lookups.push(digest);
        const found = await target.keyByDigest(digest);
        if (held !== null) await new Promise<void>((resolve) => held?.push(resolve));
        return found;
      };
    },
  });
}

function node(overrides: Partial<KeysDeps> = {}): { keys: Keys; directory: Directory } {
  const { directory } = createMemoryStore({ now: () => now, state });
  const clock = { monotonic: () => now, wall: () => now, sleep: () => new Promise<void>(() => undefined) };
  const events = new EventBus();
  const keys = new Keys({
    directory: watched(directory),
    digest: (key) => createHash('sha256').update(key).digest('hex'),
    time: new StoreTime(clock, async () => now, events),
    events,
    randomBytes: countingBytes(),
    declared: [declaredKey],
    cacheSize: 100,
    graceMs: GRACE,
    ...overrides,
  });
  return { keys, directory };
}

beforeEach(() => {
  now = 1_700_000_000_000;
  state = new MemoryState();
  lookups = [];
  held = null;
  meanwhile = null;
});

const input = { name: 'reader', scopes: ['credential:read'], accounts: ['*'] } as const;

describe('finding keys', () => {
  test('a new key is found, then known at once, and its text is stored nowhere', async () => {
    const { keys, directory } = node();
    const { key, record } = await keys.create(input, 'cli');
    expect(keys.cached(key)).toBeUndefined();
    expect((await keys.find(key))?.id).toBe(record.id);
    expect(keys.cached(key)?.id).toBe(record.id);
    expect(lookups).toHaveLength(1);
    const stored = JSON.stringify([await directory.keys({ after: null, limit: 10 }), await directory.audit({ before: null, limit: 10 })]);
    expect(stored).not.toContain(key.slice(3, 20));
  });

  test('a hundred callers at once cost one lookup', async () => {
    const { keys } = node();
    const { key, record } = await keys.create(input, 'cli');
    const found = await Promise.all(Array.from({ length: 100 }, () => keys.find(key)));
    expect(found.every((one) => one?.id === record.id)).toBe(true);
    expect(lookups).toHaveLength(1);
  });

  test('memory is believed while the store is heard of, then for its time and no longer', async () => {
    const { keys } = node();
    const { key } = await keys.create(input, 'cli');
    await keys.find(key);
    now += 2 * GRACE;
    keys.upToDate(now - 1000);
    expect(keys.cached(key)).toBeDefined();
    now += GRACE - 1000;
    expect(keys.cached(key)).toBeDefined();
    now += 1;
    expect(keys.cached(key)).toBeUndefined();
    await keys.find(key);
    now += GRACE;
    expect(keys.cached(key)).toBeDefined();
    expect(lookups).toHaveLength(2);
  });

  test('an unknown key is asked for once per five seconds; a malformed one never', async () => {
    const { keys } = node();
    for (let i = 0; i < 50; i += 1) expect(await keys.find('an-unknown-key-of-24-chars')).toBeNull();
    expect(lookups).toHaveLength(1);
    now += 5001;
    await keys.find('an-unknown-key-of-24-chars');
    expect(lookups).toHaveLength(2);
    for (const bad of ['', 'short', 'x'.repeat(10_000), `zk_${'\0'.repeat(40)}`, 'with space and quite long enough']) await keys.find(bad);
    expect(lookups).toHaveLength(2);
  });

  test('a flood of unknown keys reaches the store a few at a time, and is refused beyond the line', async () => {
    const { keys } = node();
    held = [];
    const flood = Array.from({ length: 2000 }, (_, i) => keys.find(`garbage-key-number-${String(i).padStart(8, '0')}`));
    const outcomes = Promise.allSettled(flood);
    await new Promise(setImmediate);
    expect(lookups).toHaveLength(16);
    const waiting = held;
    held = null;
    for (const letGo of waiting) letGo();
    const settled = await outcomes;
    expect(settled.filter(({ status }) => status === 'fulfilled')).toHaveLength(1016);
    expect(settled.at(-1)).toMatchObject({ status: 'rejected', reason: { code: 'rate_limited' } });
    // The line is free again.
    await expect(keys.find('garbage-key-number-afterwards')).resolves.toBeNull();
  });

  test('made or revoked elsewhere: right after the word of it', async () => {
    const here = node();
    const there = node({ randomBytes: countingBytes() });
    const { key, record } = await there.keys.create(input, 'cli');
    expect(await here.keys.find(key)).not.toBeNull();
    await there.keys.revoke(record.id, 'cli');
    expect(here.keys.cached(key)?.revokedAt).toBeNull();
    here.keys.drop(record.id);
    expect((await here.keys.find(key))?.revokedAt).not.toBeNull();
  });

  test('unknown a moment ago and made elsewhere since: known right after the word of it', async () => {
    const here = node();
    const there = node();
    // The same bytes make the same key, so its text is known beforehand.
    const { key } = await node({ directory: watched(createMemoryStore({ now: () => now }).directory) }).keys.create(input, 'cli');
    expect(await here.keys.find(key)).toBeNull();
    const made = await there.keys.create(input, 'cli');
    expect(made.key).toBe(key);
    here.keys.drop(made.record.id);
    expect((await here.keys.find(key))?.id).toBe(made.record.id);
  });

  test('a lookup that a revocation overtook is not remembered, and nobody joins it any more', async () => {
    const { keys } = node();
    const { key, record } = await keys.create(input, 'cli');
    held = [];
    const slow = keys.find(key);
    await new Promise(setImmediate);
    const [letGo] = held;
    held = null;
    await keys.revoke(record.id, 'cli');
    const after = keys.find(key);
    letGo?.();
    expect((await slow)?.revokedAt).toBeNull();
    expect((await after)?.revokedAt).not.toBeNull();
    expect(keys.cached(key)?.revokedAt).not.toBeNull();
  });
});

describe('changing keys', () => {
  test('names are unique among living keys, declared ones included', async () => {
    const { keys } = node();
    const { record } = await keys.create(input, 'cli');
    await expect(keys.create(input, 'cli')).rejects.toMatchObject({ code: 'conflict' });
    await expect(keys.create({ ...input, name: 'shop' }, 'cli')).rejects.toMatchObject({ code: 'conflict' });
    await keys.revoke(record.id, 'cli');
    await expect(keys.create(input, 'cli')).resolves.toBeDefined();
  });

  test('what makes no sense is refused', async () => {
    const { keys } = node();
    const bad = { code: 'invalid_request' };
    await expect(keys.create({ ...input, scopes: ['admin'], accounts: ['wx1'] }, 'cli')).rejects.toMatchObject(bad);
    await expect(keys.create({ ...input, scopes: ['admin'], sealed: true }, 'cli')).rejects.toMatchObject(bad);
    await expect(keys.create({ ...input, expiresAt: now }, 'cli')).rejects.toMatchObject(bad);
    const { record } = await keys.create(input, 'cli');
    await expect(keys.update(record.id, { scopes: ['admin'], accounts: ['wx1'] }, 'cli')).rejects.toMatchObject(bad);
  });

  test('an update takes effect here at once; a revoked key stays revoked', async () => {
    const { keys } = node();
    const { key, record } = await keys.create(input, 'cli');
    await keys.find(key);
    await keys.update(record.id, { accounts: ['wx1'] }, 'cli');
    expect((await keys.find(key))?.accounts).toEqual(['wx1']);
    await keys.revoke(record.id, 'cli');
    const first = (await keys.get(record.id))?.revokedAt;
    now += 1000;
    await keys.revoke(record.id, 'cli');
    expect((await keys.get(record.id))?.revokedAt).toBe(first);
    await expect(keys.update(record.id, { accounts: ['*'] }, 'cli')).rejects.toMatchObject({ code: 'conflict' });
    await expect(keys.revoke('k_nobody', 'cli')).rejects.toMatchObject({ code: 'not_found' });
  });

  test('a change that a revocation overtook does not undo it', async () => {
    const { keys, directory } = node();
    const { record } = await keys.create(input, 'cli');
    meanwhile = () => keys.revoke(record.id, 'cli');
    await expect(keys.update(record.id, { sealed: true }, 'cli')).rejects.toMatchObject({
      code: 'conflict',
      message: 'this key was revoked',
    });
    expect(await directory.key(record.id)).toMatchObject({ revokedAt: now, sealed: false });
  });

  test('two changes at once are both made', async () => {
    const { keys, directory } = node();
    const { record } = await keys.create(input, 'cli');
    meanwhile = () => keys.update(record.id, { callsPerMinute: 60 }, 'cli');
    expect(await keys.update(record.id, { sealed: true }, 'cli')).toMatchObject({ sealed: true, callsPerMinute: 60 });
    expect(await directory.key(record.id)).toEqual(await keys.get(record.id));
    expect(await keys.get(record.id)).toMatchObject({ sealed: true, callsPerMinute: 60, revision: 3 });
  });

  test('a revocation that a change overtook is made all the same', async () => {
    const { keys, directory } = node();
    const { record } = await keys.create(input, 'cli');
    meanwhile = () => keys.update(record.id, { callsPerMinute: 60 }, 'cli');
    await keys.revoke(record.id, 'cli');
    expect(await directory.key(record.id)).toMatchObject({ revokedAt: now, callsPerMinute: 60 });
  });

  test('a key that changes without an end is a conflict, and what others wrote stays', async () => {
    const { keys, directory } = node();
    const { record } = await keys.create(input, 'cli');
    let rate = 0;
    const other = async (): Promise<void> => {
      const stored = await directory.key(record.id);
      if (stored) await directory.putKey({ ...stored, callsPerMinute: (rate += 1) });
      meanwhile = other;
    };
    meanwhile = other;
    const changing = keys.update(record.id, { sealed: true }, 'cli');
    await expect(changing).rejects.toMatchObject({ code: 'conflict', message: 'the key changed meanwhile' });
    meanwhile = null;
    expect(await directory.key(record.id)).toMatchObject({ sealed: false, callsPerMinute: rate });
  });

  test('a key whose name was declared later can still be revoked', async () => {
    const { record } = await node({ declared: [] }).keys.create({ ...input, name: declaredKey.name }, 'cli');
    expect((await node().keys.revoke(record.id, 'cli')).revokedAt).toBe(now);
  });

  test('every change is in the audit trail, with its actor', async () => {
    const { keys, directory } = node();
    const { record } = await keys.create(input, 'key:k_admin');
    await keys.update(record.id, { accounts: ['wx1'] }, 'cli');
    await keys.revoke(record.id, 'cli');
    const trail = await directory.audit({ before: null, limit: 10 });
    expect(trail.map(({ action, actor, subject }) => [action, actor, subject])).toEqual([
      ['key.revoked', 'cli', record.id],
      ['key.updated', 'cli', record.id],
      ['key.created', 'key:k_admin', record.id],
    ]);
  });
});

describe('declared keys', () => {
  test('are found without the store, listed among the others, and read-only', async () => {
    const { keys } = node();
    const { record: stored } = await keys.create(input, 'cli');
    const record = keys.cached(declaredKey.key);
    expect(record?.id).toBe('k_declared_shop');
    expect(lookups).toHaveLength(0);
    const all = await keys.page({ after: null, limit: 10 });
    expect(all.map(({ id }) => id).sort()).toEqual([stored.id, 'k_declared_shop'].sort());
    expect(all.filter(({ id }) => isDeclared(id))).toHaveLength(1);
    await expect(keys.update('k_declared_shop', { accounts: ['wx1'] }, 'cli')).rejects.toMatchObject({ code: 'conflict' });
    await expect(keys.revoke('k_declared_shop', 'cli')).rejects.toMatchObject({ code: 'conflict' });
    expect(JSON.stringify(all)).not.toContain(declaredKey.key);
  });

  test('pages go through stored and declared ones without loss or repetition', async () => {
    const { keys } = node();
    for (let i = 0; i < 7; i += 1) await keys.create({ ...input, name: `reader-${i}` }, 'cli');
    const seen: string[] = [];
    for (let after: string | null = null; ; ) {
      const page = await keys.page({ after, limit: 3 });
      if (page.length === 0) break;
      seen.push(...page.map(({ id }) => id));
      after = page.at(-1)?.id ?? null;
    }
    expect(seen).toEqual([...new Set(seen)].sort());
    expect(seen).toHaveLength(8);
  });

  test('with a network that is none stop the start', () => {
    expect(() => node({ declared: [{ ...declaredKey, cidrs: ['fe80::1%eth0/64'] }] })).toThrow(/cidrs/);
  });
});

describe('the admin key', () => {
  test('is set once, and replaced by another', async () => {
    const { keys } = node();
    expect(await keys.putAdmin('the-first-admin-key-of-all', 'config')).toBe(true);
    expect(await keys.putAdmin('the-first-admin-key-of-all', 'config')).toBe(false);
    expect((await keys.find('the-first-admin-key-of-all'))?.scopes).toEqual(['admin']);
    expect(await keys.putAdmin('the-second-admin-key-of-all', 'config')).toBe(true);
    expect(await keys.find('the-first-admin-key-of-all')).toBeNull();
    expect((await keys.find('the-second-admin-key-of-all'))?.id).toBe('k_admin');
  });

  test('replaced without a word of it: the former goes as soon as the new one is seen', async () => {
    const here = node();
    const there = node();
    await there.keys.putAdmin('the-first-admin-key-of-all', 'config');
    await here.keys.find('the-first-admin-key-of-all');
    await there.keys.putAdmin('the-second-admin-key-of-all', 'config');
    await here.keys.find('the-second-admin-key-of-all');
    expect(here.keys.cached('the-first-admin-key-of-all')).toBeUndefined();
  });

  test('comes back after its revocation only by being set', async () => {
    const { keys } = node();
    await keys.putAdmin('the-first-admin-key-of-all', 'config');
    await keys.revoke('k_admin', 'cli');
    expect(await keys.createFirstAdmin('another-admin-key-of-all', 'system')).toBe(false);
    expect((await keys.get('k_admin'))?.revokedAt).toBe(now);
    expect(await keys.putAdmin('the-first-admin-key-of-all', 'config')).toBe(true);
    expect((await keys.find('the-first-admin-key-of-all'))?.revokedAt).toBeNull();
  });

  test('set by two at once: both are content, and the trail has the one that did it', async () => {
    const { keys, directory } = node();
    meanwhile = () => keys.putAdmin('the-first-admin-key-of-all', 'config');
    expect(await keys.putAdmin('the-first-admin-key-of-all', 'config')).toBe(false);
    expect(await directory.audit({ before: null, limit: 10 })).toHaveLength(1);
  });

  test('the first one is made by one of many, and its text is that one’s', async () => {
    const nodes = Array.from({ length: 10 }, () => node().keys);
    const made = await Promise.all(nodes.map((keys, index) => keys.createFirstAdmin(`first-admin-key-of-node-${index}`, 'system')));
    expect(made.filter((is) => is)).toHaveLength(1);
    expect((await node().keys.find(`first-admin-key-of-node-${made.indexOf(true)}`))?.id).toBe('k_admin');
    expect(await nodes[0]?.createFirstAdmin('one-more-first-admin-key', 'system')).toBe(false);
  });

  test('the first one says so when another key has its name', async () => {
    const { keys } = node();
    await keys.create({ ...input, name: 'admin' }, 'cli');
    await expect(keys.createFirstAdmin('the-first-admin-key-of-all', 'system')).rejects.toMatchObject({ code: 'conflict' });
  });

  test('cannot be given other scopes, and must have the form of a key', async () => {
    const { keys } = node();
    await keys.putAdmin('the-first-admin-key-of-all', 'config');
    await expect(keys.update('k_admin', { scopes: ['metrics'] }, 'cli')).rejects.toMatchObject({ code: 'conflict' });
    await expect(keys.putAdmin('short', 'config')).rejects.toMatchObject({ code: 'invalid_request' });
  });
});
