// The rotation of the master key: cut off at every step, beside others who write, and with the wrong keys.
// Length: one installation, and one way to find it whole, serve all of these.
import { mkdtempSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readKeyFile } from '../../../src/adapters/key-file.ts';
import { decodeRecord, encodeRecord } from '../../../src/core/codec.ts';
import { emptyRecord } from '../../../src/core/credential.ts';
import { secretContext } from '../../../src/core/seal.ts';
import { changeStanding, readStanding } from '../../../src/core/standing.ts';
import type { Store } from '../../../src/core/store.ts';
import {
  assertNoRotation,
  BELIEVED_MS,
  checksOf,
  KEYS_IN_USE,
  type MasterKeySource,
  openMasterKeys,
} from '../../../src/hosts/master-key.ts';
import { rotateMasterKey } from '../../../src/hosts/master-key-rotation.ts';
import { moveStore } from '../../../src/hosts/moving/move.ts';
import { createMemoryStore, MemoryState } from '../../../src/stores/memory/index.ts';
import { HurriedClock } from '../../helpers/hurried-clock.ts';

const ACCOUNTS = 3;
const idOf = (account: string) => ({ account, kind: 'access_token', chain: 'stable' });
const name = (index: number) => `wx${index}`;
const secretOf = (account: string) => `secret of ${account}`;

let folder: string;
let state: MemoryState;
let clock: HurriedClock;
let source: MasterKeySource;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'zhongkong-rotation-'));
  state = new MemoryState();
  clock = new HurriedClock();
  source = { masterKey: null, masterKeyFile: join(folder, 'master-key') };
});
afterEach(() => rmSync(folder, { recursive: true }));

const open = (): Store => createMemoryStore({ now: () => clock.wall(), state });
const newest = (): Buffer => readKeyFile(source.masterKeyFile ?? '')?.[0] as Buffer;

/** Where keys are given instead of a file, the new one is the first of them. */
async function rotate(store = open(), from = source) {
  const keys = await openMasterKeys(from, store.directory);
  return rotateMasterKey({ keys, ownKeyFile: from.masterKeyFile, store, clock, holder: 'rotation', progress: () => undefined });
}

const record = (account: string) => {
  const credential = (value: string) => ({ value, fingerprint: 'f', issuedAt: 1, expiresAt: 2 });
  const current = credential(`current of ${account}`);
  return { ...emptyRecord(idOf(account)), generation: 7, saves: 9, current, previous: { ...credential('previous'), diesAt: 3 } };
};

/** As servers have left it, under the key that `source` has now. */
async function fill(): Promise<{ digest: string }> {
  const { directory, credentials } = open();
  const { seal, digest } = await openMasterKeys(source, directory);
  for (let index = 0; index < ACCOUNTS; index += 1) {
    const id = name(index);
    const rest = { parent: '', mode: 'stable', secretRevision: 1, secretFingerprints: ['f'], note: '', declaration: '' };
    const sealedSecrets = [seal.seal(secretOf(id), secretContext(id)), seal.seal('fallback', secretContext(id))];
    const account = { id, appId: id, platform: 'official-account', enabled: true, createdAt: 1, updatedAt: 1, revision: 0, ...rest };
    expect(await directory.putAccount({ ...account, sealedSecrets })).toBe('written');
    const acquired = await credentials.acquire(idOf(id), 'server', 1000);
    if (!('lease' in acquired)) throw new Error('held');
    const body = encodeRecord(record(id), seal);
    await credentials.write(acquired.lease, { generation: 7, nextAttemptAt: 1000 + index, body }, { release: true });
  }
  return { digest: digest('zk_some_key') };
}

