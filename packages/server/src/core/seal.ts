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

/** A seal whose key changes while it is in use: what was sealed before still opens, and can be told apart. */
export interface RotatingSeal extends Seal {
  /** Whether this text was sealed under the key that seals now. */
  isCurrent(sealed: string): boolean;
}

/** The text sealed under the key that seals now; as it is when it is already. Throws `unseal_failed`. */
export const resealed = (seal: RotatingSeal, sealed: string, context: string): string =>
  seal.isCurrent(sealed) ? sealed : seal.seal(seal.open(sealed, context), context);
