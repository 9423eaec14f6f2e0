/**
 * Sealing as a parameter of the core: authenticated encryption of small texts.
 *
 * `context` is bound in as additional authenticated data: a sealed text opens only in the place it was made for.
 */
export interface Seal {
  seal(plain: string, context: string): string;
  /** Throws ZhongkongError `unseal_failed`. */
  open(sealed: string, context: string): string;
}

/** What a sealed AppSecret is bound to. */
export const secretContext = (accountId: string): string => `account-secret ${accountId}`;