/** Everything opens for a server that starts now, and is what it was. */
async function expectWhole(digest: string, keys: MasterKeySource = source): Promise<void> {
  const { directory, credentials } = open();
  const opened = await openMasterKeys(keys, directory);
  expect(opened.digest('zk_some_key')).toBe(digest);
  for (let index = 0; index < ACCOUNTS; index += 1) {
    const id = name(index);
    const account = await directory.account(id);
    expect(account?.sealedSecrets.map((sealed) => opened.seal.open(sealed, secretContext(id)))).toEqual([secretOf(id), 'fallback']);
    const stored = await credentials.read(idOf(id));
    expect(stored).toMatchObject({ generation: 7, nextAttemptAt: 1000 + index });
    expect(decodeRecord(idOf(id), stored?.body ?? '', opened.seal)).toEqual(record(id));
  }
}

const only = (key: Buffer): MasterKeySource => ({ masterKey: key.toString('base64'), masterKeyFile: null });

class Crash extends Error {}

/** A store of a process that is killed at its `at`th call: before it is carried out, or right after. */
function dying(at: number, after: boolean): { store: Store; died: () => boolean } {
  let calls = 0;
  const wrap = <T extends object>(port: T): T =>
    new Proxy(port, {
      get(target, method) {
        const member: unknown = Reflect.get(target, method, target);
        if (typeof member !== 'function') return member;
        return async (...args: unknown[]) => {
          calls += 1;
          if (calls > at || (calls === at && !after)) throw new Crash();
          const result: unknown = await Reflect.apply(member, target, args);
          if (calls >= at) throw new Crash();
          return result;
        };
      },
    });
  const inner = open();
  const store = { ...inner, credentials: wrap(inner.credentials), directory: wrap(inner.directory) };
  return { store, died: () => calls >= at };
}

describe('a rotation', () => {
  test('seals everything anew, and the former key is of no use any more', async () => {
    const { digest } = await fill();
    const former = newest();
    const result = await rotate();
    expect(result).toMatchObject({ accounts: ACCOUNTS, credentials: ACCOUNTS });
    expect(result.from).not.toBe(result.to);
    await expectWhole(digest);
    await expectWhole(digest, only(newest()));
    await expect(openMasterKeys(only(former), open().directory)).rejects.toMatchObject({ code: 'unseal_failed' });
    expect(JSON.stringify([...state.accounts, ...state.rows, ...state.settings])).not.toContain(`v1.${result.from}`);
    expect(readKeyFile(source.masterKeyFile ?? '')).toHaveLength(1);
    // Never destroyed: another store or a backup may need it.
    const aside = `master-key.former-${result.from}`;
    expect(readdirSync(folder)).toEqual(['master-key', aside]);
    expect(result.formerKeyFiles).toEqual([join(realpathSync(folder), aside)]);
    expect(readKeyFile(join(folder, aside))).toEqual([former]);
    const trail = state.audit.map(({ action, data }) => [action, data]);
    expect(trail).toEqual([
      ['master_key.rotation_started', { from: result.from, to: result.to }],
      ['master_key.rotated', { to: result.to, accounts: ACCOUNTS, credentials: ACCOUNTS }],
    ]);
  });

  test('a second and a third one go the same way, and digests stay what they were', async () => {
    const { digest } = await fill();
    const results = [await rotate(), await rotate(), await rotate()];
    expect(new Set(results.map(({ to }) => to)).size).toBe(3);
    await expectWhole(digest, only(newest()));
  });

  test.each([false, true])('cut off at any call to the store (carried out: %s), it loses nothing and is finished later', async (after) => {
    const { digest } = await fill();
    let crashes = 0;
    for (let at = 1; ; at += 1) {
      const { store, died } = dying(at, after);
      const before = newest();
      const ended = await rotate(store).then(
        () => 'done',
        (error: unknown) => (error instanceof Crash ? 'crashed' : error),
      );
      await expectWhole(digest);
      // A lease of the process that died runs out.
      await clock.sleep(60_000);
      if (!died()) {
        expect(ended).toBe('done');
        break;
      }
      expect(ended).toBe('crashed');
      crashes += 1;
      const begun = checksOf(state.settings.get(KEYS_IN_USE) ?? null);
      const { to } = await rotate();
      // One that was begun is finished, not begun anew.
      if (begun.length > 1)
        expect((await openMasterKeys(source, open().directory)).ring.current).toMatchObject({ id: to, check: begun[0] });
      expect(newest().equals(before)).toBe(false);
      await expectWhole(digest, only(newest()));
      expect(readKeyFile(source.masterKeyFile ?? '')).toHaveLength(1);
    }
    expect(crashes).toBeGreaterThan(30);
  });

  test('one that others have overtaken, the next rotation included, leaves off', async () => {
    const { digest } = await fill();
    const [one, two] = [1, 2].map((byte) => Buffer.alloc(32, byte).toString('base64'));
    const former = newest().toString('base64');
    const given = (...keys: readonly unknown[]): MasterKeySource => ({ masterKey: keys.join(','), masterKeyFile: null });
    let isOvertaken = false;
    clock.meanwhile = async () => {
      if (isOvertaken) return;
      isOvertaken = true;
      await rotate(open(), given(one, former));
      await rotate(open(), given(two, one));
    };
    await expect(rotate(open(), given(one, former))).rejects.toMatchObject({ code: 'conflict' });
    await expectWhole(digest, given(two));
  });

  test('two stores with one key file: the one that was not changed opens with what was set aside', async () => {
    const { digest } = await fill();
    const one = state;
    state = new MemoryState();
    const other = await fill();
    const { formerKeyFiles } = await rotate();
    await expectWhole(other.digest);
    state = one;
    await expect(openMasterKeys(source, open().directory)).rejects.toMatchObject({ advice: { en: expect.stringContaining('.former-') } });
    await expectWhole(digest, { masterKey: null, masterKeyFile: formerKeyFiles[0] ?? '' });
  });

  test('two at once end with one key', async () => {
    const { digest } = await fill();
    const results = await Promise.allSettled([rotate(), rotate()]);
    expect(results.some(({ status }) => status === 'fulfilled')).toBe(true);
    for (const result of results) if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'conflict' });
    await expectWhole(digest);
    await rotate();
    await expectWhole(digest, only(newest()));
  });
});

