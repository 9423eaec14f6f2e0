/** A set-up failure that the user can do something about: its message is the whole output, in English and Chinese. */
export class SetupFailure extends Error {
  /** @param {string} en @param {string} zh @param {string} [detail] the tool's own last words */
  constructor(en, zh, detail = '') {
    super(`${detail === '' ? '' : `${detail.trimEnd()}\n\n`}${en}\n${zh}`);
  }
}
