/** API keys in the directory: written under their revision, found by id and by digest; a revoked key's name is free again. */

import type { ApiKeyRecord } from '../../core/api-key.ts';
import type { Page } from '../../core/store.ts';
import type { ChangeLog } from './changes.ts';
import type { SqlConnection } from './connection.ts';
import { type ApiKeysTable, COLUMNS } from './tables.ts';
import { underRevision } from './under-revision.ts';

export class SqlApiKeys {
  readonly #db: SqlConnection;
  readonly #changes: ChangeLog;

  constructor(db: SqlConnection, changes: ChangeLog) {
    this.#db = db;
    this.#changes = changes;
  }

  async get(id: string): Promise<ApiKeyRecord | null> {
    const row = await this.#db.read((db) => db.selectFrom('api_keys').select(COLUMNS.api_keys).where('id', '=', id).executeTakeFirst());
    return row ? fromRow(row) : null;
  }

  async byDigest(digest: string): Promise<ApiKeyRecord | null> {
    const row = await this.#db.read((db) =>
      db.selectFrom('api_keys').select(COLUMNS.api_keys).where('digest', '=', digest).executeTakeFirst(),
    );
    return row ? fromRow(row) : null;
  }

  async page({ after, limit }: Page): Promise<readonly ApiKeyRecord[]> {
    const rows = await this.#db.read((db) =>
      db
        .selectFrom('api_keys')
        .select(COLUMNS.api_keys)
        .where('id', '>', after ?? '')
        .orderBy('id')
        .limit(limit)
        .execute(),
    );
    return rows.map(fromRow);
  }

  put(key: ApiKeyRecord): Promise<'written' | 'conflict'> {
    const { id, revision } = key;
    const row = keyRow({ ...key, revision: revision + 1 });
    return underRevision(this.#db, revision, {
      insert: (trx) => trx.insertInto('api_keys').values(row).execute(),
      update: (trx) => trx.updateTable('api_keys').set(row).where('id', '=', id).where('revision', '=', revision).executeTakeFirstOrThrow(),
      changed: (trx) => this.#changes.key(trx, id),
    });
  }
}

const list = (values: readonly string[] | null): string | null => (values === null ? null : JSON.stringify(values));

export function keyRow(key: ApiKeyRecord): ApiKeysTable {
  return {
    id: key.id,
    name: key.name,
    active_name: key.revokedAt === null ? key.name : null,
    digest: key.digest,
    scopes: JSON.stringify(key.scopes),
    accounts: JSON.stringify(key.accounts),
    kinds: list(key.kinds),
    paths: list(key.paths),
    calls_per_minute: key.callsPerMinute,
    cidrs: list(key.cidrs),
    sealed: key.sealed ? 1 : 0,
    expires_at: key.expiresAt,
    revoked_at: key.revokedAt,
    created_at: key.createdAt,
    revision: key.revision,
  };
}

function fromRow(row: ApiKeysTable): ApiKeyRecord {
  return {
    id: row.id,
    name: row.name,
    digest: row.digest,
    scopes: JSON.parse(row.scopes),
    accounts: JSON.parse(row.accounts),
    kinds: row.kinds === null ? null : JSON.parse(row.kinds),
    paths: row.paths === null ? null : JSON.parse(row.paths),
    callsPerMinute: row.calls_per_minute,
    cidrs: row.cidrs === null ? null : JSON.parse(row.cidrs),
    sealed: row.sealed !== 0,
    expiresAt: row.expires_at,
    revokedAt: row.revoked_at,
    createdAt: row.created_at,
    revision: row.revision,
  };
}
