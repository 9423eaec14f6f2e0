/** CredentialStore and DueQueue over Redis: each method is one script, so each is one step for everybody else. */

import { type CredentialId, credentialKey } from '../../core/credential.ts';
import type { Acquired, CredentialStore, CredentialWrite, DueQueue, LeaseGrant, StoredCredential } from '../../core/store.ts';
import type { RedisConnection } from './connection.ts';
import { ACQUIRE, LIST, NOW, READ, RELEASE, REMOVE_ALL, SCHEDULE, WRITE } from './lua/credentials.ts';
import { CLAIM, NEXT_DUE_AT } from './lua/due.ts';

/** As `stored` of lua/rows.ts gives it. */
export type StoredReply = readonly [id: string, fence: string, next: string | null, written: string | null];
/** As `grant` of lua/rows.ts gives it. */
type GrantReply = readonly [fence: string, until: string, takenOver: number, stored: StoredReply];

export const instant = (at: number | null): string | number => at ?? '';

export class RedisCredentials implements CredentialStore, DueQueue {
  readonly #redis: RedisConnection;

  constructor(redis: RedisConnection) {
    this.#redis = redis;
  }

  async now(): Promise<number> {
    return Number(await this.#redis.run(NOW, {}));
  }

  async read(id: CredentialId): Promise<StoredCredential | null> {
    const reply = (await this.#redis.run(READ, { id: credentialKey(id) })) as StoredReply | null;
    return reply && stored(reply);
  }

  async list(account: string): Promise<readonly StoredCredential[]> {
    const replies = (await this.#redis.run(LIST, { account })) as readonly StoredReply[];
    return replies.map(stored);
  }

  async acquire(id: CredentialId, holder: string, durationMs: number): Promise<Acquired | { readonly heldUntil: number }> {
    const { seen } = this.#redis;
    const reply = await this.#redis.run(ACQUIRE, { id: credentialKey(id), holder, duration: durationMs, seen });
    return typeof reply === 'string' ? { heldUntil: Number(reply) } : this.#acquired(reply as GrantReply, holder);
  }

  async write(lease: LeaseGrant, next: CredentialWrite, options: { readonly release: boolean }): Promise<'committed' | 'stale'> {
    const { generation, nextAttemptAt, body } = next;
    const { release } = options;
    const reply = await this.#redis.run(WRITE, {
      ...{ id: credentialKey(lease.id), fence: lease.fence, generation, next: instant(nextAttemptAt), body },
      release: release ? 1 : 0,
    });
    return reply === 1 ? 'committed' : 'stale';
  }

  async release(lease: LeaseGrant): Promise<void> {
    await this.#redis.run(RELEASE, { id: credentialKey(lease.id), fence: lease.fence });
  }

  async schedule(id: CredentialId, nextAttemptAt: number | null): Promise<void> {
    await this.#redis.run(SCHEDULE, { id: credentialKey(id), next: instant(nextAttemptAt) });
  }

  async removeAll(account: string): Promise<void> {
    await this.#redis.run(REMOVE_ALL, { account });
  }

  async claim(holder: string, durationMs: number, limit: number): Promise<readonly Acquired[]> {
    const { seen } = this.#redis;
    const replies = (await this.#redis.run(CLAIM, { holder, duration: durationMs, limit, seen })) as readonly GrantReply[];
    return replies.map((reply) => this.#acquired(reply, holder));
  }

  async nextDueAt(): Promise<number | null> {
    const at = (await this.#redis.run(NEXT_DUE_AT, {})) as string | null;
    return at === null ? null : Number(at);
  }

  #acquired([fenceText, until, takenOver, row]: GrantReply, holder: string): Acquired {
    const fence = Number(fenceText);
    this.#redis.saw(fence);
    const credential = { ...stored(row), fence };
    return { lease: { id: credential.id, holder, fence, until: Number(until), takenOver: takenOver === 1 }, stored: credential };
  }
}

export function stored([key, fence, next, written]: StoredReply): StoredCredential {
  const [account = '', kind = '', chain = ''] = key.split(' ');
  const space = written === null ? 0 : written.indexOf(' ');
  return {
    id: { account, kind, chain },
    generation: written === null ? 0 : Number(written.slice(0, space)),
    fence: Number(fence),
    nextAttemptAt: next === null ? null : Number(next),
    body: written === null ? null : written.slice(space + 1),
  };
}
