/** Whole rows of a Redis out and in, in pages; each page is one script. */

import { type CredentialId, credentialKey } from '../../core/credential.ts';
import type { Archive, ArchivedCredential, ArchivedRows, Census, StoredAuditEntry } from '../../core/store.ts';
import { entryOf, type Line } from './audit.ts';
import type { RedisConnection } from './connection.ts';
import { instant, stored, type StoredReply } from './credentials.ts';
import { keyOf } from './keys.ts';
import {
  AUDIT_PAGE,
  CENSUS,
  CLEAR,
  CREDENTIALS_PAGE,
  PUT_ACCOUNTS,
  PUT_AUDIT,
  PUT_CREDENTIALS,
  PUT_KEYS,
  RAISE_FENCE,
} from './lua/archive.ts';

type Row = readonly [stored: StoredReply, ends: string, holder: string];

export class RedisArchive implements Archive {
  readonly #redis: RedisConnection;

  constructor(redis: RedisConnection) {
    this.#redis = redis;
  }

  async census(): Promise<Census> {
    const [accounts = 0, keys = 0, credentials = 0, audit = 0] = (await this.#redis.run(CENSUS, {})) as readonly number[];
    return { accounts, keys, credentials, audit };
  }

  async credentials(after: CredentialId | null, limit: number): Promise<readonly ArchivedCredential[]> {
    const rows = (await this.#redis.run(CREDENTIALS_PAGE, { after: after ? credentialKey(after) : '', limit })) as readonly Row[];
    return rows.map(([row, ends, holder]) => ({ ...stored(row), lease: ends === '' ? null : { holder, until: Number(ends) } }));
  }

  async audit(seq: number, limit: number): Promise<readonly StoredAuditEntry[]> {
    return ((await this.#redis.run(AUDIT_PAGE, { after: seq, limit })) as readonly Line[]).map(entryOf);
  }

  async settings(): Promise<readonly { readonly name: string; readonly value: string }[]> {
    const all = await this.#redis.command((redis) => redis.hgetall(keyOf(this.#redis.target.prefix, 'settings')));
    return Object.entries(all).map(([name, value]) => ({ name, value }));
  }

  async fenceFloor(): Promise<number> {
    return Number(await this.#redis.command((redis) => redis.hget(keyOf(this.#redis.target.prefix, 'meta'), 'fence')));
  }

  async raiseFenceFloor(atLeast: number): Promise<void> {
    await this.#redis.run(RAISE_FENCE, { at_least: atLeast, seen: this.#redis.seen });
  }

  async put({ accounts = [], keys = [], credentials = [], audit = [] }: ArchivedRows): Promise<void> {
    const { seen } = this.#redis;
    if (accounts.length > 0) {
      const rows = accounts.map((account) => [account.id, account.appId, account.platform, account.parent, JSON.stringify(account)]);
      await this.#redis.run(PUT_ACCOUNTS, { rows: JSON.stringify(rows) });
    }
    if (keys.length > 0) {
      const rows = keys.map((key) => [key.id, key.digest, key.revokedAt === null ? key.name : '', JSON.stringify(key)]);
      await this.#redis.run(PUT_KEYS, { rows: JSON.stringify(rows) });
    }
    if (credentials.length > 0) {
      const rows = credentials.map(({ id, fence, lease, generation, nextAttemptAt, body }) => {
        const held = [lease === null ? '' : lease.until, lease?.holder ?? ''];
        return [credentialKey(id), fence, ...held, generation, instant(nextAttemptAt), body ?? ''].map(String);
      });
      await this.#redis.run(PUT_CREDENTIALS, { rows: JSON.stringify(rows), seen });
    }
    if (audit.length > 0) {
      const lines = audit.map(({ seq, at, subject, action, actor, data }) => {
        return [String(seq), String(at), subject, action, JSON.stringify({ at, actor, data })];
      });
      await this.#redis.run(PUT_AUDIT, { lines: JSON.stringify(lines) });
    }
  }

  async clear(): Promise<void> {
    await this.#redis.run(CLEAR, {});
  }
}
