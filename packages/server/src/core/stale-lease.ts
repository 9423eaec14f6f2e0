/** What ends a session that another holder has overtaken. */

/** A later lease exists: whatever this session did must not be stored. */
export class StaleLease extends Error {
  override readonly name = 'StaleLease';
  /** Whether we issued a value upstream that may have killed what the other holder stored. */
  readonly raced: boolean;

  constructor(raced: boolean) {
    super('a later lease exists');
    this.raced = raced;
  }
}