describe('beside others', () => {
  test('a change of an account wins, and is sealed anew in the next pass', async () => {
    await fill();
    const former = await openMasterKeys(source, open().directory);
    const { directory } = open();
    // In each of the first passes: the last of them begins when all servers should have noticed.
    let changes = 0;
    const store = open();
    const racing: Store = {
      ...store,
      directory: new Proxy(store.directory, {
        get(target, method) {
          const member: unknown = Reflect.get(target, method, target);
          if (method !== 'putAccount' || typeof member !== 'function') return typeof member === 'function' ? member.bind(target) : member;
          return async (account: { readonly id: string }) => {
            const now = await directory.account(name(1));
            if (changes < 3 && now && account.id === name(1)) {
              changes += 1;
              // By a server that has not heard of the new key yet.
              const sealedSecrets = [former.seal.seal('changed', secretContext(name(1)))];
              expect(await directory.putAccount({ ...now, sealedSecrets, note: 'changed' })).toBe('written');
            }
            return Reflect.apply(member, target, [account]) as unknown;
          };
        },
      }),
    };
    await rotate(racing);
    expect(changes).toBe(3);
    const account = await directory.account(name(1));
    expect(account).toMatchObject({ note: 'changed' });
    const { seal } = await openMasterKeys(only(newest()), directory);
    expect(seal.open(account?.sealedSecrets[0] ?? '', secretContext(name(1)))).toBe('changed');
  });

  test('a commit of a holder who sealed under the former key is waited for, and a late one is refused', async () => {
    const { digest } = await fill();
    const former = await openMasterKeys(source, open().directory);
    const { credentials } = open();
    const acquired = await credentials.acquire(idOf(name(0)), 'server', 30_000);
    if (!('lease' in acquired)) throw new Error('held');
    const body = encodeRecord(record(name(0)), former.seal);
    const write = () => credentials.write(acquired.lease, { generation: 7, nextAttemptAt: 1000, body }, { release: true });
    let landed: string | null = null;
    clock.meanwhile = async () => {
      if (landed === null && clock.monotonic() > 2000) landed = await write();
    };
    expect((await rotate()).credentials).toBe(ACCOUNTS);
    expect(landed).toBe('committed');
    expect(await write()).toBe('stale');
    await expectWhole(digest, only(newest()));
  });

  test('what a server seals under the former key until it has noticed is sealed anew as well', async () => {
    await fill();
    const { directory } = open();
    const server = await openMasterKeys(source, directory);
    let late = false;
    clock.meanwhile = async (ms) => {
      if (late || ms < 5000) return;
      late = true;
      const account = await directory.account(name(1));
      const sealedSecrets = [server.seal.seal('late', secretContext(name(1)))];
      if (account) await directory.putAccount({ ...account, sealedSecrets });
    };
    expect((await rotate()).accounts).toBe(ACCOUNTS + 1);
    const account = await directory.account(name(1));
    const { seal } = await openMasterKeys(only(newest()), directory);
    expect(seal.open(account?.sealedSecrets[0] ?? '', secretContext(name(1)))).toBe('late');
  });

  test('a lease that ran out is still a takeover for its next holder', async () => {
    const { digest } = await fill();
    const { credentials } = open();
    await credentials.acquire(idOf(name(0)), 'killed', 1000);
    await clock.sleep(2000);
    await rotate();
    await clock.sleep(60_000);
    const next = await credentials.acquire(idOf(name(0)), 'server', 1000);
    const other = await credentials.acquire(idOf(name(1)), 'server', 1000);
    expect(['lease' in next && next.lease.takenOver, 'lease' in other && other.lease.takenOver]).toEqual([true, false]);
    await expectWhole(digest, only(newest()));
  });

  test('a server hears of the new key while it runs, and what it seals from then on is under it', async () => {
    await fill();
    const server = await openMasterKeys(source, open().directory);
    const before = server.ring.current.id;
    expect(await server.follow()).toBe(false);
    let sealedMeanwhile = '';
    clock.meanwhile = async () => {
      if (sealedMeanwhile !== '') return;
      // Opened although nobody has told it of the key.
      const account = await open().directory.account(name(2));
      expect(server.seal.open(account?.sealedSecrets[0] ?? '', secretContext(name(2)))).toBe(secretOf(name(2)));
      expect(await server.follow()).toBe(true);
      sealedMeanwhile = server.seal.seal('x', 'c');
    };
    const { to } = await rotate();
    expect(server.ring.current.id).toBe(to);
    expect(to).not.toBe(before);
    expect((await openMasterKeys(only(newest()), open().directory)).seal.open(sealedMeanwhile, 'c')).toBe('x');
  });
});

