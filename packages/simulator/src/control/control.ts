/**
 * The referee's hands: everything a test can arrange or ask, as methods. The HTTP paths under /_sim/
 * are a thin table over these, so a program and a script say the same things in the same JSON.
 * Every input is checked in full first: a call that throws InputError has changed nothing.
 */
import { type Fault, readFaults } from '../faults/faults.ts';
import { boolean, fieldsOf, InputError, integer, matching, oneOf, type Reader, reject } from '../input.ts';
import { FIXED_KNOBS, type Knobs, knobsFrom } from '../knobs.ts';
import { makeSecret } from '../shapes.ts';
import { type Account, answerRisk, edit } from '../state/account.ts';
import type { ChainName } from '../state/chain.ts';
import type { CountersView } from '../state/counters.ts';
import type { World } from '../world.ts';
import { type AccountInput, accountReader, applyAccount, rangesOf, secretReader, setSecret, whitelistReader } from './account-input.ts';
import { rogueFetch } from './rogue.ts';
import { type AccountView, accountView, type TokenView, tokenView } from './views.ts';

/** The account named does not exist (404 over HTTP). */
export class NoSuchAccount extends Error {
  override readonly name = 'NoSuchAccount';
}

const idReader = matching(/^[\w:.-]{1,64}$/);
const chain = oneOf('classic', 'stable');

/** `fieldsOf` where some fields must be there. */
const withRequired =
  <T extends object, K extends keyof T & string>(
    fields: { readonly [P in keyof T]-?: Reader<T[P]> },
    ...required: K[]
  ): Reader<Partial<T> & Pick<T, K>> =>
  (value, where) => {
    const read = fieldsOf<T>(fields)(value ?? {}, where);
    for (const field of required) if (read[field] === undefined) reject(field, 'a value', undefined);
    return read as Partial<T> & Pick<T, K>;
  };

const readSecret = withRequired<{ secret: string }, never>({ secret: secretReader });
const readFreeze = withRequired<{ frozen: boolean }, 'frozen'>({ frozen: boolean }, 'frozen');
const readWhitelist = withRequired<{ whitelist: string[] | null; delay_seconds: number }, 'whitelist'>(
  { whitelist: whitelistReader, delay_seconds: integer(0, 315_360_000) },
  'whitelist',
);
const readRisk = withRequired<{ ip: string; agree: boolean }, 'ip' | 'agree'>({ ip: matching(/^[\d.]+$/), agree: boolean }, 'ip', 'agree');
const readRogue = withRequired<{ chain: ChainName; force: boolean; times: number }, never>({
  chain,
  force: boolean,
  times: integer(1, 1000),
});
const WHICH = ['current', 'previous', 'all'] as const;
const readRevoke = withRequired<{ chain: ChainName; which: (typeof WHICH)[number] }, never>({ chain, which: oneOf(...WHICH) });
const readAdvance = withRequired<{ advance_ms: number }, 'advance_ms'>({ advance_ms: integer(0, 315_360_000_000) }, 'advance_ms');

export class Control {
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  /** Creates the account, or changes the fields named on an existing one. */
  putAccount(id: string, input: AccountInput = {}): AccountView {
    const { directory, clock, knobs } = this.#world;
    idReader(id, 'id');
    const checked = accountReader(input, '');
    const fresh = directory.peek(id) === null;
    applyAccount(directory.find(id) ?? directory.create(id), checked, clock.now(), knobs, fresh);
    return this.account(id);
  }

