/**
 * What can keep a store from being used, by name: in `/readyz`, `/v1/status` and the log, and on the line of a start that
 * was stopped. Stable and part of the wire contract. Which of a driver's errors means which is each store's own table.
 */

import { ZhongkongError } from './errors.ts';
import type { Bilingual } from './failure.ts';

export const STORE_TROUBLES = [
  /** Not there, not found by name, or the connection broke. */
  'store_unreachable',
  /** Reached, but not with TLS as asked for. */
  'store_tls_failed',
  'store_auth_failed',
  /** The user may log in, and may not do what is needed. */
  'store_forbidden',
  /** The server is there, its database is not; or a path that is no file. */
  'store_missing',
  'store_full',
  'store_read_only',
  /** Locks, load, no connection free, no answer in time. */
  'store_busy',
  /** Starting, stopping, recovering. */
  'store_starting',
  /** Not a database, a damaged one, a broken disk. */
  'store_damaged',
  /** Set up so that nothing could be relied on. */
  'store_misconfigured',
  /** A later version of Zhongkong has changed its schema. */
  'schema_newer',
  /** Sealed under a master key that this node does not have. */
  'master_key_unknown',
  /** Something else. */
  'store_failed',
] as const;

export type StoreTrouble = (typeof STORE_TROUBLES)[number];

/** A trouble as people are told of it. `message` names the place (a file, a host), so it is for operators only. */
export interface TroubleReport {
  readonly code: StoreTrouble;
  readonly message: string;
  readonly advice: Bilingual;
}

const UNKNOWN_ADVICE: Bilingual = {
  en: 'Check that the store runs, is reachable and writable, and that its disk is not full. Credentials in memory are served meanwhile.',
  zh: '请检查存储是否在运行、可连接、可写，磁盘是否已满；在此期间继续用内存中的凭据提供服务。',
};

/** By the code of the error: what a look at a store that answers can throw. */
const BY_CODE: Readonly<Record<string, StoreTrouble>> = { config_invalid: 'schema_newer', unseal_failed: 'master_key_unknown' };

/** What an error of a store means. The only wrong configuration that a running server can meet is a later schema. */
export function troubleOf(error: unknown): TroubleReport {
  if (!(error instanceof ZhongkongError)) {
    return { code: 'store_failed', message: error instanceof Error ? error.name : 'unknown', advice: UNKNOWN_ADVICE };
  }
  const { message, advice, details } = error;
  return { code: details.trouble ?? BY_CODE[error.code] ?? 'store_failed', message, advice };
}
