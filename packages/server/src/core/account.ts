/**
 * An account: one identity at a platform that owns credentials.
 *
 * (platform, appId, parent) is unique; `id` is a slug that defaults to the AppID. Secrets are an ordered pair
 * (`[first, fallback]`), always sealed here: they are opened only at the moment of an issue.
 */

import type { Bilingual } from './failure.ts';

export interface Account {
  /** Slug, see `ACCOUNT_ID`; what callers and paths use. */
  readonly id: string;
  /** One of the platforms that some kind declares, e.g. `official-account`. */
  readonly platform: string;
  readonly appId: string;
  /** The account this one hangs under (a component, a suite), or ''. Not null, so that uniqueness is one index. */
  readonly parent: string;
  /** Which chain of its kinds it uses, e.g. `stable` or `classic`. */
  readonly mode: string;
  /** One or two sealed AppSecrets, in the order they are tried. */
  readonly sealedSecrets: readonly string[];
  /** +1 whenever the secrets change; the fallback gets one trial per value of this. */
  readonly secretRevision: number;
  /** First 8 hex of SHA-256 of each secret, to tell them apart without showing them. */
  readonly secretFingerprints: readonly string[];
  readonly enabled: boolean;
  /** A note for people, up to 200 characters. */
  readonly note: string;
  /** Digest of the declaration in the configuration that last wrote this account, or ''. */
  readonly declaration: string;
  readonly createdAt: number;
  readonly updatedAt: number;
  /** Optimistic concurrency: a write names the revision it read. 0 = not stored yet. */
  readonly revision: number;
}

/** Ids appear in paths, logs and metric labels, so they are plain; `.` and `..` in a path would be no names at all. */
export const ACCOUNT_ID = /^(?!\.)[A-Za-z0-9_.:@-]{1,128}$/;
/** An account's id, or `*` for all accounts. */
export const ACCOUNT_REFERENCE = new RegExp(`^\\*$|${ACCOUNT_ID.source}`);
export const ACCOUNT_ID_FORM: Bilingual = {
  en: '1 to 128 of A-Z a-z 0-9 _ . : @ -, the first no dot',
  zh: '1 到 128 个字符，仅限 A-Z a-z 0-9 _ . : @ -，且不能以点开头',
};

/**
 * An AppSecret as WeChat's platforms give them out: 32 hex digits today. Wide enough for another alphabet or length
 * tomorrow, narrow enough to refuse JSON, a whole line of a file or half a paste before WeChat is asked with it.
 */
export const APP_SECRET = /^[A-Za-z0-9_-]{16,128}$/;
export const APP_SECRET_FORM: Bilingual = { en: '16 to 128 of A-Z a-z 0-9 _ -', zh: '16 到 128 个字符，仅限 A-Z a-z 0-9 _ -' };

/** An AppID as WeChat's platforms give them out. Others are taken too, with a warning. */
export const APP_ID = /^wx[0-9a-f]{16}$/;
