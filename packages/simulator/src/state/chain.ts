/**
 * A chain: the line of tokens that supersede one another for one account. Classic and stable tokens
 * are two chains that never touch. Everything follows from two instants on a token:
 *   expiresAt   its own end of life, fixed at issue
 *   validUntil  when it stops being accepted: expiresAt, or earlier once superseded or revoked
 * Invariant: besides the current one, at most `survivors` tokens have validUntil in the future.
 */
export type ChainName = 'classic' | 'stable';
export type Kind = ChainName | 'jsapi' | 'wx_card' | 'sdk';

export interface Issued {
  readonly value: string;
  readonly account: string;
  readonly chain: Kind;
  readonly issuedAt: number;
  readonly expiresAt: number;
  /** What the caller was told: expiresAt, unless a fault makes the real life another one. */
  readonly toldUntil: number;
  validUntil: number;
  superseded: boolean;
}

export interface Chain {
  current: Issued | null;
  /** Superseded tokens that may still be in grace, newest first. */
  previous: Issued[];
  /** Values made so far: part of the name of the next value's random stream. */
  made: number;
}

/** `alive` current · `grace` superseded but accepted · `dead` issued once, not accepted any more. */
export type TokenState = 'alive' | 'grace' | 'dead' | 'unknown';

export const emptyChain = (): Chain => ({ current: null, previous: [], made: 0 });

/** Makes `next` current; the former current keeps min(own life, grace). Returns what fell out of the chain. */
export function rotate(chain: Chain, next: Issued, now: number, graceMs: number, survivors: number): Issued[] {
  const old = chain.current;
  if (old) {
    old.superseded = true;
    old.validUntil = Math.min(old.validUntil, now + graceMs);
    chain.previous.unshift(old);
  }
  const dropped = chain.previous.splice(survivors);
  for (const token of dropped) token.validUntil = Math.min(token.validUntil, now);
  chain.current = next;
  return dropped;
}

export function stateOf(token: Issued | undefined, now: number): TokenState {
  if (!token) return 'unknown';
  if (now >= token.validUntil) return 'dead';
  return token.superseded ? 'grace' : 'alive';
}

/** The errcode with which a token is refused, 0 when it is accepted. Own expiry wins over eviction. */
export function refusalOf(token: Issued | undefined, now: number): 0 | 40001 | 42001 {
  if (!token || (token.chain !== 'classic' && token.chain !== 'stable')) return 40001;
  if (now < token.validUntil) return 0;
  return now >= token.expiresAt ? 42001 : 40001;
}
