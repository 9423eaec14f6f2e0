/**
 * API keys that the configuration declares: found before the directory, never stored, read-only.
 */

import type { ApiKeyRecord } from '../core/api-key.ts';
import type { DeclaredKey } from '../core/declared.ts';
import { ZhongkongError } from '../core/errors.ts';
import { parseCidr } from './cidr.ts';

const PREFIX = 'k_declared_';

/** A stored id is `k_` + base62, so it has no second underscore. */
export const isDeclared = (id: string): boolean => id.startsWith(PREFIX);

export class DeclaredKeys {
  readonly #byText: ReadonlyMap<string, ApiKeyRecord>;
  readonly #byId: ReadonlyMap<string, ApiKeyRecord>;
  readonly #names: ReadonlySet<string>;

  /** Throws `config_invalid` for a network that `authorize` could not read later. */
  constructor(declared: readonly DeclaredKey[], digest: (key: string) => string) {
    const records = declared.map((one) => [one.key, recordOf(one, digest(one.key))] as const);
    this.#byText = new Map(records);
    this.#byId = new Map(records.map(([, record]) => [record.id, record]));
    this.#names = new Set(declared.map(({ name }) => name));
  }

  find(key: string): ApiKeyRecord | undefined {
    return this.#byText.get(key);
  }

  get(id: string): ApiKeyRecord | undefined {
    return this.#byId.get(id);
  }

  hasName(name: string): boolean {
    return this.#names.has(name);
  }

  /** Those behind `after`, in id order. */
  after(after: string | null): readonly ApiKeyRecord[] {
    const behind = [...this.#byId.values()].filter(({ id }) => after === null || id > after);
    return behind.sort((a, b) => (a.id < b.id ? -1 : 1));
  }
}

function recordOf({ key: _, ...declared }: DeclaredKey, digest: string): ApiKeyRecord {
  for (const cidr of declared.cidrs ?? []) {
    if (parseCidr(cidr) === null) throw new ZhongkongError('config_invalid', `keys: ${declared.name}: cidrs: ${cidr} is no network`);
  }
  return { ...declared, id: `${PREFIX}${declared.name}`, digest, paths: null, revokedAt: null, createdAt: 0, revision: 0 };
}
