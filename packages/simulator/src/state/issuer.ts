/**
 * Makes tokens and tickets and knows every one that may still matter. The index maps a value to its
 * record; tokens that fell out of their chain stay known as dead up to `deadTokenMemory`, then become
 * unknown (the wire answers both with 40001).
 */
import { BoundedMap } from '../bounded.ts';
import type { Knobs } from '../knobs.ts';
import { makeTicket, makeToken, tokenPrefixAt } from '../shapes.ts';
import type { Account } from './account.ts';
import { type ChainName, type Issued, type Kind, rotate } from './chain.ts';

/** What faults change about one issue. */
export interface IssueEffects {
  /** Life in seconds instead of the account's. */
  lifetimeSeconds?: number;
  /** The real life differs from the told one by so many milliseconds. */
  expirySkewMs?: number;
  /** The token dies (40001) so many milliseconds after its issue. */
  revokeAfterMs?: number;
}

export class Issuer {
  readonly #index = new Map<string, Issued>();
  readonly #dead: BoundedMap<Issued>;
  readonly #seed: string;

  constructor(seed: string, deadTokenMemory: number) {
    this.#seed = seed;
    this.#dead = new BoundedMap(deadTokenMemory, (value) => this.#index.delete(value));
  }

  get size(): number {
    return this.#index.size;
  }

  lookup(value: string): Issued | undefined {
    return this.#index.get(value);
  }

  /** Rotates the chain; the former current enters its grace. Returns the new current and its told life. */
  issueToken(
    account: Account,
    name: ChainName,
    now: number,
    knobs: Knobs,
    effects: IssueEffects = {},
  ): { token: Issued; lifetimeSeconds: number } {
    const chain = account.chains[name];
    const lifetimeSeconds = effects.lifetimeSeconds ?? account.lifetimeSeconds ?? knobs.lifetimeSeconds;
    const stream = `${this.#seed}|${account.id}|${account.birth}|${name}|${chain.made++}`;
    const value = makeToken(stream, knobs.tokenPrefix ?? tokenPrefixAt(now), knobs.tokenLength);
    const token = this.#record(account.id, name, value, now, lifetimeSeconds, effects);
    for (const old of rotate(chain, token, now, knobs.graceSeconds * 1000, knobs.supersededSurvivors)) this.#dead.put(old.value, old);
    return { token, lifetimeSeconds };
  }

  issueTicket(account: Account, kind: Kind, now: number, knobs: Knobs, effects: IssueEffects = {}): Issued {
    const old = account.tickets.get(kind);
    const stream = `${this.#seed}|${account.id}|${account.birth}|${kind}|${now}|${old?.value ?? ''}`;
    const ticket = this.#record(account.id, kind, makeTicket(stream), now, effects.lifetimeSeconds ?? knobs.ticketLifetimeSeconds, effects);
    if (old) {
      old.superseded = true;
      this.#dead.put(old.value, old);
    }
    account.tickets.set(kind, ticket);
    return ticket;
  }

  /** Kills at once what `which` selects of an account's tokens and tickets; they answer 40001. */
  revoke(account: Account, now: number, which: (token: Issued) => boolean): Issued[] {
    const all = [...account.chains.classic.previous, ...account.chains.stable.previous, ...account.tickets.values()];
    for (const chain of [account.chains.classic, account.chains.stable]) if (chain.current) all.push(chain.current);
    const hit = all.filter((token) => token.validUntil > now && which(token));
    for (const token of hit) token.validUntil = now;
    return hit;
  }

  /** Kills everything of an account that goes away and lets the bounded memory of dead tokens have it. */
  retire(account: Account, now: number): void {
    this.revoke(account, now, () => true);
    const { classic, stable } = account.chains;
    const all = [classic.current, stable.current, ...classic.previous, ...stable.previous, ...account.tickets.values()];
    for (const token of all) if (token) this.#dead.put(token.value, token);
  }

  #record(account: string, chain: Kind, value: string, now: number, lifetimeSeconds: number, effects: IssueEffects): Issued {
    const toldUntil = now + lifetimeSeconds * 1000;
    const expiresAt = toldUntil + (effects.expirySkewMs ?? 0);
    const validUntil = effects.revokeAfterMs === undefined ? expiresAt : Math.min(expiresAt, now + effects.revokeAfterMs);
    const token: Issued = { value, account, chain, issuedAt: now, expiresAt, toldUntil, validUntil, superseded: false };
    this.#index.set(value, token);
    return token;
  }
}
