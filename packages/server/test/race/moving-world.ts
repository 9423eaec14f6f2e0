/** Two memory stores on one clock, a move between them, and how to come between its steps. */

import type { ZhongkongError } from '../../src/core/errors.ts';
import { readStanding } from '../../src/core/standing.ts';
import type { Archive, Store } from '../../src/core/store.ts';
import { moveStore } from '../../src/hosts/moving/move.ts';
import type { Pace } from '../../src/hosts/moving/pace.ts';
import { createMemoryStore } from '../../src/stores/memory/index.ts';
import { aKey, anAccount, credentialId, granted, START } from '../contract/suites/pair.ts';
import { plainSeal } from '../helpers/plain.ts';

export const LEASE_MS = 30_000;
export const ACCOUNTS = 1200;
export const id = (index: number): string => `wx${String(index).padStart(5, '0')}`;
export const write = (generation: number) => ({ generation, nextAttemptAt: START + generation, body: `{"generation":${generation}}` });

/** Time passes when the move waits; `waits` are what others do meanwhile, one after the other. */
export function world() {
  const clock = { now: START };
  const waits: (() => Promise<unknown>)[] = [];
  const store = (): Store => createMemoryStore({ now: () => clock.now });
  const pace: Pace = {
    now: () => clock.now,
    sleep: async (ms) => {
      await waits.shift()?.();
      clock.now += ms;
    },
    assertGoingOn: () => undefined,
    wrote: () => undefined,
  };
  return { clock, waits, pace, store };
}

export async function filled(store: Store): Promise<Store> {
  const { directory, credentials } = store;
  await directory.putSetting('master_key', null, 'check');
  await directory.putSetting('other', null, 'kept');
  for (let index = 0; index < ACCOUNTS; index += 1) {
    await directory.putAccount(anAccount(id(index)));
    const { lease } = granted(await credentials.acquire(credentialId(id(index)), 'server', LEASE_MS));
    await credentials.write(lease, write(1), { release: true });
  }
  await directory.putKey(aKey('k1'));
  await directory.appendAudit([1, 2, 3].map((at) => ({ at, action: 'a.b', actor: 'cli', subject: '', data: {} })));
  return store;
}

export async function setUp() {
  const made = world();
  const source = await filled(made.store());
  const target = made.store();
  const move = (over: Partial<Pace> = {}, run = 'r1') =>
    moveStore({
      source: { store: source, place: 'source' },
      target: { store: target, place: 'target' },
      run,
      pace: { ...made.pace, ...over },
    });
  const state = async (store: Store) => (await readStanding(store.directory)).standing.state;
  const own = { store: source, place: 'source', seal: plainSeal, run: 'u', pace: made.pace };
  return { ...made, source, target, move, state, own };
}

export const rows = async (archive: Archive) => archive.credentials(null, 10_000);

/** A store, one call of which fails or does something first. */
export function tampered<K extends keyof Archive>(store: Store, method: K, before: (count: number) => Promise<void>): Store {
  let count = 0;
  const archive = new Proxy(store.archive, {
    get(real, name) {
      const member: unknown = Reflect.get(real, name, real);
      if (typeof member !== 'function') return member;
      return async (...args: unknown[]): Promise<unknown> => {
        if (name === method) await before((count += 1));
        return Reflect.apply(member, real, args) as unknown;
      };
    },
  });
  return { ...store, archive };
}

export const refusal = (work: Promise<unknown>): Promise<ZhongkongError> =>
  work.then(
    () => Promise.reject(new Error('it was not refused')),
    (error: unknown) => error as ZhongkongError,
  );

/** The process is gone: nothing it would do from some point on happens, its cleaning up included. */
export const DEAD = new Promise<never>(() => undefined);