  account(id: string): AccountView {
    return accountView(this.#find(id), this.#world.clock.now(), this.#world.knobs.dayOffsetMinutes);
  }

  /** Its tokens die; created again it has a fresh quota and other tokens. */
  removeAccount(id: string): void {
    const account = this.#find(id);
    this.#world.issuer.retire(account, this.#world.clock.now());
    this.#world.directory.remove(id);
  }

  removeAllAccounts(): void {
    for (const id of [...this.#world.directory.ids()]) this.removeAccount(id);
  }

  accounts(offset = 0, limit = 1000): { total: number; ids: string[] } {
    const ids: string[] = [];
    let at = 0;
    for (const id of this.#world.directory.ids()) {
      if (at >= offset + limit) break;
      if (at++ >= offset) ids.push(id);
    }
    return { total: this.#world.directory.size, ids };
  }

  /** Without `secret` a new one is made. The old one is refused (40125) at once. */
  resetSecret(id: string, input: { secret?: string } = {}): { secret: string } {
    const account = this.#find(id);
    const { clock, knobs, seed } = this.#world;
    const secret = readSecret(input, '').secret ?? makeSecret(`${seed}|${id}|secret|${account.secret}`);
    setSecret(account, secret, clock.now(), knobs);
    return { secret };
  }

  /** Takes `freezeDelaySeconds` to hold. */
  freezeSecret(id: string, input: { frozen: boolean }): AccountView {
    const account = this.#find(id);
    const { frozen } = readFreeze(input, '');
    edit(account.frozen, frozen, this.#world.clock.now(), this.#world.knobs.freezeDelaySeconds * 1000);
    return this.account(id);
  }

  /** Takes `delay_seconds` to hold, default the knob `whitelistDelaySeconds`. */
  editWhitelist(id: string, input: { whitelist: string[] | null; delay_seconds?: number }): AccountView {
    const account = this.#find(id);
    const { whitelist, delay_seconds: delay } = readWhitelist(input, '');
    const delayMs = (delay ?? this.#world.knobs.whitelistDelaySeconds) * 1000;
    edit(account.whitelist, whitelist && rangesOf(whitelist), this.#world.clock.now(), delayMs);
    return this.account(id);
  }

  /** The administrator's answer for a risky address. */
  answerRisk(id: string, input: { ip: string; agree: boolean }): AccountView {
    const account = this.#find(id);
    const { ip, agree } = readRisk(input, '');
    answerRisk(account, ip, agree, this.#world.clock.now());
    return this.account(id);
  }

  /** A third party fetches `times` (default 1) tokens of `chain` (default classic). */
  rogue(id: string, input: { chain?: ChainName; force?: boolean; times?: number } = {}): { values: (string | null)[] } {
    const account = this.#find(id);
    const { chain: name = 'classic', force = false, times = 1 } = readRogue(input, '');
    return { values: Array.from({ length: times }, () => rogueFetch(this.#world, account, name, force)) };
  }

  /** WeChat kills tokens before their time. `which` default current, `chain` default both. */
  revoke(id: string, input: { chain?: ChainName; which?: (typeof WHICH)[number] } = {}): { revoked: number } {
    const account = this.#find(id);
    const { chain: name, which = 'current' } = readRevoke(input, '');
    const hit = this.#world.issuer.revoke(account, this.#world.clock.now(), (token) => {
      const inChain = name === undefined ? token.chain === 'classic' || token.chain === 'stable' : token.chain === name;
      return inChain && (which === 'all' || token.superseded === (which === 'previous'));
    });
    return { revoked: hit.length };
  }

  /** What WeChat thinks of a token or ticket right now. */
  token(value: string): TokenView {
    return tokenView(value, this.#world.issuer.lookup(value), this.#world.clock.now());
  }

  /** Replaces all faults. */
  setFaults(faults: Fault | readonly Fault[]): object[] {
    const checked = readFaults(faults);
    this.#world.faults.clear();
    this.#world.faults.add(checked, this.#world.clock.now());
    return this.faults();
  }

  addFaults(faults: Fault | readonly Fault[]): object[] {
    this.#world.faults.add(readFaults(faults), this.#world.clock.now());
    return this.faults();
  }

  /** All, or those named `name`. */
  clearFaults(name?: string): { removed: number } {
    return { removed: this.#world.faults.clear(name) };
  }

  /** With `hits` so far and calls `left` (null: no limit). */
  faults(): object[] {
    return this.#world.faults.toJSON();
  }

  clock(): { now_ms: number } {
    return { now_ms: this.#world.clock.now() };
  }

  advance(input: { advance_ms: number }): { now_ms: number } {
    this.#world.clock.advance(readAdvance(input, '').advance_ms);
    return this.clock();
  }

  knobs(): Readonly<Knobs> {
    return this.#world.knobs;
  }

  /** Lays these knobs over the present ones. */
  setKnobs(changes: Partial<Knobs>): Readonly<Knobs> {
    const next = knobsFrom(changes, this.#world.knobs);
    for (const name of FIXED_KNOBS) {
      if (next[name] !== this.#world.knobs[name]) throw new InputError(`knobs.${name}: can only be set when the simulator is made`);
    }
    this.#world.knobs = next;
    return next;
  }

  state(): { seed: string; now_ms: number; accounts: number; strangers: CountersView; faults: object[] } {
    const { seed, clock, directory, strangers } = this.#world;
    return { seed, now_ms: clock.now(), accounts: directory.size, strangers: strangers.view(), faults: this.faults() };
  }

  #find(id: string): Account {
    const account = this.#world.directory.find(id);
    if (!account) throw new NoSuchAccount(`no account ${id.slice(0, 80)}`);
    return account;
  }
}
