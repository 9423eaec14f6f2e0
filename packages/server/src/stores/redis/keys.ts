/**
 * Every key of an installation: a fixed few, whatever the number of accounts, under one prefix.
 *
 * The prefix is a hash tag, so that all keys are in one slot of a Redis Cluster and a script may use several of them;
 * and since each is known beforehand, scripts name all they touch in KEYS, which proxies of managed Redis ask for.
 * What is in each: docs/storage-schema.md.
 */

export const KEYS = [
  'meta',
  'credentials',
  'leases',
  'ids',
  'due',
  'held',
  'held_due',
  'accounts',
  'account_ids',
  'identities',
  'api_keys',
  'key_ids',
  'digests',
  'names',
  'audit',
  'audit_at',
  'changes',
  'settings',
] as const;

export type KeyName = (typeof KEYS)[number];

/** E.g. `{zhongkong}:due`. */
export const keyOf = (prefix: string, name: KeyName): string => `{${prefix}}:${name}`;