describe('a store that is not settled', () => {
  const since = 1;
  const moving = { state: 'moving', since, run: 'r', to: 'elsewhere', was: 'active' } as const;
  test.each([
    moving,
    { ...moving, state: 'moved' },
    { state: 'filling', since, run: 'r' },
    { state: 'dormant', since, marked: false },
  ] as const)('$state: nothing is changed', async (standing) => {
    const { digest } = await fill();
    const { directory } = open();
    await changeStanding(directory, await readStanding(directory), standing);
    const [before, key] = [state.settings.get(KEYS_IN_USE), newest()];
    await expect(rotate()).rejects.toMatchObject({ code: 'conflict', message: expect.stringContaining('being moved or restored') });
    expect([state.settings.get(KEYS_IN_USE), newest()]).toEqual([before, key]);
    await expectWhole(digest);
  });

  test('a restored copy that is wholly marked can have another key', async () => {
    const { digest } = await fill();
    const { directory } = open();
    await changeStanding(directory, await readStanding(directory), { state: 'dormant', since, marked: true });
    await rotate();
    await expectWhole(digest, only(newest()));
  });

  test('a move that begins during a rotation: both leave off, and the former key is kept', async () => {
    const { digest } = await fill();
    const former = newest();
    const { directory } = open();
    let refused: unknown = null;
    clock.meanwhile = async () => {
      if (refused !== null) return;
      await changeStanding(directory, await readStanding(directory), moving);
      refused = await assertNoRotation(directory, 'here').catch((error: unknown) => error);
    };
    await expect(rotate()).rejects.toMatchObject({ code: 'conflict' });
    expect(refused).toMatchObject({ code: 'conflict', message: 'the master key of here is being changed' });
    expect(readKeyFile(source.masterKeyFile ?? '')).toContainEqual(former);
    await expectWhole(digest);
  });
});

