/**
 * All accounts by AppID. With `autoAccounts` any well-formed AppID exists from its first use on, with
 * one known AppSecret, so a bench over 100 000 accounts needs no set-up.
 */
import { APPID, makeSecret } from '../shapes.ts';
import { type Account, newAccount } from './account.ts';

/** The AppSecret of automatic accounts unless the option names another. */
export const AUTO_SECRET = '0123456789abcdef0123456789abcdef';

export class Directory {
  readonly #accounts = new Map<string, Account>();
  readonly #seed: string;
  readonly #autoSecret: string | null;
  /** Former lives per id: a re-created account must not make its old tokens again. */
  readonly #lives = new Map<string, number>();

  constructor(seed: string, autoSecret: string | null) {
    this.#seed = seed;
    this.#autoSecret = autoSecret;
  }

  get size(): number {
    return this.#accounts.size;
  }

  ids(): IterableIterator<string> {
    return this.#accounts.keys();
  }

  /** Only accounts that exist already: looking does not create an automatic one. */
  peek(id: string): Account | null {
    return this.#accounts.get(id) ?? null;
  }

  find(id: string): Account | null {
    const known = this.#accounts.get(id);
    if (known) return known;
    return this.#autoSecret !== null && APPID.test(id) ? this.create(id, this.#autoSecret) : null;
  }

  /** Without `secret` one is made from the seed. */
  create(id: string, secret: string = makeSecret(`${this.#seed}|${id}|secret`)): Account {
    const account = newAccount(id, secret, this.#lives.get(id) ?? 0);
    this.#accounts.set(id, account);
    return account;
  }

  remove(id: string): boolean {
    const found = this.#accounts.delete(id);
    if (found) this.#lives.set(id, (this.#lives.get(id) ?? 0) + 1);
    return found;
  }
}
