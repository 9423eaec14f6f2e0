/** What ends a session that another holder has overtaken. */

import type { CredentialRecord } from './credential.ts';

/** A later lease exists: whatever this session did must not be stored. */
export class StaleLease extends Error {
  override readonly name = 'StaleLease';
  /** The record with a value that we issued and that may have killed what the other holder stored; null = there is none. */
  readonly issued: CredentialRecord | null;

  constructor(issued: CredentialRecord | null) {
    super('a later lease exists');
    this.issued = issued;
  }
}