test('a store whose rotation was cut off is not moved, and goes on as it was', async () => {
  const { digest } = await fill();
  await rotate(dying(20, true).store).catch(() => undefined);
  expect(checksOf(state.settings.get(KEYS_IN_USE) ?? null)).toHaveLength(2);
  const pace = {
    now: () => clock.monotonic(),
    sleep: (ms: number) => clock.sleep(ms),
    assertGoingOn: () => undefined,
    wrote: () => undefined,
  };
  const target = { store: createMemoryStore({ now: () => clock.wall() }), place: 'there' };
  const move = () => moveStore({ source: { store: open(), place: 'here' }, target, run: 'r', pace });
  await expect(move()).rejects.toMatchObject({ code: 'conflict', message: 'the master key of here is being changed' });
  expect((await readStanding(open().directory)).standing.state).toBe('active');
  await expectWhole(digest);
  await clock.sleep(60_000);
  await rotate();
  expect(await move()).toMatchObject({ census: { accounts: ACCOUNTS } });
});

describe('a server that hears nothing', () => {
  test('was cut off for the whole rotation: it asks before it seals, and not again as long as the answer is believed', async () => {
    await fill();
    let asked = 0;
    const { directory } = open();
    const counting = new Proxy(directory, {
      get: (target, method) => {
        if (method === 'setting') asked += 1;
        return (Reflect.get(target, method, target) as () => unknown).bind(target);
      },
    });
    const server = await openMasterKeys(source, counting, clock);
    const { to } = await rotate();
    asked = 0;
    await server.beforeSealing();
    await clock.sleep(BELIEVED_MS - 1);
    await server.beforeSealing();
    expect([server.ring.current.id, asked]).toEqual([to, 1]);
    await clock.sleep(1);
    await server.beforeSealing();
    expect(asked).toBe(2);
  });

  test('an answer that took longer than it is believed is none', async () => {
    await fill();
    const { directory } = open();
    const slow = new Proxy(directory, {
      get: (target, method) => async (name: string) => {
        if (method !== 'setting') throw new Error('not asked for');
        const value = await target.setting(name);
        await clock.sleep(BELIEVED_MS);
        return value;
      },
    });
    const server = await openMasterKeys(source, slow, clock);
    await expect(server.beforeSealing()).rejects.toMatchObject({ code: 'store_unavailable' });
  });

  test('what it sealed at the last moment and what landed at the last moment is sealed anew', async () => {
    await fill();
    const { directory } = open();
    const server = await openMasterKeys(source, directory, clock);
    const late = { sealed: '', at: 0, landed: false };
    clock.meanwhile = async (ms) => {
      // Everything that happens while the rotation sleeps, in order.
      if (late.sealed === '') {
        late.sealed = server.seal.seal('late', secretContext(name(1)));
        late.at = clock.monotonic() + BELIEVED_MS + 30_000 - 1;
      }
      if (late.landed || clock.monotonic() + ms < late.at) return;
      late.landed = true;
      const account = await directory.account(name(1));
      if (account) await directory.putAccount({ ...account, sealedSecrets: [late.sealed] });
    };
    await rotate();
    expect(late.landed).toBe(true);
    const account = await directory.account(name(1));
    const { seal } = await openMasterKeys(only(newest()), directory);
    expect(seal.open(account?.sealedSecrets[0] ?? '', secretContext(name(1)))).toBe('late');
  });
});

describe('keys that the operator gives', () => {
  const [ONE, TWO] = [1, 2].map((byte) => Buffer.alloc(32, byte).toString('base64')) as [string, string];
  const given = (masterKey: string): MasterKeySource => ({ masterKey, masterKeyFile: null });

  test('both are given, the new one first: it seals once the rotation says so, for every node', async () => {
    source = given(ONE);
    const { digest } = await fill();
    const both = given(`${TWO},${ONE}`);
    const node = await openMasterKeys(both, open().directory);
    await expectWhole(digest, both);
    expect(node.ring.current.id).not.toBe(node.ring.first.id);
    const { from, to, accounts } = await rotate(open(), both);
    expect({ from, to, accounts }).toEqual({ from: node.ring.current.id, to: node.ring.first.id, accounts: ACCOUNTS });
    expect(await node.follow()).toBe(true);
    await expectWhole(digest, given(TWO));
    // Once more, before the former one is taken away: nothing is left.
    expect(await rotate(open(), both)).toEqual({ from: null, to, accounts: 0, credentials: 0, formerKeyFiles: [] });
    expect(await rotate(open(), given(TWO)).catch((error: unknown) => error)).toMatchObject({ code: 'config_invalid' });
  });

  test('without a new one nothing is changed, and it is said how to make one', async () => {
    source = given(ONE);
    const { digest } = await fill();
    await expect(rotate(open(), source)).rejects.toMatchObject({
      code: 'config_invalid',
      message: 'there is no new master key to change to',
      advice: { en: expect.stringContaining('openssl rand'), zh: expect.stringContaining('openssl rand') },
    });
    await expectWhole(digest);
    expect(state.audit).toEqual([]);
  });

  test('whoever gives up before anything was sealed with the new key needs it no more', async () => {
    source = given(ONE);
    const { digest } = await fill();
    for (let at = 1; ; at += 1) {
      const before = state.settings.get(KEYS_IN_USE);
      await rotate(dying(at, true).store, given(`${TWO},${ONE}`)).catch(() => undefined);
      if (state.settings.get(KEYS_IN_USE) !== before) return expect(at).toBeGreaterThan(3);
      await expectWhole(digest, given(ONE));
    }
  });

  test('a node without the new key says so once it seals, and without the former one while it is replaced', async () => {
    source = given(ONE);
    await fill();
    const lagging = await openMasterKeys(source, open().directory);
    clock.meanwhile = async () => {
      await expect(lagging.follow()).rejects.toMatchObject({ code: 'unseal_failed' });
      await expect(openMasterKeys(given(TWO), open().directory)).rejects.toMatchObject({
        code: 'unseal_failed',
        message: "the store's master key is being changed, and one of the two keys is not known here",
      });
    };
    await rotate(open(), given(`${TWO} ${ONE}`));
    await expect(lagging.follow()).rejects.toMatchObject({ message: expect.stringContaining('not the one that this store') });
  });

  test('something that no key opens stops it before the former key is given up', async () => {
    source = given(ONE);
    await fill();
    const { directory } = open();
    const broken = await directory.account(name(1));
    if (broken) await directory.putAccount({ ...broken, sealedSecrets: ['v1.00000000.AAAA'] });
    await expect(rotate(open(), given(`${TWO} ${ONE}`))).rejects.toMatchObject({
      code: 'unseal_failed',
      message: expect.stringMatching(/opens what is stored for: wx1;/),
    });
    expect((await openMasterKeys(given(`${TWO} ${ONE}`), directory)).ring.current.id).toBeTruthy();
    await expect(openMasterKeys(given(TWO), directory)).rejects.toMatchObject({ code: 'unseal_failed' });
    await directory.removeAccount(name(1));
    expect(await rotate(open(), given(`${TWO} ${ONE}`))).toMatchObject({ from: null });
    await openMasterKeys(given(TWO), directory);
  });
});
